//! Durations as Go writes them, since the Go exporters took them so: `5s`, `1m30s`, `250ms`.

use std::time::Duration;

/// So that a deadline in the far future is still a time that clocks know.
const MAX: Duration = Duration::from_hours(365 * 24);

/// Reads a Go duration.
///
/// # Errors
///
/// A sentence that says what is accepted. Durations of nothing are refused: as a timeout or an
/// interval, 0 is a mistake.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration like 5s, 1m30s or 250ms".to_owned();
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        let after = &rest[digits..];
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let seconds = number * unit_seconds(&after[..unit]).ok_or_else(wrong)?;
        let part = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = &after[unit..];
    }
    if total.is_zero() {
        return Err("expected more than 0".to_owned());
    }
    if total > MAX {
        return Err("expected at most 8760h, a year".to_owned());
    }
    Ok(total)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        for (text, millis) in
            [("5s", 5_000), ("1m30s", 90_000), ("250ms", 250), ("1.5s", 1_500), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("3µs"), Ok(Duration::from_micros(3)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "5 s", "-5s", "5sec", "1.2.3s", "0s", "1e3s", "99999999999999h"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
