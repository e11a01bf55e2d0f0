//! Families made by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exposition::{
    Buckets, Classic, Emit, Families, Family, Histogram, Kind, Label, LabelName, Labels, Meta,
    MetricName, Native, Reject, Sample, Span, Value, Visitor,
};

fn meta(name: &str, help: &'static str, kind: Kind) -> Meta {
    Meta::new(MetricName::new(name).expect("name"), help, None, kind)
}

fn number(value: f64, labels: Labels<'_>) -> Sample<'_> {
    Sample { labels, value: Value::Number(value), created: None }
}

/// A gauge, a counter and a native histogram.
pub(crate) struct Small;

impl Families for Small {
    fn parts(&self) -> usize {
        2
    }

    fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
        if index == 0 {
            let up = meta("test_up", "Whether it is up.", Kind::Gauge);
            let samples = |emit: &mut Emit<'_>| emit(&number(1.0, Labels::default()));
            visitor.family(&Family::new(&up, &[], &samples));
            let requests = meta("test_requests_total", "Requests.", Kind::Counter);
            let samples = |emit: &mut Emit<'_>| emit(&number(7.0, Labels::default()));
            visitor.family(&Family::new(&requests, &[], &samples));
        } else {
            let durations = meta("test_durations", "Durations.", Kind::Histogram);
            visitor.family(&Family::new(&durations, &[], &histogram));
        }
    }
}

fn histogram(emit: &mut Emit<'_>) {
    let native = Native {
        schema: 0,
        zero_threshold: 0.001,
        zero_count: 1,
        positive: Buckets { spans: &[Span { offset: 0, length: 2 }], counts: &[2, 3] },
        negative: Buckets::default(),
    };
    let histogram = Histogram {
        count: 6,
        sum: 8.0,
        classic: Some(Classic { bounds: &[1.0], counts: &[3, 3] }),
        native: Some(native),
    };
    let value = Value::Histogram(histogram);
    emit(&Sample { labels: Labels::default(), value, created: None });
}

/// Many parts of one family each, with one bad sample in the first, and a count of the visits.
/// Clones share the counts.
#[derive(Clone)]
pub(crate) struct Large {
    parts: usize,
    rows: usize,
    pub(crate) visited: Arc<AtomicU64>,
    pub(crate) rejected: Arc<AtomicU64>,
}

impl Large {
    pub(crate) fn new(parts: usize, rows: usize) -> Self {
        Self { parts, rows, visited: Arc::default(), rejected: Arc::default() }
    }
}

impl Families for Large {
    fn parts(&self) -> usize {
        self.parts
    }

    fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
        self.visited.fetch_add(1, Ordering::SeqCst);
        let family = meta(&format!("test_large_{index}_total"), "A row each.", Kind::Counter);
        let samples = |emit: &mut Emit<'_>| {
            for row in 0..self.rows {
                let label = Label {
                    name: LabelName::from_static("row"),
                    value: format!("{row:0100}").into(),
                };
                let labels = Labels { base: &[label], ..Labels::default() };
                emit(&number(1.0, labels));
            }
            if index == 0 {
                emit(&number(-1.0, Labels::default()));
            }
        };
        visitor.family(&Family::new(&family, &[], &samples));
    }

    fn rejected(&self, _reason: Reject, count: u64) {
        self.rejected.fetch_add(count, Ordering::SeqCst);
    }
}
