//! Protobuf for people.

use std::fmt::Write;

use crate::dto::{Histogram, Metric, Timestamp, decode};

/// An exposition in the protobuf format, a line for a family and a line for each of its metrics.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for family in decode(bytes) {
        let kind = format!("{:?}", family.r#type()).to_lowercase();
        let unit = family.unit.as_ref().map(|unit| format!(" in {unit}")).unwrap_or_default();
        writeln!(text, "{}: {kind}{unit}. {}", family.name(), family.help()).unwrap();
        for metric in &family.metric {
            let pairs = metric.label.iter();
            let labels: Vec<_> =
                pairs.map(|pair| format!("{}={:?}", pair.name(), pair.value())).collect();
            writeln!(text, "  {{{}}} {}", labels.join(","), value(metric)).unwrap();
        }
    }
    text
}

fn value(metric: &Metric) -> String {
    if let Some(counter) = &metric.counter {
        return format!("{}{}", counter.value(), since(counter.created_timestamp.as_ref()));
    }
    if let Some(histogram) = &metric.histogram {
        return buckets(histogram);
    }
    let number = metric.gauge.as_ref().or(metric.untyped.as_ref());
    number.expect("the schemas of the inside have no other kind").value().to_string()
}

fn buckets(histogram: &Histogram) -> String {
    let mut text = format!("count {} sum {}", histogram.sample_count(), histogram.sample_sum());
    let classic: Vec<_> = histogram.bucket.iter().collect();
    for bucket in classic {
        write!(text, ", <={} {}", bucket.upper_bound(), bucket.cumulative_count()).unwrap();
    }
    if let Some(schema) = histogram.schema {
        let (threshold, zeros) = (histogram.zero_threshold(), histogram.zero_count());
        write!(text, "; schema {schema}, <={threshold:e} {zeros}, spans").unwrap();
        for span in &histogram.positive_span {
            write!(text, " {:+}:{}", span.offset(), span.length()).unwrap();
        }
        write!(text, ", deltas {:?}", histogram.positive_delta).unwrap();
    }
    text + &since(histogram.created_timestamp.as_ref())
}

fn since(created: Option<&Timestamp>) -> String {
    let at = |it: &Timestamp| format!(" since {}.{:09}", it.seconds, it.nanos);
    created.map(at).unwrap_or_default()
}
