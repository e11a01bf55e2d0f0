//! Moments, as Locust writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in seconds since 1970, as the JSON has it.
pub(super) fn from_seconds(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// A moment as the CSV has it: `2026-11-20T10:07:48Z`.
pub(super) fn from_iso(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !in_range {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut next = || {
        parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?.parse::<u64>().ok()
    };
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970-01-01. The year is counted from March on, so that a leap day is its last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    const DAYS_TO_1970_FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970_FROM_MARCH_OF_YEAR_0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        from_iso(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn moments_of_the_csv_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(seconds("2026-11-20T10:07:48Z"), Some(1_795_169_268));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "now",
            "2026-11-20",
            "2026-13-20T10:07:48Z",
            "2026-11-20T10:07:48Zé",
            "+026-11-20T10:07:48Z",
            "2026-11-20T25:07:48Z",
            "99999999999-11-20T10:07:48Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_that_no_clock_shows_is_none() {
        assert_eq!(from_seconds(-1.0), None);
        assert_eq!(from_seconds(f64::MAX), None);
        assert_eq!(from_seconds(1.5), UNIX_EPOCH.checked_add(Duration::from_millis(1500)));
    }
}
