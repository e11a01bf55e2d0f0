//! No answer makes the parsers panic, and mending leaves what is valid alone.

use proptest::prelude::*;

use super::index::login_callback;
use super::mend::mend;
use super::{Exceptions, Failures, Index, Logs, Stats, StatsCsv, Tasks, worker_count};
use crate::Quantiles;

const STATS: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_stats.json");
const OLD_STATS: &[u8] = include_bytes!("../../tests/fixtures/2.20/stats.json");
const NAN_STATS: &[u8] = include_bytes!("../../tests/fixtures/odd/nan_stats.json");
const TASKS: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_tasks.json");
const EXCEPTIONS: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_exceptions.json");
const STATS_CSV: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_stats.csv");
const FAILURES_CSV: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_failures.csv");
const EXCEPTIONS_CSV: &[u8] = include_bytes!("../../tests/fixtures/2.47/running_exceptions.csv");
const OLD_PAGE: &[u8] = include_bytes!("../../tests/fixtures/2.20/index.html");

/// What a mutation writes: bytes that mean something to JSON, CSV, HTML or numbers.
const PIECES: [&[u8]; 20] = [
    b"",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"NaN",
    b"-Infinity",
    b"-1",
    b"1e999",
    b"null",
    b"\\ud800",
    b"\xff",
    b"\r\n",
    b"99999999999999999999999",
    b"&amp;",
    b"'",
];

/// A real answer with some of its bytes replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let answers = prop::sample::select(vec![
        STATS,
        OLD_STATS,
        NAN_STATS,
        TASKS,
        EXCEPTIONS,
        STATS_CSV,
        FAILURES_CSV,
        EXCEPTIONS_CSV,
        OLD_PAGE,
    ]);
    let edit = (any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(PIECES.to_vec()));
    (answers, prop::collection::vec(edit, 1..8)).prop_map(|(answer, edits)| {
        let mut bytes = answer.to_vec();
        for (at, length, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, piece.iter().copied());
        }
        bytes
    })
}

fn read_as_anything(body: &[u8]) {
    let stats = Stats::parse(body.to_vec());
    if let Ok(stats) = stats {
        stats.rows_are_truncated();
        stats.errors_are_truncated();
    }
    let _ = Exceptions::parse(body.to_vec()).map(|mut exceptions| exceptions.unescape());
    if let Ok(tasks) = Tasks::parse(body.to_vec()) {
        tasks.users_by_class(0);
        tasks.users_by_class(u64::MAX);
    }
    let _ = Logs::parse(body.to_vec());
    let _ = worker_count(body.to_vec());
    let _ = Index::parse(body.to_vec());
    let _ = login_callback(body.to_vec());
    let _ = StatsCsv::parse(body, Quantiles::All, &[]);
    let _ = Failures::parse(body).map(|mut failures| failures.unquote());
    let _ = Exceptions::parse_csv(body);
}

/// Any JSON value.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        r#"(NaN|-?Infinity|\\|"|\PC|\PC)*"#.prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map("(NaN|[a-z\"\\\\])*", inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(body: Vec<u8>) {
        read_as_anything(&body);
    }

    #[test]
    fn mutated_answers_are_read_without_a_panic(body in mutated()) {
        read_as_anything(&body);
    }

    #[test]
    fn mending_leaves_valid_json_alone(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let text = text.unwrap();
        let mut mended = text.clone();
        prop_assert!(!mend(&mut mended));
        prop_assert_eq!(mended, text);
    }

    #[test]
    fn mending_any_bytes_does_no_harm(mut body: Vec<u8>) {
        let before = body.clone();
        let mended = mend(&mut body);
        prop_assert_eq!(mended, body != before);
    }

    #[test]
    fn a_nan_anywhere_in_a_value_can_be_mended(value in json(), word in "NaN|Infinity|-Infinity") {
        let text = format!(r#"{{"a":{value},"b":{word},"c":[{word},{value}]}}"#);
        let mut mended = text.into_bytes();
        prop_assert!(mend(&mut mended));
        let read: serde_json::Value = serde_json::from_slice(&mended).unwrap();
        prop_assert_eq!(&read["a"], &value);
        prop_assert_eq!(&read["b"], &read["c"][0]);
    }

    #[test]
    fn users_by_class_add_up_where_the_shares_do(
        weights in prop::collection::vec(1_u32..1000, 1..20),
        users in 0_u64..1_000_000,
    ) {
        let sum: u32 = weights.iter().sum();
        let tasks = Tasks {
            classes: weights.iter().map(|w| ("U".into(), f64::from(*w) / f64::from(sum))).collect(),
            ..Tasks::default()
        };
        let counts = tasks.users_by_class(users);
        prop_assert_eq!(counts.iter().map(|class| class.users).sum::<u64>(), users);
    }
}
