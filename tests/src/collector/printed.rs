//! Reads what the collector prints: one line for each field, as in the tests below.

use std::collections::BTreeMap;
use std::mem;

use anyhow::{Context as _, Result};

/// A data point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The attributes of the resource.
    pub resource: BTreeMap<String, String>,
    /// The metric's name.
    pub name: String,
    /// The metric's unit.
    pub unit: String,
    /// What kind of metric: `Sum`, `Gauge`, `Histogram`, `ExponentialHistogram`, `Summary`.
    pub kind: String,
    /// Whether it is a sum that only grows.
    pub monotonic: bool,
    /// The point's attributes; of a value of several lines, the first line.
    pub labels: BTreeMap<String, String>,
    /// When counting began, in nanoseconds since 1970; 0 is unknown.
    pub start: u64,
    /// When it was so, in nanoseconds since 1970.
    pub time: u64,
    /// What was so.
    pub value: Value,
}

impl Point {
    /// What Prometheus calls it, which adds unit and type to the name.
    pub fn prometheus_name(&self) -> String {
        let unit = match self.unit.as_str() {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" if self.kind == "Gauge" => "_ratio",
            _ => "",
        };
        let kind = if self.monotonic { "_total" } else { "" };
        let mut name = self.name.clone();
        for suffix in [unit, kind] {
            if !name.ends_with(suffix) {
                name.push_str(suffix);
            }
        }
        name
    }
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a sum or a gauge.
    Number(f64),
    /// Of a histogram, of either kind, or a summary, which has no buckets here.
    Histogram {
        /// Observations.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Ascending, each with its own observations.
        buckets: Vec<Bucket>,
    },
}

impl Value {
    /// Whether it says nothing: a point without a recorded value is printed as it was sent, as NaN
    /// or 0 and without observations.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Number(number) => number.is_nan() || number.abs() <= 0.0,
            Self::Histogram { count, .. } => *count == 0,
        }
    }
}

/// Observations in `(lower, upper]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Below all that are counted here.
    pub lower: f64,
    /// No observation is above.
    pub upper: f64,
    /// How many.
    pub count: u64,
}

/// Reads all points of a log; a line that is still being written is left for the next time.
pub(super) fn points(log: &str) -> Result<Vec<Point>> {
    let mut reader = Reader::default();
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    for line in whole.lines() {
        reader.line(line).with_context(|| format!("the collector's line {line:?}"))?;
    }
    reader.end_point();
    Ok(reader.points)
}

/// Whose attributes follow.
#[derive(Debug, Default, PartialEq)]
enum Of {
    #[default]
    Nobody,
    Resource,
    Point,
}

#[derive(Debug, Default)]
struct Reader {
    points: Vec<Point>,
    of: Of,
    resource: BTreeMap<String, String>,
    name: String,
    unit: String,
    kind: String,
    monotonic: bool,
    open: Option<Open>,
}

/// A point of which not all has been read.
#[derive(Debug, Default)]
struct Open {
    labels: BTreeMap<String, String>,
    start: u64,
    time: u64,
    number: Option<f64>,
    count: u64,
    sum: f64,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    buckets: Vec<Bucket>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<()> {
        if let Some(field) = line.strip_prefix("     -> ") {
            self.field(field);
            return Ok(());
        }
        let is_new_point = line.split_once("DataPoints #").is_some_and(|(kind, number)| {
            kind.chars().all(char::is_alphabetic) && number.parse::<u32>().is_ok()
        });
        if is_new_point {
            self.end_point();
            self.open = Some(Open::default());
        } else if line.starts_with("Metric #") {
            self.end_point();
            self.monotonic = false;
        } else if line.starts_with("ResourceMetrics #") {
            self.end_point();
            self.resource.clear();
        } else if line == "Resource attributes:" {
            self.of = Of::Resource;
        } else if line == "Data point attributes:" {
            self.of = Of::Point;
        } else if line == "Descriptor:" || line.starts_with("ScopeMetrics #") {
            self.of = Of::Nobody;
        } else if let Some(open) = &mut self.open {
            // Whatever else there is belongs to no field we read: a label's second line, a log.
            open.line(line)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &str) {
        let attribute = || {
            let (name, rest) = field.split_once(": ")?;
            let (_, value) = rest.split_once('(')?;
            let value = value.strip_suffix(')').unwrap_or(value);
            Some((name.to_owned(), value.to_owned()))
        };
        match (&self.of, &mut self.open) {
            (Of::Resource, _) => self.resource.extend(attribute()),
            (Of::Point, Some(open)) => open.labels.extend(attribute()),
            _ => {
                let (key, value) = field.split_once(": ").unwrap_or((field, ""));
                match key {
                    "Name" => value.clone_into(&mut self.name),
                    "Unit" => value.clone_into(&mut self.unit),
                    "IsMonotonic" => self.monotonic = value == "true",
                    "DataType" => value.clone_into(&mut self.kind),
                    _ => {}
                }
            }
        }
    }

    fn end_point(&mut self) {
        self.of = Of::Nobody;
        let Some(open) = self.open.take() else { return };
        let (labels, start, time) = (open.labels.clone(), open.start, open.time);
        self.points.push(Point {
            resource: self.resource.clone(),
            name: self.name.clone(),
            unit: self.unit.clone(),
            kind: self.kind.clone(),
            monotonic: self.monotonic,
            labels,
            start,
            time,
            value: open.value(),
        });
    }
}

impl Open {
    fn line(&mut self, line: &str) -> Result<()> {
        if let Some((head, count)) = line.split_once(", Count: ") {
            if let Some(range) = head.strip_prefix("Bucket ") {
                let range = range.trim_matches(['(', '[', ']', ')']);
                let (lower, upper) = range.split_once(", ").context("a bucket without bounds")?;
                let (lower, upper) = (lower.parse()?, upper.parse()?);
                self.buckets.push(Bucket { lower, upper, count: count.parse()? });
            } else if head.starts_with("Buckets #") {
                self.counts.push(count.parse()?);
            }
            return Ok(());
        }
        let Some((key, value)) = line.split_once(": ") else { return Ok(()) };
        match key {
            "StartTimestamp" => self.start = value.parse()?,
            "Timestamp" => self.time = value.parse()?,
            "Value" => self.number = Some(value.parse()?),
            "Count" => self.count = value.parse()?,
            "Sum" => self.sum = value.parse()?,
            key if key.starts_with("ExplicitBounds #") => self.bounds.push(value.parse()?),
            _ => {}
        }
        Ok(())
    }

    fn value(mut self) -> Value {
        if let Some(number) = self.number {
            return Value::Number(number);
        }
        let mut buckets = mem::take(&mut self.buckets);
        if !self.counts.is_empty() {
            let uppers = self.bounds.iter().copied().chain([f64::INFINITY]);
            let lowers = [f64::NEG_INFINITY].into_iter().chain(self.bounds.iter().copied());
            let counts = self.counts.iter();
            buckets = lowers
                .zip(uppers)
                .zip(counts)
                .map(|((lower, upper), count)| Bucket { lower, upper, count: *count })
                .collect();
        }
        Value::Histogram { count: self.count, sum: self.sum, buckets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the collector prints it, cut to one of everything.
    const LOG: &str = r#"2026-11-21T19:22:05.148441Z  INFO Starting Rotel. grpc_endpoint="127.0.0.1:24317"
ResourceMetrics #0
Resource SchemaURL: 
Resource attributes:
     -> service.name: Str(locust)
ScopeMetrics #0
ScopeMetrics SchemaURL: 
InstrumentationScope locust_exporter 1
Metric #0
Descriptor:
     -> Name: locust_requests
     -> Description: Requests: (all).
     -> Unit: 
     -> DataType: Sum
     -> IsMonotonic: true
     -> AggregationTemporality: AGGREGATION_TEMPORALITY_CUMULATIVE
NumberDataPoints #0
Data point attributes:
     -> error: Str(the "price": (a
b))
     -> name: Str(/slow?q="\" [größe])
StartTimestamp: 1795288912476825838
Timestamp: 1795288922476825838
Value: 5
NumberDataPoints #1
StartTimestamp: 0
Timestamp: 1795288922476825838
Value: 0.25
Metric #1
Descriptor:
     -> Name: explicit
     -> Description: 
     -> Unit: s
     -> DataType: Histogram
     -> AggregationTemporality: AGGREGATION_TEMPORALITY_CUMULATIVE
HistogramDataPoints #0
Data point attributes:
     -> name: Str(/)
StartTimestamp: 1
Timestamp: 2
Count: 9
Sum: 7.5
ExplicitBounds #0: 0.1
ExplicitBounds #1: 1
Buckets #0, Count: 1
Buckets #1, Count: 2
Buckets #2, Count: 6
Metric #2
Descriptor:
     -> Name: exponential
     -> Description: 
     -> Unit: s
     -> DataType: ExponentialHistogram
     -> AggregationTemporality: AGGREGATION_TEMPORALITY_CUMULATIVE
ExponentialHistogramDataPoints #0
StartTimestamp: 1
Timestamp: 2
Count: 5
Sum: 7.5
Bucket (0.875, 1], Count: 2
Bucket (1, 1.125], Count: 3
"#;

    fn bucket(lower: f64, upper: f64, count: u64) -> Bucket {
        Bucket { lower, upper, count }
    }

    #[test]
    fn a_point_without_a_recorded_value_says_nothing() {
        let histogram = |count| Value::Histogram { count, sum: 0.0, buckets: Vec::new() };
        for nothing in [Value::Number(f64::NAN), Value::Number(0.0), histogram(0)] {
            assert!(nothing.is_nothing(), "{nothing:?}");
        }
        assert!(!Value::Number(-1.0).is_nothing() && !histogram(1).is_nothing());
    }

    #[test]
    fn every_kind_of_point_is_read() {
        let points = points(LOG).unwrap();
        assert_eq!(points.len(), 4);
        let first = &points[0];
        assert!(first.monotonic && first.prometheus_name() == "locust_requests_total");
        assert_eq!((first.name.as_str(), first.kind.as_str()), ("locust_requests", "Sum"));
        assert_eq!(first.resource["service.name"], "locust");
        assert_eq!(first.labels["name"], r#"/slow?q="\" [größe]"#);
        assert_eq!(first.labels["error"], r#"the "price": (a"#);
        assert_eq!(
            (first.start, first.time),
            (1_795_288_912_476_825_838, 1_795_288_922_476_825_838)
        );
        assert_eq!(first.value, Value::Number(5.0));
        assert!(points[1].labels.is_empty());
        assert_eq!(points[1].value, Value::Number(0.25));
        let explicit = vec![
            bucket(f64::NEG_INFINITY, 0.1, 1),
            bucket(0.1, 1.0, 2),
            bucket(1.0, f64::INFINITY, 6),
        ];
        assert_eq!(points[2].value, Value::Histogram { count: 9, sum: 7.5, buckets: explicit });
        assert_eq!(points[2].prometheus_name(), "explicit_seconds");
        assert_eq!((points[2].unit.as_str(), points[2].labels["name"].as_str()), ("s", "/"));
        let exponential = vec![bucket(0.875, 1.0, 2), bucket(1.0, 1.125, 3)];
        assert_eq!(points[3].value, Value::Histogram { count: 5, sum: 7.5, buckets: exponential });
    }
}
