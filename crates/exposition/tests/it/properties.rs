//! What holds for any input.

use exposition::{
    Buckets, Classic, Encoder, Format, Histogram, Kind, LabelName, Labels, Meta, MetricName,
    Native, Options, Reject, Sample, Span, Value,
};
use proptest::prelude::*;

use crate::support::text::{Line, parse};
use crate::support::{dto, visit};

/// One sample in one format, and why it was left out if it was.
fn encoded(format: Format, kind: Kind, sample: Sample<'_>) -> (Vec<u8>, Option<Reject>) {
    let meta = Meta::new(MetricName::new("x_total").unwrap(), "", None, kind);
    let mut encoder = Encoder::new(format, Options::default());
    let names = &[LabelName::from_static("own")][..sample.labels.values.len()];
    visit(&mut encoder, &meta, names, &[sample]);
    (encoder.take(), encoder.rejections().iter().next().map(|(reason, _)| reason))
}

fn lines(format: Format, kind: Kind, sample: Sample<'_>) -> Vec<Line> {
    parse(&String::from_utf8(encoded(format, kind, sample).0).unwrap())
}

/// What a histogram is made of.
#[derive(Clone, Debug)]
struct Parts {
    count: u64,
    sum: f64,
    bounds: Vec<f64>,
    classic_counts: Vec<u64>,
    schema: i8,
    zero_threshold: f64,
    zero_count: u64,
    positive: (Vec<Span>, Vec<u64>),
    negative: (Vec<Span>, Vec<u64>),
}

impl Parts {
    fn histogram(&self) -> Histogram<'_> {
        Histogram {
            count: self.count,
            sum: self.sum,
            classic: Some(Classic { bounds: &self.bounds, counts: &self.classic_counts }),
            native: Some(Native {
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.zero_count,
                positive: Buckets { spans: &self.positive.0, counts: &self.positive.1 },
                negative: Buckets { spans: &self.negative.0, counts: &self.negative.1 },
            }),
        }
    }
}

/// Spans with as many counts as they have buckets.
fn buckets() -> impl Strategy<Value = (Vec<Span>, Vec<u64>)> {
    let run = (-3..1000_i32, prop::collection::vec(any::<u32>(), 0..5));
    prop::collection::vec(run, 0..4).prop_map(|runs| {
        let spans = runs.iter().enumerate().map(|(i, (offset, counts))| Span {
            offset: if i == 0 { *offset } else { offset.abs() },
            length: u32::try_from(counts.len()).unwrap(),
        });
        let counts = runs.iter().flat_map(|(_, counts)| counts.iter().copied().map(u64::from));
        (spans.collect(), counts.collect())
    })
}

/// Histograms, classic and native over the same observations.
fn valid_parts() -> impl Strategy<Value = Parts> {
    let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
    let native = (-4..=8_i8, 0.0..1.0_f64, any::<u32>(), buckets(), buckets());
    let cuts = prop::collection::vec((finite, 0.0..=1.0_f64), 0..20);
    (native, cuts, any::<f64>()).prop_map(|(native, mut cuts, sum)| {
        let (schema, zero_threshold, zero_count, positive, negative) = native;
        let zero_count = u64::from(zero_count);
        let count = zero_count + positive.1.iter().chain(&negative.1).sum::<u64>();
        cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
        cuts.dedup_by(|later, earlier| later.0 <= earlier.0);
        let mut rest = count;
        let mut classic_counts = Vec::new();
        for (_, share) in &cuts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
            let part = ((rest as f64 * share) as u64).min(rest);
            classic_counts.push(part);
            rest -= part;
        }
        classic_counts.push(rest);
        let bounds = cuts.into_iter().map(|(bound, _)| bound).collect();
        Parts {
            count,
            sum,
            bounds,
            classic_counts,
            schema,
            zero_threshold,
            zero_count,
            positive,
            negative,
        }
    })
}

/// Differences of consecutive numbers.
fn alone(cumulated: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut before = 0;
    cumulated.map(|now| now - std::mem::replace(&mut before, now)).collect()
}

fn sums(deltas: &[i64]) -> Vec<u64> {
    let mut sum = 0;
    let add = |delta: &i64| {
        sum += delta;
        u64::try_from(sum).unwrap()
    };
    deltas.iter().map(add).collect()
}

fn spans(spans: &[dto::BucketSpan]) -> Vec<Span> {
    let span = |s: &dto::BucketSpan| Span { offset: s.offset.unwrap(), length: s.length.unwrap() };
    spans.iter().map(span).collect()
}

proptest! {
    #[test]
    fn any_label_value_is_read_back(value: String, base: String) {
        let shared = [exposition::Label {
            name: LabelName::from_static("base"),
            value: base.as_str().into(),
        }];
        let labels = Labels { base: &shared, values: &[&value] };
        let sample = Sample { labels, value: Value::Number(1.0), created: None };
        let wanted = [("base".to_owned(), base.clone()), ("own".to_owned(), value.clone())];
        for format in [Format::Text, Format::OpenMetrics] {
            for kind in [Kind::Gauge, Kind::Counter] {
                prop_assert_eq!(&lines(format, kind, sample)[0].labels, &wanted);
            }
        }
        let metric = dto::only(&encoded(Format::Protobuf, Kind::Gauge, sample).0);
        let decoded = metric.label.into_iter().map(|l| (l.name.unwrap(), l.value.unwrap()));
        prop_assert_eq!(decoded.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn any_number_is_read_back_to_its_bits(bits: u64) {
        let value = f64::from_bits(bits);
        let sample = Sample { labels: Labels::default(), value: Value::Number(value), created: None };
        for format in [Format::Text, Format::OpenMetrics] {
            let back = lines(format, Kind::Gauge, sample)[0].value;
            prop_assert!(back.to_bits() == bits || (back.is_nan() && value.is_nan()));
        }
        let metric = dto::only(&encoded(Format::Protobuf, Kind::Gauge, sample).0);
        let back = metric.gauge.unwrap().value.unwrap();
        prop_assert!(back.to_bits() == bits || (back.is_nan() && value.is_nan()));
    }

    #[test]
    fn any_number_is_a_counters_or_is_left_out(bits: u64) {
        let value = f64::from_bits(bits);
        let sample = Sample { labels: Labels::default(), value: Value::Number(value), created: None };
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let (bytes, rejected) = encoded(format, Kind::Counter, sample);
            prop_assert_eq!(bytes.is_empty(), rejected.is_some());
            prop_assert_eq!(rejected.is_none(), value >= 0.0);
        }
    }

    #[test]
    fn any_histogram_is_decoded_from_protobuf_to_the_same_counts(parts in valid_parts()) {
        let value = Value::Histogram(parts.histogram());
        let sample = Sample { labels: Labels::default(), value, created: None };
        let (bytes, rejected) = encoded(Format::Protobuf, Kind::Histogram, sample);
        prop_assert_eq!(rejected, None);
        let decoded = dto::only(&bytes).histogram.unwrap();
        prop_assert_eq!(decoded.sample_count, Some(parts.count));

        let bounds = decoded.bucket.iter().map(|bucket| bucket.upper_bound.unwrap());
        prop_assert_eq!(bounds.collect::<Vec<_>>(), parts.bounds);
        let cumulated = decoded.bucket.iter().map(|bucket| bucket.cumulative_count.unwrap());
        let counts = alone(cumulated.chain([parts.count]));
        prop_assert_eq!(counts, parts.classic_counts);

        prop_assert_eq!(decoded.schema, Some(i32::from(parts.schema)));
        prop_assert_eq!(decoded.zero_count, Some(parts.zero_count));
        prop_assert_eq!(decoded.zero_threshold, Some(parts.zero_threshold));
        prop_assert_eq!(sums(&decoded.positive_delta), parts.positive.1);
        prop_assert_eq!(sums(&decoded.negative_delta), parts.negative.1);
        prop_assert_eq!(spans(&decoded.negative_span), parts.negative.0.clone());
        if parts.positive.0.is_empty() && parts.negative.0.is_empty() {
            prop_assert_eq!(spans(&decoded.positive_span), [Span { offset: 0, length: 0 }]);
        } else {
            prop_assert_eq!(spans(&decoded.positive_span), parts.positive.0);
        }
    }

    #[test]
    fn any_histogram_is_read_from_text_to_the_same_counts(parts in valid_parts()) {
        let value = Value::Histogram(parts.histogram());
        let sample = Sample { labels: Labels::default(), value, created: None };
        let lines = lines(Format::Text, Kind::Histogram, sample);
        let (buckets, rest) = lines.split_at(parts.bounds.len() + 1);
        prop_assert_eq!(buckets.last().unwrap().label("le"), Some("+Inf"));
        let bounds = buckets.iter().map(|line| line.label("le").unwrap().parse::<f64>().unwrap());
        let wanted = parts.bounds.iter().copied().chain([f64::INFINITY]);
        prop_assert_eq!(bounds.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
        let cumulated = buckets.iter().map(|line| line.value.to_string().parse().unwrap());
        prop_assert_eq!(alone(cumulated), parts.classic_counts);
        prop_assert_eq!(&rest[1].name, "x_total_count");
        prop_assert_eq!(rest[1].value.to_bits(), (parts.count as f64).to_bits());
    }

    #[test]
    fn a_histogram_with_one_count_changed_is_left_out(parts in valid_parts(), place: prop::sample::Index) {
        let mut parts = parts;
        let place = place.index(parts.classic_counts.len());
        parts.classic_counts[place] += 1;
        let value = Value::Histogram(parts.histogram());
        let sample = Sample { labels: Labels::default(), value, created: None };
        let (bytes, rejected) = encoded(Format::Text, Kind::Histogram, sample);
        prop_assert_eq!(rejected, Some(Reject::Inconsistent));
        prop_assert!(bytes.is_empty());
    }
}
