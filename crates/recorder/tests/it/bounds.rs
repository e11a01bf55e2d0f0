//! No test floods the system that watches it.

use std::collections::HashSet;

use proptest::prelude::*;
use recorder::{Config, Key};

use crate::support::{NOW, bounded, fail, key, look, only, record, start_with, took};

#[test]
fn names_beyond_the_bound_are_one_row_of_their_method() {
    let (mut writer, reader) = start_with(bounded(2, 10));
    for (method, name) in
        [("GET", "/a"), ("GET", "/b"), ("GET", "/c"), ("PUT", "/d"), ("GET", "/e"), ("GET", "/a")]
    {
        record(&mut writer, &key(method, name), 1.0);
    }
    let snapshot = look(&reader);
    let rows: Vec<_> =
        snapshot.endpoints.iter().map(|row| (&*row.method, &*row.name, row.requests)).collect();
    let expected = [
        ("GET", "/a", Some(2)),
        ("GET", "/b", Some(1)),
        ("GET", "other", Some(2)),
        ("PUT", "other", Some(1)),
    ];
    assert_eq!(rows, expected);
    assert_eq!(reader.totals(NOW).losses.folded.names, 3, "each event that lost its name");
}

#[test]
fn an_endpoint_that_is_called_other_is_not_counted_as_folded() {
    let (mut writer, reader) = start_with(bounded(1, 10));
    let own = record(&mut writer, &key("GET", "other"), 1.0);
    let folded = record(&mut writer, &key("GET", "/lost"), 1.0);
    assert_ne!(own, folded);
    writer.request(own, &took(1.0));
    assert_eq!(only(&look(&reader)).requests, Some(3), "no two rows have the same labels");
    assert_eq!(reader.totals(NOW).losses.folded.names, 1);
}

#[test]
fn even_methods_are_bounded() {
    let (mut writer, reader) = start_with(bounded(0, 10));
    for row in 0..100 {
        record(&mut writer, &key(&format!("M{row}"), "/"), 1.0);
    }
    let snapshot = look(&reader);
    assert_eq!(snapshot.endpoints.len(), 33);
    assert_eq!(snapshot.total.expect("a total").requests, Some(100));
}

#[test]
fn outcomes_beyond_the_bound_are_one() {
    let (mut writer, reader) = start_with(bounded(10, 10));
    for status in 0..100 {
        record(&mut writer, &Key { status: Some(status), ..key("GET", "/") }, 1.0);
    }
    let responses = look(&reader).responses.expect("known from inside");
    assert_eq!(responses.len(), 65);
    let last = responses.last().expect("some");
    assert_eq!((&*last.status, &*last.exception, last.requests), ("", "other", 36));
    assert_eq!(reader.totals(NOW).losses.folded.exceptions, 36);
}

#[test]
fn errors_beyond_the_bound_are_one_of_their_method() {
    let (mut writer, reader) = start_with(bounded(10, 2));
    for row in 0..5 {
        fail(&mut writer, &key("GET", &format!("/{}", row % 2)), &format!("error {row}"));
    }
    fail(&mut writer, &key("GET", "/0"), "error 0");
    let snapshot = look(&reader);
    let errors: Vec<_> =
        snapshot.errors.iter().map(|row| (&*row.name, &*row.error, row.occurrences)).collect();
    assert_eq!(errors, [("/0", "error 0", 2), ("/1", "error 1", 1), ("other", "other", 3)]);
    assert_eq!(reader.totals(NOW).losses.folded.errors, 3);
}

#[test]
fn errors_whose_cut_texts_are_the_same_are_one() {
    let (mut writer, reader) = start_with(bounded(10, 10));
    for end in ["a", "b"] {
        fail(&mut writer, &key("GET", "/"), &format!("twenty characters ..{end}"));
        writer.user_error(&format!("twenty characters ..{end}"));
    }
    let snapshot = look(&reader);
    assert_eq!(snapshot.errors.len(), 1);
    assert_eq!(
        (&*snapshot.errors[0].error, snapshot.errors[0].occurrences),
        ("twenty characters ..", 2)
    );
    assert_eq!(snapshot.exceptions.expect("known")[0].count, 2);
    assert_eq!(reader.totals(NOW).losses.folded.errors, 0, "cutting is not folding");
}

#[test]
fn exceptions_beyond_the_bound_are_one() {
    let (mut writer, reader) = start_with(bounded(10, 2));
    for row in 0..5 {
        writer.user_error(&format!("error {row}"));
    }
    let exceptions = look(&reader).exceptions.expect("known");
    let counts: Vec<_> = exceptions.iter().map(|row| (&*row.message, row.count)).collect();
    assert_eq!(counts, [("error 0", 1), ("error 1", 1), ("other", 3)]);
    assert_eq!(reader.totals(NOW).losses.folded.exceptions, 3);
}

#[derive(Clone, Debug)]
enum Step {
    Request { method: u8, name: u8, status: Option<i64>, error: Option<u8> },
    Reset,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let request = (0..40_u8, 0..8_u8, prop::option::of(0..3_i64), prop::option::of(0..6_u8))
        .prop_map(|(method, name, status, error)| Step::Request { method, name, status, error });
    prop::collection::vec(prop_oneof![60 => request, 1 => Just(Step::Reset)], 0..200)
}

/// Some of the names and texts are those that others are folded to.
fn word(number: u8) -> String {
    if number == 3 { "other".into() } else { format!("w{number}") }
}

proptest! {
    #[test]
    fn whatever_is_folded_nothing_is_lost_and_no_labels_are_told_twice(
        steps in steps(),
        names in 0..6_usize,
        errors in 0..4_usize,
    ) {
        let (mut writer, reader) = start_with(Config { by_status: true, ..bounded(names, errors) });
        let (mut requests, mut failures) = (0, 0);
        for step in steps {
            let Step::Request { method, name, status, error } = step else {
                writer.reset(NOW);
                (requests, failures) = (0, 0);
                continue;
            };
            let (method, name) = (word(method), word(name));
            let key = Key { status, ..key(&method, &name) };
            requests += 1;
            match error {
                None => _ = record(&mut writer, &key, 1.0),
                Some(error) => {
                    failures += 1;
                    fail(&mut writer, &key, &word(error));
                }
            }
        }
        let snapshot = look(&reader);
        let total = snapshot.total.expect("a total");
        prop_assert_eq!((total.requests, total.failures), (Some(requests), Some(failures)));
        let responses = snapshot.responses.expect("known");
        prop_assert_eq!(responses.iter().map(|row| row.requests).sum::<u64>(), requests);
        prop_assert_eq!(snapshot.errors.iter().map(|row| row.occurrences).sum::<u64>(), failures);
        prop_assert!(snapshot.endpoints.len() <= names + 33);
        prop_assert!(snapshot.errors.len() <= errors + 33);
        let rows: HashSet<_> = snapshot.endpoints.iter().map(|row| (&row.method, &row.name)).collect();
        prop_assert_eq!(rows.len(), snapshot.endpoints.len());
        let found: HashSet<_> =
            snapshot.errors.iter().map(|row| (&row.method, &row.name, &row.error)).collect();
        prop_assert_eq!(found.len(), snapshot.errors.len());
        for row in &snapshot.endpoints {
            let times: u64 = row.durations.iter().map(|times| times.distribution.count()).sum();
            prop_assert_eq!(Some(times), row.requests);
        }
    }
}

#[test]
fn a_name_of_10_kb_is_cut_and_marked_and_names_alike_are_one_row() {
    let (mut writer, reader) = start_with(bounded(10, 10));
    let long = |end: &str| format!("/{}{end}", "é".repeat(5_000));
    for end in ["a", "b", "b"] {
        record(&mut writer, &key("GET", &long(end)), 1.0);
    }
    let snapshot = look(&reader);
    let row = only(&snapshot);
    assert_eq!(row.requests, Some(3));
    assert!(row.name.len() <= 2_048 && row.name.ends_with('…'), "{} bytes", row.name.len());
    assert!(reader.losses().folded.cut_labels >= 2);
    assert_eq!(reader.losses().folded.names, 0);
}

#[test]
fn every_label_value_of_a_request_is_cut() {
    let mut config = bounded(10, 10);
    config.bounds.label_bytes = 16;
    let (mut writer, reader) = start_with(config);
    let long = "x".repeat(20);
    let wanted = format!("{}…", "x".repeat(13));
    let key = Key { method: &long, name: &long, status: Some(200), exception: &long };
    fail(&mut writer, &key, &long);
    writer.user_error(&long);
    let snapshot = look(&reader);
    let (row, error) = (only(&snapshot), &snapshot.errors[0]);
    let response = &snapshot.responses.as_ref().expect("known")[0];
    let exception = &snapshot.exceptions.as_ref().expect("known")[0];
    for text in [
        &row.method,
        &row.name,
        &response.exception,
        &error.method,
        &error.name,
        &error.error,
        &exception.message,
    ] {
        assert_eq!(**text, wanted);
    }
}
