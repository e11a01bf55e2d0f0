//! What is folded, and how.

use std::time::SystemTime;

use super::*;

fn endpoint(method: &str, name: &str, requests: u64, avg: f64) -> Endpoint {
    Endpoint {
        method: method.into(),
        name: name.into(),
        requests: Some(requests),
        failures: Some(1),
        avg: Some(Millis(avg)),
        min: Some(Millis(avg / 2.0)),
        max: Some(Millis(avg * 2.0)),
        median: Some(Millis(avg)),
        percentiles: Vec::new(),
        current_rps: Some(1.0),
        current_fail_per_sec: None,
        avg_content_length: None,
        request_bytes: None,
        response_bytes: None,
        durations: Vec::new(),
        since: None,
    }
}

fn error(name: &str, text: &str) -> RequestError {
    RequestError {
        method: "GET".into(),
        name: name.into(),
        error: text.into(),
        occurrences: 2,
        first_seen: None,
        last_seen: None,
    }
}

fn snapshot() -> Snapshot {
    Snapshot::empty(SystemTime::UNIX_EPOCH)
}

#[test]
fn within_bounds_nothing_changes() {
    let mut snapshot = snapshot();
    snapshot.endpoints = vec![endpoint("GET", "/a", 1, 1.0), endpoint("GET", "/b", 1, 1.0)];
    snapshot.errors = vec![error("/a", "boom")];
    let before = snapshot.clone();
    assert_eq!(snapshot.bound(&Bounds::default()), Folded::default());
    assert_eq!(snapshot, before);
}

#[test]
fn endpoints_beyond_the_bound_are_folded_by_method_and_sums_stay() {
    let mut snapshot = snapshot();
    snapshot.endpoints = vec![
        endpoint("GET", "/a", 1, 10.0),
        endpoint("GET", "/b", 1, 10.0),
        endpoint("GET", "/c", 3, 30.0),
        endpoint("POST", "/d", 5, 50.0),
    ];
    let folded = snapshot.bound(&Bounds { names: 1, ..Bounds::default() });
    assert_eq!(folded.names, 3);
    let rows: Vec<_> = snapshot
        .endpoints
        .iter()
        .map(|e| (&*e.method, &*e.name, e.requests, e.avg.map(Millis::millis)))
        .collect();
    assert_eq!(
        rows,
        [
            ("GET", "/a", Some(1), Some(10.0)),
            ("GET", "other", Some(4), Some(25.0)),
            ("POST", "other", Some(5), Some(50.0)),
        ]
    );
    assert_eq!(snapshot.endpoints[1].median, None, "a merged row has no median");
}

#[test]
fn folded_methods_are_bounded_too() {
    let mut snapshot = snapshot();
    snapshot.endpoints =
        (0..100).map(|i| endpoint(&format!("M{i:03}"), &format!("/{i:03}"), 1, 1.0)).collect();
    snapshot.bound(&Bounds { names: 0, ..Bounds::default() });
    assert_eq!(snapshot.endpoints.len(), 33, "32 methods, and one of the others");
    let total: u64 = snapshot.endpoints.iter().filter_map(|e| e.requests).sum();
    assert_eq!(total, 100);
}

#[test]
fn errors_alike_once_cut_become_one() {
    let mut snapshot = snapshot();
    snapshot.errors = vec![error("/a", "ééé1"), error("/a", "ééé2"), error("/b", "ééé")];
    let folded = snapshot.bound(&Bounds { text_chars: 3, ..Bounds::default() });
    assert_eq!(folded.errors, 0, "cutting is not folding");
    let rows: Vec<_> =
        snapshot.errors.iter().map(|e| (&*e.name, &*e.error, e.occurrences)).collect();
    assert_eq!(rows, [("/a", "ééé", 4), ("/b", "ééé", 2)]);
}

#[test]
fn errors_beyond_the_bound_are_folded() {
    let mut snapshot = snapshot();
    snapshot.errors = (0..5).map(|i| error("/a", &format!("e{i}"))).collect();
    assert_eq!(snapshot.bound(&Bounds { errors: 2, ..Bounds::default() }).errors, 3);
    let last = snapshot.errors.last().expect("some errors");
    assert_eq!((&*last.name, &*last.error, last.occurrences), ("other", "other", 6));
}

#[test]
fn rows_of_the_same_name_are_put_together() {
    let mut snapshot = snapshot();
    snapshot.endpoints = vec![endpoint("", "/a", 1, 1.0), endpoint("", "/a", 1, 3.0)];
    assert_eq!(snapshot.bound(&Bounds::default()).names, 0);
    assert_eq!(snapshot.endpoints.len(), 1);
    assert_eq!(snapshot.endpoints[0].avg, Some(Millis(2.0)));
}

fn folded(rows: [Endpoint; 2]) -> Endpoint {
    let mut snapshot = snapshot();
    snapshot.endpoints = rows.into();
    snapshot.bound(&Bounds { names: 0, ..Bounds::default() });
    let [row] = <[_; 1]>::try_from(snapshot.endpoints).expect("one row");
    row
}

#[test]
fn what_is_unknown_of_one_row_is_unknown_of_both() {
    let known = Endpoint {
        avg_content_length: Some(3.0),
        current_fail_per_sec: Some(1.0),
        request_bytes: Some(1),
        response_bytes: None,
        durations: Vec::new(),
        since: None,
        ..endpoint("GET", "/a", 2, 10.0)
    };
    let unknown = Endpoint {
        failures: None,
        avg: None,
        min: None,
        max: None,
        current_rps: None,
        ..endpoint("GET", "/b", 3, 10.0)
    };
    for rows in [[known.clone(), unknown.clone()], [unknown, known]] {
        let row = folded(rows);
        assert_eq!(row.requests, Some(5));
        assert_eq!((row.avg, row.min, row.max), (None, None, None));
        assert_eq!((row.failures, row.request_bytes), (None, None));
        assert_eq!((row.current_rps, row.current_fail_per_sec), (None, None));
        assert_eq!(row.avg_content_length, None);
    }
}

#[test]
fn averages_over_an_unknown_number_of_requests_have_no_average() {
    let uncounted = Endpoint { requests: None, ..endpoint("GET", "/b", 0, 30.0) };
    for other in [2, 0] {
        let row = folded([endpoint("GET", "/a", other, 10.0), uncounted.clone()]);
        assert_eq!(row.requests, None);
        assert_eq!(row.avg, (other == 0).then_some(Millis(30.0)));
        assert_eq!(row.max, Some(Millis(60.0)));
    }
}

#[test]
fn a_row_without_requests_has_no_times_and_leaves_nothing_unknown() {
    let zeros = endpoint("GET", "/idle", 0, 0.0);
    let nothing = Endpoint { avg: None, min: None, max: None, current_rps: None, ..zeros.clone() };
    let busy = endpoint("GET", "/a", 2, 10.0);
    for idle in [zeros, nothing] {
        for rows in [[busy.clone(), idle.clone()], [idle, busy.clone()]] {
            let row = folded(rows);
            assert_eq!((row.avg, row.min), (Some(Millis(10.0)), Some(Millis(5.0))));
            assert_eq!((row.requests, row.failures), (Some(2), Some(2)));
            assert!(row.current_rps.is_some());
        }
    }
}

fn second(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

#[test]
fn two_rows_count_since_the_earlier_start_and_their_bytes_are_added() {
    let row = |name: &str, since, response_bytes| Endpoint {
        response_bytes,
        since,
        ..endpoint("GET", name, 1, 1.0)
    };
    let both = folded([row("/a", Some(second(7)), Some(5)), row("/b", Some(second(3)), Some(6))]);
    assert_eq!((both.since, both.response_bytes), (Some(second(3)), Some(11)));
    let unknown = folded([row("/a", Some(second(7)), Some(5)), row("/b", None, None)]);
    assert_eq!((unknown.since, unknown.response_bytes), (None, None));
}

#[test]
fn a_text_is_cut_between_characters() {
    assert_eq!(cut("ééé", 2), "éé");
    assert_eq!(cut("ééé", 3), "ééé");
    assert_eq!(cut("", 0), "");
}

#[test]
fn a_label_value_is_cut_at_a_character_and_marked() {
    assert_eq!(cut_label("abcdefgh", 8), "abcdefgh");
    assert_eq!(cut_label("abcdefghi", 8), "abcde…");
    assert_eq!(cut_label("abcdéfgh", 8), "abcd…", "é would be cut in two");
    let long = "é".repeat(5_000);
    let short = cut_label(&long, 2_048);
    assert!(short.len() <= 2_048 && short.len() > 2_043 && short.ends_with('…'));
}

#[test]
fn names_that_are_the_same_once_cut_are_put_together_and_sums_stay() {
    let long = |end: &str| format!("/{}{end}", "x".repeat(10_000));
    let mut snapshot = snapshot();
    snapshot.endpoints = vec![
        endpoint("GET", &long("a"), 3, 10.0),
        endpoint("GET", &long("b"), 4, 10.0),
        endpoint("GET", "/z", 5, 10.0),
    ];
    snapshot.errors = vec![error(&long("a"), "boom"), error(&long("b"), "boom")];
    let folded = snapshot.bound(&Bounds::default());
    assert_eq!(folded, Folded { cut_labels: 4, ..Folded::default() });
    let [one, other] = &*snapshot.endpoints else { panic!("{:?}", snapshot.endpoints) };
    assert_eq!((one.requests, other.requests), (Some(7), Some(5)));
    assert!(one.name.len() <= 2_048 && one.name.ends_with('…'));
    assert_eq!(snapshot.errors.len(), 1);
    assert_eq!(snapshot.errors[0].occurrences, 4);
}

#[test]
fn every_text_of_a_snapshot_that_is_a_label_value_is_cut() {
    let long = || Text::from("x".repeat(100));
    let worker = crate::Worker {
        id: long(),
        state: crate::State::Other(long()),
        users: None,
        cpu_percent: None,
        memory_bytes: None,
        last_heartbeat: None,
        clock_offset: None,
    };
    let mut snapshot = Snapshot {
        version: Some(long()),
        host: Some(long()),
        state: Some(crate::State::Other(long())),
        workers: Some(vec![worker]),
        tasks: vec![crate::TaskRatio { class: long(), task: long(), ratio: 1.0 }],
        ..snapshot()
    };
    snapshot.run.id = Some(long());
    snapshot.run.testplan = Some(long());
    snapshot.users.by_class = vec![crate::ClassUsers { class: long(), users: 1 }];
    let folded = snapshot.bound_observed(&Bounds { label_bytes: 20, ..Bounds::default() });
    assert_eq!(folded.cut_labels, 10);
    assert!(!format!("{snapshot:?}").contains(&"x".repeat(18)), "{snapshot:?}");
}
