//! What Locust leaves out of its JSON, and the CSV that holds it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use locust_api::{Client, Config, Quantiles};
use locust_model::{Endpoint, Millis};

use crate::locust::{fixture, running, running_but, with_stats};
use crate::server::{Reply, Server};
use crate::{collector, look, snapshot};

/// A Locust with 2,080 endpoints and as many errors; its JSON holds 500 of each.
async fn many() -> Server {
    running_but(vec![
        ("/stats/requests", Reply::json(fixture("odd/many_stats.json"))),
        ("/stats/requests/csv", Reply::csv(fixture("odd/many_stats.csv"))),
        ("/stats/failures/csv", Reply::csv(many_failures())),
    ])
    .await
}

/// The CSV of its errors.
fn many_failures() -> String {
    let mut failures = "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n".to_owned();
    for i in 0..2080 {
        let moment = "2026-11-20T10:10:32Z";
        writeln!(failures, "GET,/item/{i:05},Exception('e{i}'),1,{moment},{moment}\r").unwrap();
    }
    failures
}

fn sum(endpoints: &[Endpoint]) -> u64 {
    endpoints.iter().filter_map(|endpoint| endpoint.requests).sum()
}

#[tokio::test]
async fn all_rows_and_errors_are_had_through_the_csv() {
    let look = look(&many().await.client()).await;
    assert_eq!(collector(&look, "stats_csv"), Some(true));
    assert_eq!(collector(&look, "failures_csv"), Some(true));
    let seen = snapshot(look);
    assert_eq!(seen.endpoints.len(), 2081);
    assert_eq!(seen.truncated_rows, 0);
    let total = seen.total.as_ref().unwrap();
    assert_eq!(total.requests, Some(2132));
    assert_eq!(sum(&seen.endpoints), 2132, "rows and total agree");
    assert_eq!(seen.fail_ratio, Some(2080.0 / 2132.0));
    assert_eq!(seen.errors.len(), 2080);
    assert_eq!(seen.errors[2079].occurrences, 1);
    assert!(seen.errors[2079].first_seen.is_some());
}

#[tokio::test]
async fn current_rates_are_those_of_the_json_and_absent_beyond_it() {
    let seen = snapshot(look(&many().await.client()).await);
    let known = seen.endpoints.iter().filter(|endpoint| endpoint.current_rps.is_some()).count();
    assert_eq!(known, 500);
    assert!(seen.total.unwrap().current_rps.is_some());
}

/// The 95th percentile was gone for all rows, also for those of which the JSON tells it.
#[tokio::test]
async fn percentiles_that_the_csv_has_not_are_those_of_the_json_where_it_has_the_row() {
    let csv = fixture("odd/many_stats.csv");
    let csv = String::from_utf8(csv).unwrap().replacen("95%", "96%", 1);
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("odd/many_stats.json"))),
        ("/stats/requests/csv", Reply::csv(csv)),
        ("/stats/failures/csv", Reply::csv(many_failures())),
    ])
    .await;
    let client = server.client();
    for _ in 0..2 {
        let look = look(&client).await;
        assert_eq!(look.percentiles_of_some, [0.95]);
        let seen = snapshot(look);
        let has = |q: f64| {
            let of = |row: &&Endpoint| row.percentiles.iter().any(|it| it.q.total_cmp(&q).is_eq());
            seen.endpoints.iter().filter(of).count()
        };
        assert_eq!((has(0.95), has(0.99)), (500, 2081));
        let total = seen.total.as_ref().unwrap();
        assert!(total.percentiles.is_sorted_by(|a, b| a.q < b.q), "{:?}", total.percentiles);
        assert_eq!(total.percentiles.len(), 2);
    }
    assert!(look(&many().await.client()).await.percentiles_of_some.is_empty());
}

#[tokio::test]
async fn the_csv_is_asked_only_when_the_json_is_truncated() {
    let server = running_but(vec![]).await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "stats_csv"), None);
    assert_eq!(server.count("/stats/requests/csv") + server.count("/stats/failures/csv"), 0);
}

/// Statistics of 500 endpoints and a total.
fn five_hundred(total: u64) -> String {
    let mut rows = String::new();
    for i in 0..500 {
        write!(rows, r#"{{"name":"/{i}","method":"GET","num_requests":2}},"#).unwrap();
    }
    format!(r#"{{"stats":[{rows}{{"name":"Aggregated","method":"","num_requests":{total}}}]}}"#)
}

#[tokio::test]
async fn exactly_five_hundred_rows_that_add_up_are_not_truncated() {
    let server = with_stats(five_hundred(1000)).await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "stats_csv"), None);
    assert_eq!(snapshot(look).truncated_rows, 0);
}

#[tokio::test]
async fn where_the_csv_fails_the_five_hundred_are_served_and_the_loss_is_told() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("odd/many_stats.json"))),
        ("/stats/requests/csv", Reply::new("500 INTERNAL", "text/html", "no")),
        ("/stats/failures/csv", Reply::csv("Method,Name,Error,Occurrences\r\nGET,/a,\"cut")),
    ])
    .await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "stats_csv"), Some(false));
    assert_eq!(collector(&look, "failures_csv"), Some(false));
    let seen = snapshot(look);
    assert_eq!((seen.endpoints.len(), seen.errors.len()), (500, 500));
    assert_eq!(seen.truncated_rows, 2, "at least one row and one error");
}

#[tokio::test]
async fn where_the_csv_fails_later_all_that_were_there_before_are_told_as_lost_until_a_reset() {
    let phase = Arc::new(AtomicUsize::new(0));
    let now = phase.clone();
    let server = Server::start(move |request| match (request.path.as_str(), now.load(SeqCst)) {
        ("/stats/requests", 0 | 1) => Reply::json(fixture("odd/many_stats.json")),
        ("/stats/requests", _) => Reply::json(five_hundred(1001)),
        ("/stats/requests/csv", 0) => Reply::csv(fixture("odd/many_stats.csv")),
        ("/stats/failures/csv", 0) => Reply::csv(many_failures()),
        ("/stats/requests/csv" | "/stats/failures/csv", _) => Reply::not_found(),
        _ => running(request),
    })
    .await;
    let client = server.client();
    for lost in [0, 1581 + 1580, 1] {
        let seen = snapshot(look(&client).await);
        assert_eq!(seen.truncated_rows, lost);
        phase.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn a_csv_without_its_end_is_not_used() {
    let csv = "Type,Name,Request Count\r\nGET,/a,1\r\n";
    let server = running_but(vec![
        ("/stats/requests", Reply::json(five_hundred(1001))),
        ("/stats/requests/csv", Reply::csv(csv)),
    ])
    .await;
    let look = look(&server.client()).await;
    let failed = look.collectors.iter().find(|c| c.name == "stats_csv").unwrap();
    let shown = failed.error.as_ref().unwrap().to_string();
    assert!(shown.contains("the CSV is cut short after 35 bytes"), "{shown}");
    assert_eq!(snapshot(look).truncated_rows, 1);
}

#[tokio::test]
async fn what_was_truncated_once_is_asked_at_once_the_next_time() {
    let server = many().await;
    let client = server.client();
    snapshot(look(&client).await);
    let first = server.seen().len();
    snapshot(look(&client).await);
    let mut paths: Vec<_> =
        server.seen()[first..].iter().map(|request| request.path.clone()).collect();
    paths.sort();
    let expected =
        ["/exceptions", "/stats/failures/csv", "/stats/requests", "/stats/requests/csv", "/tasks"];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn the_csv_gives_the_percentiles_of_the_json_or_all() {
    let server = many().await;
    let client = server.client();
    for _ in 0..2 {
        let seen = snapshot(look(&client).await);
        assert_eq!(shares(&seen.endpoints[0]), [0.95, 0.99]);
        assert_eq!(shares(&seen.endpoints[2000]), [0.95, 0.99]);
    }

    let server = running_but(vec![]).await;
    let config = Config { quantiles: Quantiles::All, ..server.config() };
    let seen = snapshot(look(&Client::new(config).unwrap()).await);
    let all = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];
    assert_eq!(shares(&seen.endpoints[0]), all);
    assert_eq!(seen.endpoints.len(), 9);
    assert_eq!(seen.endpoints[0].min, Some(Millis(0.849_436_999_999_397_8)), "exact");
}

/// A Locust with 501 endpoints, whose JSON has 500 with these percentiles.
async fn with_percentiles(keys: [&str; 2]) -> Server {
    let [a, b] = keys.map(|key| format!(r#""response_time_percentile_{key}":3"#));
    let stats =
        five_hundred(1002).replace(r#""method":"GET""#, &format!(r#""method":"GET",{a},{b}"#));
    running_but(vec![
        ("/stats/requests", Reply::json(stats)),
        ("/stats/requests/csv", Reply::csv(fixture("odd/many_stats.csv"))),
    ])
    .await
}

fn shares(endpoint: &Endpoint) -> Vec<f64> {
    endpoint.percentiles.iter().map(|percentile| percentile.q).collect()
}

#[tokio::test]
async fn quantiles_do_not_change_at_the_501st_endpoint() {
    for (keys, expected) in [
        (["0.9", "0.999"], [0.9, 0.999].as_slice()),
        (["0.93", "0.999"], &[0.999]),
        (["0.93", "0.97"], &[0.5, 0.95, 0.99]),
    ] {
        let server = with_percentiles(keys).await;
        let client = server.client();
        for _ in 0..2 {
            let look = look(&client).await;
            assert_eq!(collector(&look, "stats_csv"), Some(true));
            assert_eq!(shares(&snapshot(look).endpoints[0]), expected, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn no_request_yet_is_no_percentile() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("2.47/ready_stats.json"))),
        ("/stats/requests/csv", Reply::csv(fixture("2.47/ready_stats.csv"))),
    ])
    .await;
    let config = Config { quantiles: Quantiles::All, ..server.config() };
    let look = look(&Client::new(config).unwrap()).await;
    assert!(look.rejected.is_empty(), "N/A is no mistake: {:?}", look.rejected);
    let total = snapshot(look).total.unwrap();
    assert_eq!((total.requests, total.percentiles), (Some(0), vec![]));
}

#[tokio::test]
async fn a_nan_in_the_csv_is_absent_and_counted() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("odd/nan_stats.json"))),
        ("/stats/requests/csv", Reply::csv(fixture("odd/nan_stats.csv"))),
    ])
    .await;
    let config = Config { quantiles: Quantiles::All, ..server.config() };
    let look = look(&Client::new(config).unwrap()).await;
    assert_eq!(look.rejected, [("not_finite", 2)], "one in each answer");
    assert_eq!(snapshot(look).total.unwrap().avg, None);
}

#[tokio::test]
async fn errors_of_2_20_lose_their_extra_quotes_in_the_csv_too() {
    let stats = String::from_utf8(fixture("2.20/stats.json")).unwrap();
    let many = r#"{"name":"/x","method":"GET","error":"&#x27;E()&#x27;","occurrences":0},"#;
    let stats = stats.replacen("\"errors\": [", &format!("\"errors\": [{}", many.repeat(500)), 1);
    let stats = stats.replace("\"num_failures\": 81,", "\"num_failures\": 82,");
    let server = running_but(vec![
        ("/stats/requests", Reply::json(stats)),
        ("/stats/failures/csv", Reply::csv(fixture("2.20/failures.csv"))),
    ])
    .await;
    let seen = snapshot(look(&server.client()).await);
    assert_eq!(seen.errors.len(), 1);
    assert_eq!(&*seen.errors[0].error, "Exception(\"boom <x> & 'y'\")");
}
