//! Real answers of each version, and what is made of them.

use std::time::{Duration, SystemTime};

use locust_model::{Endpoint, Millis, Percentile, Snapshot, State};

use crate::locust::{fixture, running_but, with_stats};
use crate::server::{Reply, Server};
use crate::{collector, look, snapshot};

fn percentiles(percentiles: &[Percentile]) -> Vec<(f64, f64)> {
    percentiles.iter().map(|p| (p.q, p.value.0)).collect()
}

fn endpoint<'s>(snapshot: &'s Snapshot, method: &str, name: &str) -> &'s Endpoint {
    let found = snapshot.endpoints.iter().find(|e| &*e.method == method && &*e.name == name);
    found.unwrap_or_else(|| panic!("no {method} {name}"))
}

fn by_class(snapshot: &Snapshot) -> Vec<(&str, u64)> {
    snapshot.users.by_class.iter().map(|class| (&*class.class, class.users)).collect()
}

#[tokio::test]
async fn a_running_2_47_is_seen_whole() {
    let server = running_but(vec![]).await;
    let look = look(&server.client()).await;
    for name in ["stats", "exceptions", "tasks", "index"] {
        assert_eq!(collector(&look, name), Some(true), "{name}");
    }
    assert!(look.rejected.is_empty(), "{:?}", look.rejected);
    let seen = snapshot(look);
    assert_eq!(seen.version.as_deref(), Some("2.47.0"));
    assert_eq!(seen.host.as_deref(), Some("http://127.0.0.1:38417"));
    assert_eq!(seen.state, Some(State::Running));
    assert_eq!(seen.users.running, Some(30));
    assert_eq!(seen.users.target, Some(30));
    assert_eq!(seen.users.spawn_rate, Some(5.0));
    assert_eq!(by_class(&seen), [("CustomU", 2), ("FastU", 9), ("WebUser", 19)]);
    assert_eq!(seen.endpoints.len(), 9);
    assert_eq!(seen.truncated_rows, 0);
    let total = seen.total.as_ref().unwrap();
    assert_eq!(
        (&*total.name, total.requests, total.failures),
        ("Aggregated", Some(433), Some(171))
    );
    assert_eq!(seen.rates.requests, total.current_rps);
    assert_eq!(seen.endpoints.iter().filter_map(|e| e.requests).sum::<u64>(), 433);
    let catch = endpoint(&seen, "GET", "/catch");
    assert_eq!(catch.requests, Some(29));
    assert_eq!(catch.avg, Some(Millis(1.333_951_896_556_143_4)));
    assert_eq!(catch.avg_content_length, Some(960.275_862_068_965_5));
    assert_eq!(percentiles(&catch.percentiles), [(0.95, 3.0), (0.99, 4.0)]);
    assert_eq!(endpoint(&seen, "", "nomethod").requests, Some(14), "a null method is empty");
    assert!(seen.endpoints.iter().any(|e| &*e.name == "odd \"name\" {a=\"b\"}\\n,é"));
}

#[tokio::test]
async fn errors_and_exceptions_of_2_47_keep_their_words() {
    let server = running_but(vec![]).await;
    let seen = snapshot(look(&server.client()).await);
    assert_eq!(seen.errors.len(), 5);
    let refused = seen.errors.iter().find(|error| &*error.name == "/refused").unwrap();
    assert_eq!(&*refused.error, "ConnectionRefusedError(111, 'Connection refused')");
    assert_eq!((&*refused.method, refused.occurrences), ("GET", 30));
    assert!(refused.first_seen < refused.last_seen);
    let exceptions = seen.exceptions.unwrap();
    assert_eq!((&*exceptions[0].message, exceptions[0].count), ("oops 2", 40));
    assert_eq!(exceptions[0].nodes.len(), 2);
    assert!(exceptions[0].traceback.contains("raise ValueError(f\"oops"));
}

#[tokio::test]
async fn nested_tasks_are_joined_and_keep_their_share() {
    let server = running_but(vec![]).await;
    let seen = snapshot(look(&server.client()).await);
    let tasks: Vec<_> = seen
        .tasks
        .iter()
        .filter(|task| &*task.class == "FastU")
        .map(|task| (&*task.task, task.ratio))
        .collect();
    assert_eq!(tasks, [("Nested", 1.0), ("Nested/inner_a", 0.75), ("Nested/inner_b", 0.25)]);
}

#[tokio::test]
async fn a_missing_worker_has_no_cpu_and_no_memory() {
    let server = with_stats(fixture("2.47/missing_stats.json")).await;
    let workers = snapshot(look(&server.client()).await).workers.unwrap();
    assert_eq!(workers[0].state, State::Running);
    assert_eq!((workers[0].cpu_percent, workers[0].memory_bytes), (Some(3.7), Some(57_282_560)));
    assert_eq!(workers[1].state, State::Missing);
    assert_eq!((workers[1].cpu_percent, workers[1].memory_bytes), (None, None));
    assert_eq!(workers[1].users, Some(0));
}

#[tokio::test]
async fn a_worker_that_has_not_reported_yet_has_no_cpu_and_no_memory() {
    let server = with_stats(fixture("2.47/ready_stats.json")).await;
    let seen = snapshot(look(&server.client()).await);
    assert_eq!(seen.state, Some(State::Ready));
    assert!(seen.current_percentiles.is_empty(), "null is absent");
    assert!(seen.endpoints.is_empty());
    for worker in seen.workers.unwrap() {
        assert_eq!((worker.cpu_percent, worker.memory_bytes), (None, None));
    }
}

#[tokio::test]
async fn a_stopped_test_keeps_its_rows() {
    let server = with_stats(fixture("2.47/stopped_stats.json")).await;
    let seen = snapshot(look(&server.client()).await);
    assert_eq!(seen.total.unwrap().requests, Some(866));
    assert_eq!(seen.users.running, Some(0));
}

async fn old(folder: &'static str) -> Server {
    let json = |name: &str| Reply::json(fixture(&format!("{folder}/{name}")));
    running_but(vec![
        ("/stats/requests", json("stats.json")),
        ("/exceptions", json("exceptions.json")),
        ("/tasks", json("tasks.json")),
        ("/", Reply::html(fixture("2.20/index.html"))),
    ])
    .await
}

#[tokio::test]
async fn errors_of_2_20_read_as_those_of_today() {
    let old = snapshot(look(&old("2.20").await.client()).await);
    let today = snapshot(look(&self::old("2.43").await.client()).await);
    assert_eq!(&*old.errors[0].error, "Exception(\"boom <x> & 'y'\")");
    assert_eq!(old.errors[0].error, today.errors[0].error);
    assert_eq!(&*old.errors[0].name, "/bad <b>&\"q\"");
    assert_eq!(old.errors[0].name, today.errors[0].name);
    assert_eq!(old.errors[0].name, old.endpoints[0].name);
}

#[tokio::test]
async fn exceptions_of_2_20_lose_their_html() {
    let seen = snapshot(look(&old("2.20").await.client()).await);
    let traceback = &seen.exceptions.unwrap()[0].traceback;
    assert!(traceback.starts_with("  File \"/srv/loadtest/locust/user/task.py\""), "{traceback}");
}

#[tokio::test]
async fn percentiles_of_2_20_are_found_under_their_old_keys() {
    let seen = snapshot(look(&old("2.20").await.client()).await);
    assert_eq!(percentiles(&seen.current_percentiles), [(0.5, 410.0), (0.95, 850.0)]);
    assert_eq!(percentiles(&seen.endpoints[0].percentiles), [(0.9, 740.0), (0.99, 870.0)]);
    assert_eq!(seen.rates.requests, Some(18.333_333_333_333_332));
    assert_eq!(seen.rates.failures, Some(9.166_666_666_666_666));
}

#[tokio::test]
async fn the_page_of_2_20_gives_version_and_host_alone() {
    let seen = snapshot(look(&old("2.20").await.client()).await);
    assert_eq!(seen.version.as_deref(), Some("2.20.1"));
    assert_eq!(seen.host.as_deref(), Some("http://shop.example/"), "without user and query");
    assert_eq!((seen.users.target, seen.users.spawn_rate), (None, None));
    assert_eq!(by_class(&seen), [("U", 4)]);
}

#[tokio::test]
async fn the_rates_of_2_43_are_those_of_the_last_seconds() {
    let seen = snapshot(look(&old("2.43").await.client()).await);
    assert_eq!(seen.rates.requests, Some(19.714_285_714_285_715), "not the row's total_rps");
    assert_eq!(percentiles(&seen.current_percentiles), [(0.5, 440.0), (0.95, 870.0)]);
}

#[tokio::test]
async fn a_1_1_without_tasks_is_seen() {
    let stats = r#"{"stats":[
            {"method":"GET","name":"/a","safe_name":"/a","num_requests":2,"num_failures":1,
             "avg_response_time":1.5,"ninetieth_response_time":3,"current_rps":1.0},
            {"method":null,"name":"Aggregated","safe_name":"Aggregated","num_requests":2,
             "num_failures":1,"current_rps":0.5}],
        "errors":[{"method":"GET","name":"/a","error":"&quot;OSError(&#x27;x&#x27;)&quot;",
            "occurrences":1}],
        "total_rps":0.5,"fail_ratio":0.5,"current_response_time_percentile_95":9,
        "current_response_time_percentile_50":null,"state":"hatching","user_count":3}"#;
    let server =
        running_but(vec![("/stats/requests", Reply::json(stats)), ("/tasks", Reply::not_found())])
            .await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "tasks"), Some(true), "no such route then: nothing failed");
    let seen = snapshot(look);
    assert_eq!(seen.state, Some(State::Spawning));
    assert_eq!(seen.workers, None, "it runs in one process");
    assert_eq!(seen.total.unwrap().requests, Some(2));
    assert_eq!(percentiles(&seen.endpoints[0].percentiles), [(0.9, 3.0)]);
    assert_eq!(percentiles(&seen.current_percentiles), [(0.95, 9.0)]);
    assert_eq!(&*seen.errors[0].error, "OSError('x')");
    assert_eq!(seen.rates.requests, Some(0.5));
    assert!(seen.tasks.is_empty() && seen.users.by_class.is_empty());
}

#[tokio::test]
async fn tasks_that_are_not_there_are_a_failure_of_a_newer_locust() {
    let server = running_but(vec![("/tasks", Reply::not_found())]).await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "tasks"), Some(false));
    assert!(snapshot(look).tasks.is_empty());
}

#[tokio::test]
async fn no_runner_is_the_state_missing() {
    let stats = r#"{"stats":[],"errors":[],"total_rps":0.0,"total_fail_per_sec":0.0,
        "fail_ratio":0.0,"current_response_time_percentile_1":null,
        "current_response_time_percentile_2":null,"state":"missing","user_count":0}"#;
    let page =
        Reply::new("500 X", "text/html", "Error: Locust Environment does not have any runner");
    let server = running_but(vec![("/stats/requests", Reply::json(stats)), ("/", page)]).await;
    let look = look(&server.client()).await;
    assert_eq!(collector(&look, "index"), Some(false));
    assert_eq!(collector(&look, "stats_csv"), None, "nothing is truncated");
    let seen = snapshot(look);
    assert_eq!(seen.state, Some(State::Missing));
    assert_eq!((seen.total, seen.version, seen.workers), (None, None, None));
    assert_eq!(seen.rates.requests, None);
}

#[tokio::test]
async fn before_2_47_a_target_that_the_users_belie_is_left_out() {
    let args = |users: u64| {
        crate::locust::page(format!(
            r#"{{"version":"2.43.0","num_users":{users},"spawn_rate":2,"host":null}}"#
        ))
    };
    let stale = running_but(vec![("/", args(10))]).await;
    let seen = snapshot(look(&stale.client()).await);
    assert_eq!((seen.users.target, seen.users.spawn_rate), (None, None));
    assert_eq!((seen.version.as_deref(), seen.host), (Some("2.43.0"), None));
    let right = running_but(vec![("/", args(30))]).await;
    let seen = snapshot(look(&right.client()).await);
    assert_eq!((seen.users.target, seen.users.spawn_rate), (Some(30), Some(2.0)));
}

#[tokio::test]
async fn moments_are_those_of_the_answer() {
    let server = running_but(vec![]).await;
    let before = SystemTime::now();
    let seen = snapshot(look(&server.client()).await);
    assert!(seen.time >= before && seen.time <= SystemTime::now());
    let first = seen.errors.iter().filter_map(|error| error.first_seen).min().unwrap();
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_169_240);
    assert_eq!(first.duration_since(expected).unwrap().as_secs(), 0);
}
