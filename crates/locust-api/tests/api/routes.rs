//! The routes one by one.

use locust_api::Error;

use crate::locust::{fixture, running_but};
use crate::server::Reply;
use crate::{look, snapshot};

#[tokio::test]
async fn the_csv_of_exceptions_holds_tracebacks_of_many_lines() {
    let server = running_but(vec![]).await;
    let client = server.client();
    let csv = client.exceptions_csv().await.unwrap();
    let json = client.exceptions().await.unwrap();
    assert_eq!(csv.exceptions.len(), 1);
    assert_eq!(csv.exceptions[0].traceback.lines().count(), 9);
    assert_eq!(csv, json);
}

#[tokio::test]
async fn failures_and_statistics_of_the_csv() {
    let server = running_but(vec![]).await;
    let client = server.client();
    let failures = client.failures_csv().await.unwrap();
    let of_json = client.stats().await.unwrap().errors;
    assert_eq!(failures.errors.len(), 5);
    for error in &failures.errors {
        let same = of_json.iter().find(|e| e.name == error.name).unwrap();
        assert_eq!((&error.error, error.occurrences), (&same.error, same.occurrences));
    }
    let stats = client.stats_csv().await.unwrap();
    assert_eq!(stats.endpoints.len(), 9);
    assert_eq!(stats.total.unwrap().requests, Some(433));
}

#[tokio::test]
async fn tasks_index_and_worker_count() {
    let server = running_but(vec![]).await;
    let client = server.client();
    assert_eq!(client.tasks().await.unwrap().classes.len(), 3);
    assert_eq!(client.worker_count().await.unwrap(), 2);
    let index = client.index().await.unwrap();
    assert_eq!((index.num_users, index.spawn_rate), (Some(30), Some(5.0)));
}

#[tokio::test]
async fn logs_of_both_shapes() {
    let new = r#"{"master":["a",1],"workers":{"w1":["b","c"]}}"#;
    let server = running_but(vec![("/logs", Reply::json(new))]).await;
    let logs = server.client().logs().await.unwrap();
    assert_eq!(logs.master, ["a", "1"]);
    assert_eq!(logs.workers["w1"], ["b", "c"]);
    let server = running_but(vec![("/logs", Reply::json(r#"{"logs":["a"]}"#))]).await;
    assert_eq!(server.client().logs().await.unwrap().master, ["a"]);
}

#[tokio::test]
async fn a_route_that_is_not_there_says_so() {
    let server = running_but(vec![("/worker-count", Reply::not_found())]).await;
    let error = server.client().worker_count().await.unwrap_err();
    assert!(matches!(error, Error::NoRoute { .. }), "{error}");
    let server = running_but(vec![("/worker-count", Reply::json("{}"))]).await;
    let error = server.client().worker_count().await.unwrap_err();
    assert!(matches!(error, Error::NotLocust { .. }), "{error}");
}

#[tokio::test]
async fn a_csv_without_its_columns_is_not_understood() {
    let server = running_but(vec![
        ("/stats/requests/csv", Reply::csv("a,b\r\n1,2\r\n")),
        ("/stats/failures/csv", Reply::csv("")),
        ("/exceptions/csv", Reply::html("<html>")),
    ])
    .await;
    let client = server.client();
    let error = client.stats_csv().await.unwrap_err();
    assert!(error.to_string().contains("it has no column \"Name\""), "{error}");
    assert!(matches!(client.failures_csv().await, Err(Error::NotUnderstood { .. })));
    assert!(matches!(client.exceptions_csv().await, Err(Error::NotLocust { .. })));
}

#[tokio::test]
async fn rows_of_a_csv_that_are_none_are_dropped_and_counted() {
    let csv = b"Method,Name,Error,Occurrences\r\nGET,/a,E,1\r\nGET,/b\r\nGET,/\xff,E,1\r\n\
        GET,/c,E,-1\r\nGET,/d,E,many\r\nGET,/e,E,2\r\n";
    let server = running_but(vec![("/stats/failures/csv", Reply::csv(csv))]).await;
    let failures = server.client().failures_csv().await.unwrap();
    assert_eq!(failures.errors.iter().map(|e| &*e.name).collect::<Vec<_>>(), ["/a", "/e"]);
    for reason in ["wrong_length", "not_utf8", "negative", "wrong_type"] {
        assert_eq!(failures.rejected.count(reason), 1, "{reason}");
    }
}

#[tokio::test]
async fn routes_read_old_texts_rightly_once_a_look_has_shown_the_version() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("2.20/stats.json"))),
        ("/stats/failures/csv", Reply::csv(fixture("2.20/failures.csv"))),
        ("/exceptions", Reply::json(fixture("2.20/exceptions.json"))),
    ])
    .await;
    let client = server.client();
    snapshot(look(&client).await);
    let failures = client.failures_csv().await.unwrap();
    assert_eq!(&*failures.errors[0].error, "Exception(\"boom <x> & 'y'\")");
    let exceptions = client.exceptions().await.unwrap();
    assert!(exceptions.exceptions[0].traceback.contains("File \"/srv"));
}

#[tokio::test]
async fn the_csv_of_older_versions_is_read() {
    for (stats, failures, requests, failed) in [
        ("2.20/stats.csv", "2.20/failures.csv", 162, 81),
        ("2.43/stats.csv", "2.43/failures.csv", 194, 97),
    ] {
        let server = running_but(vec![
            ("/stats/requests/csv", Reply::csv(fixture(stats))),
            ("/stats/failures/csv", Reply::csv(fixture(failures))),
        ])
        .await;
        let stats = server.client().stats_csv().await.unwrap();
        assert_eq!(stats.total.unwrap().requests, Some(requests));
        assert_eq!(&*stats.endpoints[0].name, "/bad <b>&\"q\"");
        let failures = server.client().failures_csv().await.unwrap();
        assert_eq!(failures.errors[0].occurrences, failed);
        assert_eq!(failures.errors[0].first_seen, None, "not known before 2.44");
        assert!(stats.rejected.is_empty() && failures.rejected.is_empty());
    }
}
