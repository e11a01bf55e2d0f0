//! What holds for any snapshot, under any combination of schemas.

use std::collections::HashSet;

use exposition::{Encoder, Families, Format, Kind, Options, Reject, settle};
use locust_model::{
    Bounds, BucketSpan, ClassUsers, CustomKind, CustomMetric, CustomSeries, CustomValue,
    Distribution, Durations, Endpoint, Exception, Millis, NativeBuckets, Percentile, Rates,
    RequestError, Responses, Run, Snapshot, State, TaskRatio, Text, Users, Worker,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use schema::{Config, Sighting, View};

use crate::collect::{Collected, collect, combinations, expose};
use crate::snapshots::{at, down, empty, sighting};

/// Few words, so that they often meet.
fn word() -> impl Strategy<Value = Text> {
    prop::sample::select(vec!["", "a", "GET", "Aggregated", "other", "é\n\"\\"])
        .prop_map(Text::from)
}

fn state() -> impl Strategy<Value = State> {
    let words = vec!["ready", "hatching", "spawning", "running", "stopped", "missing", "napping"];
    prop_oneof![
        9 => prop::sample::select(words).prop_map(State::from_word),
        // No reader makes this of Locust's word, but nothing forbids it.
        1 => Just(State::Other("running".into())),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -5.0..1e6, 1 => any::<f64>(), 1 => Just(0.0)]
}

fn count() -> impl Strategy<Value = u64> {
    0_u64..1_000
}

fn percentiles() -> impl Strategy<Value = Vec<Percentile>> {
    let share = prop::sample::select(vec![0.5, 0.9, 0.95, 0.99, 1.0]);
    vec((share, number()).prop_map(|(q, value)| Percentile { q, value: Millis(value) }), 0..4)
}

fn since() -> impl Strategy<Value = Option<std::time::SystemTime>> {
    option::of((0.0..100.0).prop_map(at))
}

/// Now and then in other buckets than most.
fn distribution() -> impl Strategy<Value = Distribution> {
    let native = (3_i8..6, -9_i32..9, 1_u32..4, vec(count(), 3)).prop_map(
        |(schema, offset, length, counts)| NativeBuckets {
            schema,
            zero_threshold: 1e-6,
            zero_count: 0,
            spans: vec![BucketSpan { offset, length }],
            counts: counts[..length as usize].to_vec(),
        },
    );
    let bounds = prop_oneof![9 => Just(vec![0.1, 1.0]), 1 => Just(vec![0.5])];
    (bounds, 0.0..1e6, option::of(native), count()).prop_map(|(bounds, sum, native, count)| {
        let all = native.as_ref().map_or(count, |native| native.counts.iter().sum());
        let mut counts = vec![0; bounds.len() + 1];
        counts[0] = all;
        Distribution { bounds: bounds.into(), counts, sum, native }
    })
}

/// Of all statuses together, or of some.
fn durations() -> impl Strategy<Value = Vec<Durations>> {
    let with = |status: Option<&str>, distribution| Durations {
        status: status.map(Text::from),
        distribution,
    };
    prop_oneof![
        Just(Vec::new()),
        distribution().prop_map(move |it| vec![with(None, it)]),
        (distribution(), distribution())
            .prop_map(move |(a, b)| vec![with(Some(""), a), with(Some("200"), b)]),
    ]
}

fn responses() -> impl Strategy<Value = Responses> {
    (word(), word(), word(), word(), count(), since()).prop_map(
        |(method, name, status, exception, requests, since)| Responses {
            method,
            name,
            status,
            exception,
            requests,
            since,
        },
    )
}

/// Some names are good, some are ours, some cannot be.
fn custom() -> impl Strategy<Value = CustomMetric> {
    let names = vec!["x", "x_total", "x_count", "x_created", "locust_up", "locust_requests", "a b"];
    let labels = vec![vec![], vec!["a"], vec!["a", "b"], vec!["a", "a"], vec!["team"], vec!["le"]];
    let kinds = vec![CustomKind::Counter, CustomKind::Gauge, CustomKind::Histogram];
    let definition = (
        prop::sample::select(names),
        prop::sample::select(labels),
        prop::sample::select(kinds),
        word(),
    );
    (definition, vec((distribution(), number(), since()), 0..3)).prop_map(
        |((name, labels, kind, help), values)| {
            let series = (0..).zip(values).map(|(index, (distribution, number, since))| {
                let value = match kind {
                    CustomKind::Histogram => CustomValue::Distribution(distribution),
                    CustomKind::Counter | CustomKind::Gauge => CustomValue::Number(number),
                };
                // No two have the same values; there is but one without labels.
                let values = labels.iter().map(|_| Text::from(format!("{index}"))).collect();
                CustomSeries { values, value, since }
            });
            let most = if labels.is_empty() { 1 } else { usize::MAX };
            CustomMetric {
                name: name.into(),
                help,
                kind,
                labels: labels.iter().map(|label| (*label).into()).collect(),
                series: series.take(most).collect(),
            }
        },
    )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let time = || option::of(number().prop_map(Millis));
    let numbers = (option::of(number()), option::of(number()), option::of(number()));
    let times = (time(), time(), time(), time());
    let counts =
        (option::of(count()), option::of(count()), option::of(count()), option::of(count()));
    let inside = (durations(), since());
    (word(), word(), counts, times, percentiles(), numbers, inside).prop_map(
        |(method, name, counts, times, percentiles, numbers, (durations, since))| Endpoint {
            method,
            name,
            requests: counts.0,
            failures: counts.1,
            avg: times.0,
            min: times.1,
            max: times.2,
            median: times.3,
            percentiles,
            current_rps: numbers.0,
            current_fail_per_sec: numbers.1,
            avg_content_length: numbers.2,
            request_bytes: counts.2,
            response_bytes: counts.3,
            durations,
            since,
        },
    )
}

fn error() -> impl Strategy<Value = RequestError> {
    (word(), word(), word(), count(), since()).prop_map(
        |(method, name, error, occurrences, first_seen)| RequestError {
            method,
            name,
            error,
            occurrences,
            first_seen,
            last_seen: None,
        },
    )
}

fn worker() -> impl Strategy<Value = Worker> {
    let known = (option::of(count()), option::of(number()), option::of(count()));
    (word(), state(), known, any::<bool>()).prop_map(|(id, state, known, beats)| Worker {
        id,
        state,
        users: known.0,
        cpu_percent: known.1,
        memory_bytes: known.2,
        last_heartbeat: beats.then(|| at(1.0)),
        clock_offset: beats.then_some(-0.5),
    })
}

fn users() -> impl Strategy<Value = Users> {
    let class = (word(), count()).prop_map(|(class, users)| ClassUsers { class, users });
    let counts = (option::of(count()), option::of(count()), option::of(count()));
    (counts, option::of(count()), option::of(number()), vec(class, 0..4)).prop_map(
        |(counts, spawned, spawn_rate, by_class)| Users {
            running: counts.0,
            waiting: counts.1,
            target: counts.2,
            spawned,
            spawn_rate,
            by_class,
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    (option::of(word()), option::of(word()), any::<bool>(), any::<bool>(), since()).prop_map(
        |(id, testplan, started, ended, since)| Run {
            id,
            testplan,
            start: started.then(|| at(1.0)),
            end: ended.then(|| at(2.0)),
            since,
        },
    )
}

fn exception() -> impl Strategy<Value = Exception> {
    (word(), count()).prop_map(|(message, count)| Exception {
        message,
        count,
        traceback: "".into(),
        nodes: Vec::new(),
    })
}

fn task() -> impl Strategy<Value = TaskRatio> {
    (word(), word(), number()).prop_map(|(class, task, ratio)| TaskRatio { class, task, ratio })
}

/// A snapshot as an exposition gets it: bound.
pub(crate) fn snapshot() -> impl Strategy<Value = Snapshot> {
    let about = (option::of(word()), option::of(word()), run(), option::of(state()), users());
    let rows = (vec(endpoint(), 0..12), vec(error(), 0..8), vec(task(), 0..4));
    let maybe = (
        option::of(vec(worker(), 0..5)),
        option::of(endpoint()),
        option::of(vec(exception(), 0..4)),
        option::of(count()),
    );
    let whole = (option::of(number()), option::of(number()), option::of(number()), percentiles());
    let inside = (option::of(vec(responses(), 0..12)), vec(custom(), 0..5));
    let all = (about, rows, maybe, whole, count(), inside);
    all.prop_map(|(about, rows, maybe, whole, truncated_rows, inside)| {
        let mut snapshot = Snapshot {
            version: about.0,
            host: about.1,
            run: about.2,
            state: about.3,
            users: about.4,
            workers: maybe.0,
            total: maybe.1,
            rates: Rates { requests: whole.0, failures: whole.1 },
            fail_ratio: whole.2,
            current_percentiles: whole.3,
            endpoints: rows.0,
            errors: rows.1,
            exceptions: maybe.2,
            tasks: rows.2,
            cpu_warnings: maybe.3,
            responses: inside.0,
            custom: inside.1,
            truncated_rows,
            ..empty()
        };
        snapshot.bound(&Bounds { names: 8, errors: 6, text_chars: 200, ..Bounds::default() });
        // A recorder gives each outcome once.
        let mut seen = HashSet::new();
        if let Some(responses) = &mut snapshot.responses {
            responses.retain(|it| {
                seen.insert([&it.method, &it.name, &it.status, &it.exception].map(Text::clone))
            });
        }
        snapshot
    })
}

fn config() -> impl Strategy<Value = Config> {
    let active = prop::sample::select(combinations().collect::<Vec<_>>());
    let inside = |duration_by_status| View::Inside { duration_by_status };
    let view = prop::sample::select(vec![View::Outside, inside(false), inside(true)]);
    (active, any::<bool>(), any::<bool>(), any::<bool>(), view).prop_map(
        |(schemas, labels, service, targets, view)| Config {
            schemas,
            labels: labels.then(|| ("team".to_owned(), "a".to_owned())).into_iter().collect(),
            service: service.then(|| "shop".to_owned()),
            view,
            targets,
            ..Config::default()
        },
    )
}

fn sightings(config: &Config, snapshots: Vec<Snapshot>) -> Vec<Sighting> {
    let seen = snapshots.into_iter().map(sighting).chain([down()]);
    let many = if config.targets { usize::MAX } else { 1 };
    let named = |(index, sighting): (u64, Sighting)| Sighting {
        target: Some(index.to_string().into()),
        ..sighting
    };
    (0..).zip(seen.take(many)).map(named).collect()
}

proptest! {
    #[test]
    fn no_family_and_no_series_stands_twice(
        config in config(),
        snapshots in vec(snapshot(), 1..3),
    ) {
        let sightings = sightings(&config, snapshots);
        let mut families = collect(&expose(&config, sightings));
        for family in &families {
            let mut seen = HashSet::new();
            for series in &family.samples {
                let names: HashSet<_> = series.labels.iter().map(|(name, _)| name).collect();
                prop_assert_eq!(names.len(), series.labels.len(), "{:?}", series);
                prop_assert!(series.quantiles.is_sorted_by(|a, b| a < b), "{:?}", series);
                let mut labels = series.labels.clone();
                labels.sort();
                prop_assert!(seen.insert(labels), "{} {series:?}", family.meta.name);
            }
        }
        let mut metas: Vec<_> = families.iter_mut().map(|family| &mut family.meta).collect();
        prop_assert_eq!(settle(&mut metas), Ok(()));
    }

    #[test]
    fn the_encoders_reject_nothing_but_numbers_that_cannot_be(
        config in config(),
        snapshot in snapshot(),
    ) {
        let exposition = expose(&config, sightings(&config, vec![snapshot]));
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let mut encoder = Encoder::new(format, Options { created: true });
            for part in 0..exposition.parts() {
                exposition.visit(part, &mut encoder);
            }
            for (reason, _) in encoder.rejections().iter() {
                prop_assert_eq!(reason, Reject::NotACount);
            }
        }
    }

    #[test]
    fn only_what_counts_inside_has_a_start(config in config(), snapshot in snapshot()) {
        for family in collect(&expose(&config, sightings(&config, vec![snapshot]))) {
            let may_have = config.view.is_inside()
                && matches!(family.meta.kind, Kind::Counter | Kind::Histogram);
            for series in family.samples.iter().filter(|series| series.created.is_some()) {
                prop_assert!(may_have, "{} {series:?}", family.meta.name);
            }
        }
    }

    #[test]
    fn what_is_asked_twice_is_answered_alike(config in config(), snapshot in snapshot()) {
        let sightings = sightings(&config, vec![snapshot]);
        let exposition = expose(&config, sightings);
        prop_assert_eq!(
            crate::text::write(&exposition),
            crate::text::write(&exposition),
        );
    }

    #[test]
    fn every_series_has_a_number_and_the_labels_of_its_description(
        config in config(),
        snapshot in snapshot(),
    ) {
        let catalog = schema::Catalog::new(&config).unwrap();
        let families = collect(&expose(&config, sightings(&config, vec![snapshot])));
        for metric in catalog.describe() {
            let is_its = |it: &&Collected| it.meta.name.as_str() == metric.name;
            let family = families.iter().find(is_its).expect("every metric has its part");
            for series in &family.samples {
                prop_assert!(!series.numbers.is_empty());
                let own: Vec<_> = series.labels.iter().map(|(name, _)| name.as_str()).collect();
                prop_assert!(own.ends_with(&metric.labels), "{own:?} {:?}", metric.labels);
            }
        }
    }
}
