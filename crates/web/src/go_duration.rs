//! Durations as Go writes them, which Prometheus's files and flags inherit: `1h15m30.5s`.

use std::time::Duration;

/// Reads a duration; `None` if it is none. A sign other than `+` is refused.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        total += number.parse::<f64>().ok()? * seconds(unit)?;
        rest = tail;
    }
    Duration::try_from_secs_f64(total).ok()
}

fn seconds(unit: &str) -> Option<f64> {
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
    fn durations_are_gos() {
        for (text, expected) in [
            ("1s", Duration::from_secs(1)),
            ("1m30s", Duration::from_secs(90)),
            ("1h1m1.5s", Duration::from_millis(3_661_500)),
            ("100ms", Duration::from_millis(100)),
            ("10us", Duration::from_micros(10)),
            ("3µs", Duration::from_micros(3)),
            ("0s", Duration::ZERO),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for bad in
            ["", "+", "5", "-1s", "s", "1x", "5sec", "1.2.3s", "1 s", "1e3s", "99999999999999999h"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
