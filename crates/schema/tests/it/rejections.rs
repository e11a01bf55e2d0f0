//! What makes no sense is left out and counted, and the rest is served.

use std::sync::Arc;

use locust_model::{Folded, Millis, Snapshot};
use schema::Schema::{Boomer, Classic, Standard};
use schema::{Catalog, Exposition, Own, Schema, Sighting};

use crate::collect::{lines, own, schemas};
use crate::snapshots::{down, empty, endpoint, percentiles, sighting};
use crate::text;

fn expose(own: &Arc<Own>, active: &[Schema], sightings: Vec<Sighting>) -> String {
    let catalog = Arc::new(Catalog::new(&schemas(active)).unwrap());
    text::write(&Exposition::new(
        catalog,
        own.clone(),
        sightings.into_iter().map(Arc::new).collect(),
    ))
}

fn rejected(text: &str, reason: &str) -> String {
    let start = format!(r#"locust_exporter_rejected_rows_total{{reason="{reason}"}} "#);
    text.lines().find_map(|line| line.strip_prefix(&start)).expect("the reason is told").to_owned()
}

fn negative() -> Snapshot {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 4), endpoint("GET", "/odd", 4)];
    snapshot.endpoints[1].avg = Some(Millis(-2.5));
    snapshot.endpoints[1].median = Some(Millis(-1.0));
    snapshot.endpoints[1].min = Some(Millis(-20.0));
    snapshot.endpoints[1].percentiles = percentiles(&[(0.95, 3.0), (0.99, 4.0)]);
    snapshot
}

#[test]
fn a_negative_time_is_left_out_of_the_summary() {
    let names = [
        "request_duration_seconds",
        "request_duration_seconds_sum",
        "request_duration_seconds_count",
    ];
    let mut snapshot = negative();
    snapshot.endpoints.remove(0);
    assert_eq!(
        lines(&[Standard], snapshot, &names),
        [
            r#"request_duration_seconds{method="GET",name="/odd",quantile="0.95"} 0.003"#,
            r#"request_duration_seconds{method="GET",name="/odd",quantile="0.99"} 0.004"#,
            r#"request_duration_seconds_count{method="GET",name="/odd"} 4"#,
        ]
    );
}

#[test]
fn a_negative_time_is_counted_once_for_a_row_and_a_scrape() {
    let own = own();
    let catalog = Arc::new(Catalog::new(&schemas(&[Standard])).unwrap());
    let exposition = Exposition::new(catalog, own.clone(), vec![Arc::new(sighting(negative()))]);
    let first = text::write(&exposition);
    assert_eq!(rejected(&first, "not_a_time"), "1");
    assert_eq!(text::write(&exposition), first, "two encoders of one scrape tell the same");
    assert_eq!(rejected(&expose(&own, &[Standard], vec![sighting(negative())]), "not_a_time"), "2");
}

#[test]
fn a_negative_time_is_a_value_of_classic_and_boomer() {
    let names = ["requests_min_response_time", "stats_min_response_time"];
    let mut snapshot = negative();
    snapshot.endpoints.remove(0);
    assert_eq!(
        lines(&[Classic, Boomer], snapshot, &names),
        [
            r#"requests_min_response_time{method="GET",name="/odd"} -20"#,
            r#"stats_min_response_time{path="/odd",method="GET"} -20"#,
        ]
    );
    let text = expose(&own(), &[Classic, Boomer], vec![sighting(negative())]);
    assert_eq!(rejected(&text, "not_a_time"), "0");
}

#[test]
fn a_time_that_is_no_number_costs_nothing_but_itself() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 4)];
    snapshot.endpoints[0].avg = Some(Millis(f64::NAN));
    snapshot.endpoints[0].percentiles = percentiles(&[(0.95, f64::INFINITY)]);
    let names = [
        "request_duration_seconds",
        "request_duration_seconds_sum",
        "request_duration_seconds_count",
    ];
    assert_eq!(
        lines(&[Standard], snapshot.clone(), &names),
        [
            r#"request_duration_seconds{method="GET",name="/",quantile="0.5"} 0.008"#,
            r#"request_duration_seconds_count{method="GET",name="/"} 4"#,
        ]
    );
    let text = expose(&own(), &[Standard], vec![sighting(snapshot)]);
    assert_eq!(rejected(&text, "not_a_time"), "1");
}

#[test]
fn an_endpoint_named_like_the_aggregated_row_gives_way_to_it_and_is_counted() {
    let mut snapshot = empty();
    snapshot.total = Some(endpoint("", "Aggregated", 9));
    snapshot.endpoints = vec![
        endpoint("", "Aggregated", 1),
        endpoint("Aggregated", "Aggregated", 2),
        endpoint("GET", "Aggregated", 3),
    ];
    let names = ["requests_num_requests", "stats_num_requests"];
    assert_eq!(
        lines(&[Classic, Boomer], snapshot.clone(), &names),
        [
            r#"requests_num_requests{method="Aggregated",name="Aggregated"} 2"#,
            r#"requests_num_requests{method="GET",name="Aggregated"} 3"#,
            r#"requests_num_requests{method="",name="Aggregated"} 9"#,
            r#"stats_num_requests{path="Aggregated",method=""} 1"#,
            r#"stats_num_requests{path="Aggregated",method="GET"} 3"#,
            r#"stats_num_requests{path="Aggregated",method="Aggregated"} 9"#,
        ]
    );
    let told = |active: &[Schema]| {
        rejected(&expose(&own(), active, vec![sighting(snapshot.clone())]), "named_like_aggregated")
    };
    assert_eq!(told(&[Standard]), "0", "standard has no aggregated row");
    assert_eq!(told(&[Classic]), "1");
    assert_eq!(told(&[Boomer]), "1");
}

#[test]
fn an_endpoint_named_like_the_aggregated_row_stands_where_there_is_no_such_row() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("", "Aggregated", 1)];
    assert_eq!(
        lines(&[Classic], snapshot.clone(), &["requests_num_requests"]),
        [r#"requests_num_requests{method="",name="Aggregated"} 1"#]
    );
    let text = expose(&own(), &[Classic], vec![sighting(snapshot)]);
    assert_eq!(rejected(&text, "named_like_aggregated"), "0");
}

#[test]
fn every_reason_is_there_from_the_start_so_that_a_first_increase_is_seen() {
    let text = expose(&own(), &[Standard], vec![down()]);
    let counters: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("locust_exporter_"))
        .filter(|line| !line.starts_with("build_info"))
        .collect();
    assert_eq!(
        counters,
        [
            r#"folded_series_total{reason="errors"} 0"#,
            r#"folded_series_total{reason="exceptions"} 0"#,
            r#"folded_series_total{reason="names"} 0"#,
            "cut_label_values_total 0",
            r#"rejected_rows_total{reason="inconsistent"} 0"#,
            r#"rejected_rows_total{reason="labels"} 0"#,
            r#"rejected_rows_total{reason="named_like_aggregated"} 0"#,
            r#"rejected_rows_total{reason="not_a_count"} 0"#,
            r#"rejected_rows_total{reason="not_a_time"} 0"#,
            r#"rejected_rows_total{reason="wrong_kind"} 0"#,
        ]
    );
}

#[test]
fn the_exporters_counters_live_from_scrape_to_scrape() {
    let own = own();
    own.folded(Folded { names: 3, errors: 2, exceptions: 1, cut_labels: 4 });
    for scrape in 1..=2 {
        own.scraped();
        let text = expose(&own, &[Classic], vec![down()]);
        assert!(text.contains(&format!("\nlocust_total_scrapes {scrape}\n")), "{text}");
        assert!(text.contains(r#"folded_series_total{reason="names"} 3"#), "{text}");
        assert!(text.contains("\nlocust_exporter_cut_label_values_total 4\n"), "{text}");
    }
}
