//! The series that are pushed: response times and requests of many endpoints.

use anyhow::Result;
use exposition::{
    Buckets, Classic, Emit, Families, Family, Histogram, Kind, LabelName, Labels, Meta, MetricName,
    Native, Sample, Span, Unit, Value, Visitor,
};

const HISTOGRAMS: usize = 5_000;
const COUNTERS: usize = 10_000;

const BOUNDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Native buckets that are taken: in runs, with gaps between them.
const SPANS: [Span; 6] = [
    Span { offset: -220, length: 4 },
    Span { offset: 3, length: 30 },
    Span { offset: 1, length: 16 },
    Span { offset: 6, length: 8 },
    Span { offset: 20, length: 1 },
    Span { offset: 9, length: 1 },
];
const NATIVE: usize = 60;

const NAMES: [LabelName<'static>; 4] = [
    LabelName::from_static("method"),
    LabelName::from_static("name"),
    LabelName::from_static("status"),
    LabelName::from_static("exception"),
];

/// When the test began, in seconds since 1970.
const BEGAN: f64 = 1_699_999_000.5;

/// A histogram of the standard schema, and a counter.
pub(super) struct Series {
    durations: Meta,
    requests: Meta,
    /// Names of endpoints.
    names: Vec<String>,
    /// Buckets of the histogram at hand: each has the same, and so many times more.
    classic: [u64; BOUNDS.len() + 1],
    native: [u64; NATIVE],
    pass: u64,
}

impl Series {
    pub(super) fn new() -> Result<Self> {
        let meta = |name: &str, help, unit, kind| {
            Ok::<_, anyhow::Error>(Meta::new(MetricName::new(name)?, help, unit, kind))
        };
        let (durations, requests) = ("locust_request_duration_seconds", "locust_requests_total");
        let mut series = Self {
            durations: meta(durations, "Response times.", Some(Unit::Seconds), Kind::Histogram)?,
            requests: meta(requests, "Requests.", None, Kind::Counter)?,
            names: (0..COUNTERS).map(|i| format!("/api/v1/shops/{i}/orders")).collect(),
            classic: [0; BOUNDS.len() + 1],
            native: [0; NATIVE],
            pass: 0,
        };
        for i in 0_u64..1_000 {
            // Spread over both, most of them in the middle.
            let place = usize::try_from((i * i / 1_000 + i * 7) % 60)?;
            series.native[place] += 1;
            series.classic[place / 4] += 1;
        }
        Ok(series)
    }

    /// Lets time go on: every series says something else.
    pub(super) fn go_on(&mut self) {
        self.pass += 1;
    }

    fn histograms(&self, emit: &mut Emit<'_>) {
        for (i, name) in self.names.iter().take(HISTOGRAMS).enumerate() {
            let times = self.pass * (i as u64 % 100 + 1);
            let (classic, native) =
                (self.classic.map(|n| n * times), self.native.map(|n| n * times));
            let count = classic.iter().sum();
            let value = Value::Histogram(Histogram {
                count,
                sum: count as f64 * 0.1234,
                classic: Some(Classic { bounds: &BOUNDS, counts: &classic }),
                native: Some(Native {
                    schema: 5,
                    zero_threshold: 0.0,
                    zero_count: 0,
                    positive: Buckets { spans: &SPANS, counts: &native },
                    negative: Buckets::default(),
                }),
            });
            let labels = Labels { base: &[], values: &["GET", name] };
            emit(&Sample { labels, value, created: Some(BEGAN) });
        }
    }

    fn counters(&self, emit: &mut Emit<'_>) {
        for (i, name) in self.names.iter().enumerate() {
            let value = Value::Number((self.pass * (i as u64 + 1)) as f64);
            let labels = Labels { base: &[], values: &["GET", name, "200", ""] };
            emit(&Sample { labels, value, created: Some(BEGAN) });
        }
    }
}

impl Families for Series {
    fn parts(&self) -> usize {
        2
    }

    fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
        if index == 0 {
            let samples = |emit: &mut Emit<'_>| self.histograms(emit);
            visitor.family(&Family::new(&self.durations, &NAMES[..2], &samples));
        } else {
            let samples = |emit: &mut Emit<'_>| self.counters(emit);
            visitor.family(&Family::new(&self.requests, &NAMES, &samples));
        }
    }
}
