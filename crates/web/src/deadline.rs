//! How long a scrape may take.

use std::time::Duration;

use axum::http::HeaderMap;

const HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// Left for the answer's way back.
const MARGIN: f64 = 0.5;

/// The time in which the families must be gathered: what the scraper announces less a margin,
/// but never more than `cap`. A value that is no positive number counts for nothing.
pub(crate) fn allowance(headers: &HeaderMap, cap: Duration) -> Duration {
    let announced = headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    let Some(seconds) = announced else { return cap };
    // A scraper in such a hurry that the margin would eat the most of it keeps half.
    let allowed = (seconds - MARGIN).max(seconds / 2.0);
    Duration::try_from_secs_f64(allowed).map_or(cap, |allowed| allowed.min(cap))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(announced: &str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, announced.parse().unwrap());
        allowance(&headers, Duration::from_secs(9))
    }

    #[test]
    fn the_answer_has_half_a_second_for_its_way_back() {
        assert_eq!(allowed("5"), Duration::from_millis(4500));
        assert_eq!(allowed("1"), Duration::from_millis(500));
    }

    #[test]
    fn a_tiny_timeout_is_halved() {
        assert_eq!(allowed("0.4"), Duration::from_millis(200));
    }

    #[test]
    fn our_own_cap_wins_over_a_long_timeout() {
        assert_eq!(allowed("3600"), Duration::from_secs(9));
        assert_eq!(allowed("1e300"), Duration::from_secs(9));
    }

    #[test]
    fn bad_values_are_ignored() {
        for bad in ["", "abc", "-1", "0", "NaN", "inf", "5s"] {
            assert_eq!(allowed(bad), Duration::from_secs(9), "{bad:?}");
        }
        assert_eq!(allowance(&HeaderMap::new(), Duration::from_secs(3)), Duration::from_secs(3));
    }
}
