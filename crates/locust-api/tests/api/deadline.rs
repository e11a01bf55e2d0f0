//! A look ends at its deadline, with what there is.

use std::time::{Duration, Instant};

use locust_api::{Client, Error, Look};

use crate::collector;
use crate::locust::{fixture, running_but};
use crate::server::Reply;

const LATE: Duration = Duration::from_secs(20);

async fn look_for(client: &Client, time: Duration) -> (Look, Duration) {
    let started = Instant::now();
    let look = client.look(started + time).await;
    (look, started.elapsed())
}

#[tokio::test]
async fn slow_statistics_are_a_timeout() {
    let slow = Reply::json(fixture("2.47/running_stats.json")).after(LATE);
    let server = running_but(vec![("/stats/requests", slow)]).await;
    let (look, took) = look_for(&server.client(), Duration::from_millis(300)).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    let Err(Error::TimedOut { url, after }) = &look.snapshot else { panic!("{:?}", look.snapshot) };
    assert!(url.ends_with("/stats/requests"));
    assert!(*after >= Duration::from_millis(250), "{after:?}");
    assert_eq!(collector(&look, "stats"), Some(false));
    assert_eq!(collector(&look, "exceptions"), Some(true));
}

#[tokio::test]
async fn what_is_there_at_the_deadline_is_served() {
    let server = running_but(vec![
        ("/exceptions", Reply::json("{}").after(LATE)),
        ("/", Reply::ThenStall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<html>".to_vec())),
    ])
    .await;
    let (look, took) = look_for(&server.client(), Duration::from_millis(500)).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(collector(&look, "tasks"), Some(true));
    for name in ["exceptions", "index"] {
        let failed = look.collectors.iter().find(|c| c.name == name).unwrap();
        assert!(matches!(failed.error, Some(Error::TimedOut { .. })), "{:?}", failed.error);
    }
    let seen = look.snapshot.unwrap();
    assert_eq!(seen.endpoints.len(), 9);
    assert_eq!(seen.users.by_class.len(), 3);
    assert_eq!(seen.exceptions, None);
}

#[tokio::test]
async fn a_slow_csv_leaves_the_five_hundred() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("odd/many_stats.json"))),
        ("/stats/requests/csv", Reply::csv("").after(LATE)),
        ("/stats/failures/csv", Reply::csv("").after(LATE)),
    ])
    .await;
    let (look, took) = look_for(&server.client(), Duration::from_millis(1500)).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let seen = look.snapshot.unwrap();
    assert_eq!((seen.endpoints.len(), seen.truncated_rows), (500, 2));
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_a_timeout_at_once() {
    let server = running_but(vec![]).await;
    let client = server.client();
    let look = client.look(Instant::now()).await;
    assert!(matches!(look.snapshot, Err(Error::TimedOut { .. })), "{:?}", look.snapshot);
    assert!(look.took < Duration::from_secs(1));
}

#[tokio::test]
async fn independent_routes_are_asked_at_once() {
    let pause = Duration::from_millis(300);
    let server = running_but(vec![
        ("/stats/requests", Reply::json(fixture("2.47/running_stats.json")).after(pause)),
        ("/exceptions", Reply::json(fixture("2.47/running_exceptions.json")).after(pause)),
        ("/tasks", Reply::json(fixture("2.47/running_tasks.json")).after(pause)),
        ("/", crate::locust::page(fixture("2.47/running_template_args.json")).after(pause)),
    ])
    .await;
    let (look, took) = look_for(&server.client(), LATE).await;
    assert!(look.collectors.iter().all(|collector| collector.success));
    assert!(took < pause * 3, "{took:?}");
}

/// Statistics of some tens of megabytes, which take long to read.
fn huge_stats() -> String {
    let rows = r#"{"name":1},"#.repeat(3_000_000);
    format!(r#"{{"stats":[{rows}{{"name":"Aggregated","method":"","num_requests":7}}]}}"#)
}

#[tokio::test]
async fn reading_a_huge_answer_holds_up_neither_the_look_nor_anybody_else() {
    let server = running_but(vec![
        ("/stats/requests", Reply::json(huge_stats())),
        ("/stats/requests/csv", Reply::not_found()),
    ])
    .await;
    let client = server.client();
    let watch = async {
        let mut longest = Duration::ZERO;
        for _ in 0..100 {
            let started = Instant::now();
            tokio::time::sleep(Duration::from_millis(5)).await;
            longest = longest.max(started.elapsed());
        }
        longest
    };
    let ((look, _), longest) = tokio::join!(look_for(&client, Duration::from_mins(1)), watch);
    assert!(longest < Duration::from_secs(1), "others waited for {longest:?}");
    assert_eq!(look.snapshot.unwrap().total.unwrap().requests, Some(7));
    assert!(look.folded.names > 2_900_000, "{:?}", look.folded);
}

#[tokio::test]
async fn a_huge_answer_that_is_still_being_read_at_the_deadline_is_a_timeout() {
    let server = running_but(vec![("/stats/requests", Reply::json(huge_stats()))]).await;
    let client = server.client();
    let (mut look, mut took) = look_for(&client, LATE).await;
    // How long it takes is known from the time before only, and a busy machine may be free again.
    for _ in 0..5 {
        assert!(look.snapshot.is_ok(), "{:?}", look.snapshot.err());
        let hurry = took / 2;
        (look, took) = look_for(&client, hurry).await;
        assert!(took < hurry + Duration::from_secs(1), "{took:?} instead of {hurry:?}");
        if look.snapshot.is_err() {
            break;
        }
    }
    assert!(matches!(look.snapshot, Err(Error::TimedOut { .. })), "{:?}", look.snapshot.err());
}
