//! When series began to count.

use std::collections::BTreeMap;

use schema::Schema;

use crate::collect::{collect, expose, schemas, schemas_inside};
use crate::snapshots::{at, inside, sighting, within};

/// The start times of every metric of Locust's that has some, in the order of its series.
fn starts(snapshot: locust_model::Snapshot) -> BTreeMap<String, Vec<Option<f64>>> {
    let families = collect(&expose(&schemas_inside(&Schema::ALL), vec![within(snapshot)]));
    let starts = families.into_iter().map(|family| {
        let name = family.meta.name.as_str();
        let name = name.strip_prefix("locust_").unwrap_or(name).to_owned();
        (name, family.samples.iter().map(|series| series.created).collect::<Vec<_>>())
    });
    starts.filter(|(_, starts)| starts.iter().any(Option::is_some)).collect()
}

/// Seconds of the fixture's time, in seconds since 1970.
fn seconds(given: &[f64]) -> Vec<Option<f64>> {
    given.iter().map(|seconds| Some(1_767_225_600.0 + seconds)).collect()
}

#[test]
fn what_counts_inside_tells_since_when_and_nothing_else_does() {
    let endpoints = [1.0, 2.0, 3.0, 4.0, 5.0];
    let all = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let expected = [
        ("carts", seconds(&[0.75])),
        ("checkout_seconds", seconds(&[0.75])),
        ("cpu_warnings_total", seconds(&[0.5])),
        ("orders_total", seconds(&[0.75, 0.75])),
        ("request_duration_seconds", seconds(&endpoints)),
        ("request_errors_total", seconds(&[1.0; 3])),
        ("request_failures_total", seconds(&endpoints)),
        ("request_length_bytes_total", seconds(&endpoints)),
        ("requests_total", seconds(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.0])),
        ("response_length_bytes_total", seconds(&endpoints)),
        ("stats_num_failures", seconds(&all)),
        ("stats_num_requests", seconds(&all)),
        ("user_exceptions_total", seconds(&[0.25])),
        ("users_total", seconds(&[0.5])),
    ];
    let expected = expected.map(|(name, starts)| (name.to_owned(), starts));
    assert_eq!(starts(inside()), BTreeMap::from(expected));
}

#[test]
fn an_error_seen_before_a_reset_counts_since_the_reset() {
    let mut snapshot = inside();
    snapshot.run.since = Some(at(1.5));
    snapshot.errors[0].first_seen = Some(at(2.0));
    snapshot.errors[1].first_seen = None;
    assert_eq!(starts(snapshot)["request_errors_total"], seconds(&[2.0, 1.5, 1.5]));
}

#[test]
fn what_began_at_an_unknown_time_tells_none() {
    let mut snapshot = inside();
    snapshot.run.since = None;
    snapshot.endpoints[0].since = None;
    let starts = starts(snapshot);
    assert!(!starts.contains_key("user_exceptions_total"));
    assert_eq!(starts["request_failures_total"][0], None);
}

#[test]
fn outside_nothing_tells_since_when_it_counts() {
    for family in collect(&expose(&schemas(&Schema::ALL), vec![sighting(inside())])) {
        for series in family.samples {
            assert_eq!(series.created, None, "{}", family.meta.name);
        }
    }
}
