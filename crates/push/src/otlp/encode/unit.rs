//! Units in OTLP.

use exposition::Unit;

/// The unit in UCUM, as `prometheus_and_openmetrics.md` of OpenTelemetry's specification says.
pub(super) fn ucum(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Ratio => "1",
    }
}

#[cfg(test)]
mod tests {
    use exposition::Kind;

    use super::*;

    /// What Prometheus calls a metric: `normalizeName` of `prometheus/otlptranslator`, as far as our
    /// units go. `VictoriaMetrics` does the same, if told to.
    fn as_prometheus(name: &str, unit: Option<Unit>, kind: Kind) -> String {
        let mut words: Vec<_> = name.split('_').filter(|word| !word.is_empty()).collect();
        let mut end_in = |word| {
            words.retain(|other| *other != word);
            words.push(word);
        };
        match (unit.map(ucum), kind) {
            (Some("s"), _) if !name.split('_').any(|word| word == "seconds") => end_in("seconds"),
            (Some("By"), _) if !name.split('_').any(|word| word == "bytes") => end_in("bytes"),
            (Some("1"), Kind::Gauge | Kind::Unknown) => end_in("ratio"),
            _ => {}
        }
        if kind == Kind::Counter {
            end_in("total");
        }
        words.join("_")
    }

    #[test]
    fn a_receiver_that_adds_suffixes_finds_them_there() {
        for (name, unit, kind) in [
            ("locust_up", None, Kind::Gauge),
            ("locust_requests_total", None, Kind::Counter),
            ("locust_request_duration_seconds", Some(Unit::Seconds), Kind::Histogram),
            ("locust_response_length_bytes_total", Some(Unit::Bytes), Kind::Counter),
            ("locust_worker_cpu_usage_ratio", Some(Unit::Ratio), Kind::Gauge),
            ("seconds_ahead_seconds", Some(Unit::Seconds), Kind::Gauge),
        ] {
            assert_eq!(as_prometheus(name, unit, kind), name);
        }
        // The one exception, which the module's documentation names.
        assert_eq!(as_prometheus("carts", None, Kind::Counter), "carts_total");
    }
}
