//! Durations of flags, as Go writes them, since the Go exporters took them so.

use std::time::Duration;

use push::LEAST_INTERVAL;
use web::go_duration;

/// So that a deadline in the far future is still a time that clocks know.
const MAX: Duration = Duration::from_hours(365 * 24);

/// Reads a Go duration.
///
/// # Errors
///
/// A sentence that says what is accepted. Durations of nothing are refused: as a timeout or an
/// interval, 0 is a mistake.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    match go_duration::parse(text.trim()) {
        Some(Duration::ZERO) => Err("expected more than 0".to_owned()),
        duration => bounded(duration),
    }
}

/// Reads a Go duration between two pushes.
///
/// # Errors
///
/// A sentence that says what is accepted.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse(text)?;
    if interval < LEAST_INTERVAL {
        return Err(format!("expected at least {LEAST_INTERVAL:?}"));
    }
    Ok(interval)
}

/// Reads a Go duration that may be 0.
///
/// # Errors
///
/// A sentence that says what is accepted.
pub(crate) fn parse_or_zero(text: &str) -> Result<Duration, String> {
    bounded(go_duration::parse(text.trim()))
}

fn bounded(duration: Option<Duration>) -> Result<Duration, String> {
    match duration {
        None => Err("expected a duration like 5s, 1m30s or 250ms".to_owned()),
        Some(duration) if duration > MAX => Err("expected at most 8760h, a year".to_owned()),
        Some(duration) => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn an_interval_of_next_to_nothing_is_refused() {
        assert_eq!(parse_interval("100ms"), Ok(LEAST_INTERVAL));
        assert_eq!(parse_interval("99ms"), Err("expected at least 100ms".to_owned()));
        assert!(parse_interval("1us").is_err());
    }

    #[test]
    fn nothing_a_bare_number_and_more_than_a_year_are_refused() {
        for text in ["", "5", "0s", "-5s", "8761h"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
