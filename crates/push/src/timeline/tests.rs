//! Against a model that says in few words what must come out.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exposition::{
    Classic, Emit, Families, Family, Histogram, Kind, Label, LabelName, Labels, Meta, MetricName,
    Native, Quantile, Reject, Sample, Summary, Value, Visitor,
};
use proptest::prelude::*;

use super::Timeline;
use crate::point::{Millis, Point, Points, Reading};

/// What a point said, in words.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// Family and labels.
    series: String,
    /// Of an end: what ended.
    what: String,
    ended: bool,
    start: Option<Millis>,
    first: Millis,
    time: Millis,
}

#[derive(Default)]
struct Heard(Vec<Told>);

impl Points for Heard {
    fn point(&mut self, point: &Point<'_>) {
        assert!(point.labels.is_sorted_by(|a, b| a.0 < b.0), "{:?}", point.labels);
        assert!(point.labels.iter().all(|(_, value)| !value.is_empty()), "{:?}", point.labels);
        let (ended, what) = match point.reading {
            Reading::Value(value) => (false, form(&value)),
            Reading::Ended(shape) => (true, format!("{shape:?}")),
        };
        self.0.push(Told {
            series: format!("{}{:?}", point.meta.name, point.labels),
            what,
            ended,
            start: point.start,
            first: point.first,
            time: point.time,
        });
    }
}

/// The shape of a value, in words.
fn form(value: &Value<'_>) -> String {
    match value {
        Value::Number(_) => "Number".to_owned(),
        Value::Summary(summary) => format!(
            "Summary {{ quantiles: {:?}, has_sum: {} }}",
            summary.quantiles.iter().map(|quantile| quantile.q).collect::<Vec<_>>(),
            summary.sum.is_some(),
        ),
        Value::Histogram(histogram) => format!(
            "Histogram {{ bounds: {:?}, is_native: {} }}",
            histogram.classic.map(|classic| classic.bounds),
            histogram.native.is_some(),
        ),
    }
}

/// A sample of a test.
#[derive(Clone, Debug)]
struct Given {
    family: usize,
    /// Values of the labels `b` and `a`.
    labels: [&'static str; 2],
    count: u8,
    /// Which of the shapes that its kind may have.
    variant: u8,
    created: Option<Millis>,
}

const KINDS: [(&str, Kind); 4] =
    [("c_total", Kind::Counter), ("g", Kind::Gauge), ("h", Kind::Histogram), ("s", Kind::Summary)];

const NAMES: [LabelName<'static>; 2] = [LabelName::from_static("b"), LabelName::from_static("a")];

impl Given {
    fn with_value<R>(&self, then: impl FnOnce(Value<'_>) -> R) -> R {
        let count = u64::from(self.count);
        let is_first = self.variant == 0;
        match KINDS[self.family].1 {
            Kind::Histogram => then(Value::Histogram(Histogram {
                count,
                sum: 1.0,
                classic: Some(Classic {
                    bounds: if is_first { &[1.0] } else { &[2.0] },
                    counts: &[count, 0],
                }),
                native: (self.variant == 2).then_some(Native {
                    schema: 0,
                    zero_threshold: 0.0,
                    zero_count: count,
                    positive: <_>::default(),
                    negative: <_>::default(),
                }),
            })),
            Kind::Summary => then(Value::Summary(Summary {
                count,
                sum: (self.variant == 2).then_some(1.0),
                quantiles: if is_first { &[] } else { &[Quantile { q: 0.5, value: 1.0 }] },
            })),
            _ => then(Value::Number(f64::from(self.count))),
        }
    }
}

/// The families of one pass, each in two parts.
struct Pass {
    samples: Vec<Given>,
    rejected: Mutex<Vec<(Reject, u64)>>,
}

impl Families for Pass {
    fn parts(&self) -> usize {
        2 * KINDS.len()
    }

    fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
        let (name, kind) = KINDS[index / 2];
        let meta = Meta::new(MetricName::new(name).unwrap(), "", None, kind);
        let all: Vec<_> = self.samples.iter().filter(|s| s.family == index / 2).collect();
        let (first, second) = all.split_at(all.len() / 2);
        let mine = if index.is_multiple_of(2) { first } else { second };
        let base = [Label { name: LabelName::from_static("z"), value: "base".into() }];
        let samples = |emit: &mut Emit<'_>| {
            for given in mine {
                let labels = Labels { base: &base, values: &given.labels };
                given.with_value(|value| {
                    let created = given.created.map(|created| created as f64 / 1e3);
                    emit(&Sample { labels, value, created });
                });
            }
        };
        visitor.family(&Family::new(&meta, &NAMES, &samples));
    }

    fn rejected(&self, reason: Reject, count: u64) {
        self.rejected.lock().unwrap().push((reason, count));
    }
}

fn pass(timeline: &mut Timeline, samples: &[Given], time: Millis) -> (Vec<Told>, u64) {
    let pass = Pass { samples: samples.to_vec(), rejected: Mutex::default() };
    let mut heard = Heard::default();
    timeline.pass(&pass, time, &mut heard);
    let rejected = pass.rejected.into_inner().unwrap();
    assert!(rejected.iter().all(|(reason, _)| *reason == Reject::Labels), "{rejected:?}");
    (heard.0, rejected.iter().map(|(_, count)| count).sum())
}

/// What the model knows of a series: its count, and what was told of it last.
type Known = BTreeMap<String, (f64, Told)>;

/// What must come of a pass, sorted; and what is left out.
fn modelled(known: &mut Known, samples: &[Given], last: Millis, time: Millis) -> (Vec<Told>, u64) {
    let (mut now, mut told, mut left_out) = (Known::new(), Vec::new(), 0);
    for given in samples {
        let labels = [("a", given.labels[1]), ("b", given.labels[0]), ("z", "base")];
        let labels: Vec<_> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let (name, kind) = KINDS[given.family];
        let series = format!("{name}{labels:?}");
        if now.contains_key(&series) {
            left_out += 1;
            continue;
        }
        let counts = kind != Kind::Gauge;
        let count = f64::from(given.count);
        let created = given.created.filter(|created| counts && (1..=time).contains(created));
        let what = given.with_value(|value| form(&value));
        let (mut start, mut first) = (created, time);
        if let Some((before, was)) = known.remove(&series) {
            let fell = counts && count < before;
            start = created.or(if fell { Some(last + 1) } else { was.start });
            if !fell && (was.start.is_none() || was.start == start) {
                first = was.first.max(start.unwrap_or(was.first));
            }
            if was.what != what {
                told.push(Told { ended: true, time: time - 1, ..was });
            }
        }
        let is = Told { series: series.clone(), what, ended: false, start, first, time };
        told.push(is.clone());
        now.insert(series, (count, is));
    }
    let gone = std::mem::replace(known, now).into_values();
    told.extend(gone.map(|(_, was)| Told { ended: true, time, ..was }));
    (told, left_out)
}

fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by(|a, b| (&a.series, a.time, a.ended).cmp(&(&b.series, b.time, b.ended)));
    for told in told.iter_mut().filter(|told| !told.ended) {
        // What is there is known; only of an end it matters what it was.
        told.what.clear();
    }
    told
}

fn given() -> impl Strategy<Value = Given> {
    let texts = || prop::sample::select(vec!["", "x", "y"]);
    let created = prop::sample::select(vec![
        None,
        None,
        Some(500),
        Some(1_500),
        Some(2_500),
        Some(9_000),
        Some(-1),
    ]);
    (0..KINDS.len(), [texts(), texts()], 0..4_u8, 0..3_u8, created).prop_map(
        |(family, labels, count, variant, created)| Given {
            family,
            labels,
            count,
            variant,
            created,
        },
    )
}

proptest! {
    #[test]
    fn series_begin_fall_change_and_end_as_in_the_model(
        passes in prop::collection::vec(prop::collection::vec(given(), 0..24), 1..8),
    ) {
        let (mut timeline, mut known, mut last) = (Timeline::default(), Known::new(), 0);
        for (samples, time) in passes.iter().zip((1_000..).step_by(1_000)) {
            let (told, left_out) = pass(&mut timeline, samples, time);
            // Of one family all is said before the next begins.
            let mut names: Vec<_> = told.iter().filter(|t| !t.ended).map(|t| &t.series[..1]).collect();
            names.dedup();
            prop_assert!(names.is_sorted(), "{:?}", names);
            let wanted = modelled(&mut known, samples, last, time);
            prop_assert_eq!((sorted(told), left_out), (sorted(wanted.0), wanted.1));
            last = time;
        }
        let mut heard = Heard::default();
        timeline.end(last + 1_000, &mut heard);
        let wanted = modelled(&mut known, &[], last, last + 1_000).0;
        prop_assert_eq!(sorted(heard.0), sorted(wanted));
        prop_assert!(timeline.families.is_empty());
    }
}

fn counter(count: u8) -> Given {
    Given { family: 0, labels: ["x", ""], count, variant: 0, created: None }
}

#[test]
fn a_counter_that_falls_began_right_after_the_last_pass() {
    let mut timeline = Timeline::default();
    let mut start = |count, time| pass(&mut timeline, &[counter(count)], time).0[0].start;
    assert_eq!(start(2, 1_000), None);
    assert_eq!(start(3, 2_000), None);
    assert_eq!(start(1, 3_000), Some(2_001));
    assert_eq!(start(1, 4_000), Some(2_001));
}

#[test]
fn a_series_that_comes_back_begins_anew() {
    let mut timeline = Timeline::default();
    pass(&mut timeline, &[Given { created: Some(500), ..counter(5) }], 1_000);
    let (told, _) = pass(&mut timeline, &[], 2_000);
    assert_eq!(told.len(), 1);
    assert!(told[0].ended);
    let (told, _) = pass(&mut timeline, &[counter(1)], 3_000);
    assert_eq!((told[0].start, told[0].first), (None, 3_000));
}

#[test]
fn time_may_go_back_once_all_has_ended() {
    let mut timeline = Timeline::default();
    pass(&mut timeline, &[counter(5)], 90_000);
    pass(&mut timeline, &[counter(4)], 91_000);
    let mut heard = Heard::default();
    timeline.end(91_001, &mut heard);
    assert_eq!(heard.0[0].start, Some(90_001));
    for (count, time, start) in [(3, 1_000, None), (4, 2_000, None), (2, 3_000, Some(2_001))] {
        let (told, _) = pass(&mut timeline, &[counter(count)], time);
        let first = if start.is_some() { time } else { 1_000 };
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].ended, told[0].start, told[0].first), (false, start, first));
    }
}

#[test]
fn a_kind_that_changes_ends_what_was_before_what_is() {
    struct One(Kind);
    impl Families for One {
        fn parts(&self) -> usize {
            1
        }
        fn visit(&self, _: usize, visitor: &mut dyn Visitor) {
            let meta = Meta::new(MetricName::new("x").unwrap(), "", None, self.0);
            let samples = |emit: &mut Emit<'_>| {
                let labels = Labels::default();
                emit(&Sample { labels, value: Value::Number(1.0), created: None });
            };
            visitor.family(&Family::new(&meta, &[], &samples));
        }
    }
    let (mut timeline, mut heard) = (Timeline::default(), Heard::default());
    timeline.pass(&One(Kind::Counter), 1_000, &mut heard);
    timeline.pass(&One(Kind::Gauge), 2_000, &mut heard);
    let told: Vec<_> = heard.0.iter().map(|told| (told.ended, told.time, told.first)).collect();
    assert_eq!(told, [(false, 1_000, 1_000), (true, 1_999, 1_000), (false, 2_000, 2_000)]);
}
