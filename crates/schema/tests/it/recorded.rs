//! What a recorder loses is counted by the exporter.

use std::sync::Arc;

use locust_model::{Folded, Losses};
use schema::Schema::Standard;
use schema::{Catalog, Exposition, Own};

use crate::collect::{collect, own, schemas_inside};
use crate::snapshots::{at, inside, within};
use crate::text;

fn losses(names: u64, not_times: u64) -> Losses {
    let folded = Folded { names, ..Folded::default() };
    Losses {
        folded,
        not_times,
        not_lengths: not_times + 2,
        custom_series: names + 1,
        custom_conflicts: not_times + 1,
    }
}

fn told(own: &Arc<Own>) -> (String, String) {
    let catalog = Arc::new(Catalog::new(&schemas_inside(&[Standard])).unwrap());
    let text = text::write(&Exposition::new(catalog, own.clone(), Vec::new()));
    let of = |start: &str| {
        text.lines().find_map(|line| line.strip_prefix(start)).expect("it is told").to_owned()
    };
    let number = |start: &str| of(start).parse::<u64>().expect("a number");
    let names = of(r#"locust_exporter_folded_series_total{reason="names"} "#);
    let not_times = of(r#"locust_exporter_rejected_rows_total{reason="not_a_time"} "#);
    let series = number(r#"locust_exporter_folded_series_total{reason="custom_series"} "#);
    let conflicts = number(r#"locust_exporter_rejected_rows_total{reason="custom_conflict"} "#);
    assert_eq!((series - 1).to_string(), names);
    let lengths = number(r#"locust_exporter_rejected_rows_total{reason="not_a_length"} "#);
    assert_eq!((conflicts - 1).to_string(), not_times);
    assert_eq!((lengths - 2).to_string(), not_times);
    (names, not_times)
}

fn counts(folded: &str, not_times: &str) -> (String, String) {
    (folded.to_owned(), not_times.to_owned())
}

#[test]
fn what_is_told_in_every_scrape_is_counted_once() {
    let own = own();
    for _ in 0..3 {
        own.recorded(&losses(3, 2));
        assert_eq!(told(&own), counts("3", "2"));
    }
    own.recorded(&losses(4, 2));
    assert_eq!(told(&own), counts("4", "2"));
}

#[test]
fn a_scrape_that_was_overtaken_changes_nothing() {
    let own = own();
    own.recorded(&losses(3, 5));
    own.recorded(&losses(3, 4));
    own.recorded(&losses(2, 6));
    own.recorded(&losses(3, 6));
    assert_eq!(told(&own), counts("3", "6"));
}

#[test]
fn the_exporters_counters_tell_since_when_they_count_where_they_know() {
    let begun = Own::new(*own().build()).beginning(at(0.5));
    let catalog = Arc::new(Catalog::new(&schemas_inside(&[Standard])).unwrap());
    let sighting = Arc::new(within(inside()));
    for family in collect(&Exposition::new(catalog, Arc::new(begun), vec![sighting])) {
        let name = family.meta.name.as_str();
        let expected = match name {
            "locust_exporter_folded_series_total" | "locust_exporter_rejected_rows_total" => {
                Some(1_767_225_600.5)
            }
            "locust_exporter_build_info" => None,
            _ => continue,
        };
        assert!(family.samples.iter().all(|series| series.created == expected), "{name}");
    }
}
