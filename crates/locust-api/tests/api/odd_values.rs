//! Values that make no sense, and what is left of their answers.

use locust_api::Look;
use locust_model::Millis;

use crate::locust::{fixture, running_but, with_stats};
use crate::server::Reply;
use crate::{look, snapshot};

async fn look_at(stats: impl AsRef<[u8]>) -> Look {
    look(&with_stats(stats).await.client()).await
}

fn rejected(look: &Look, reason: &str) -> u64 {
    look.rejected.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
}

#[tokio::test]
async fn a_bare_nan_is_an_absent_value_and_counted() {
    let look = look_at(fixture("odd/nan_stats.json")).await;
    assert_eq!(look.rejected, [("not_finite", 1)]);
    let seen = snapshot(look);
    let total = seen.total.unwrap();
    assert_eq!((total.avg, total.requests), (None, Some(48)));
    assert_eq!(total.max, Some(Millis(10.0)));
    assert_eq!(seen.endpoints[0].avg, Some(Millis(10.400_000_000_000_004)));
}

#[tokio::test]
async fn bare_infinities_are_too_and_names_that_look_alike_stay() {
    let look = look_at(
        r#"{"stats":[{"name":"NaN -Infinity","method":"Infinity","avg_response_time":-Infinity,
            "max_response_time":Infinity,"num_requests":1}],"state":"running"}"#,
    )
    .await;
    assert_eq!(rejected(&look, "not_finite"), 2);
    let seen = snapshot(look);
    assert_eq!(
        (&*seen.endpoints[0].name, &*seen.endpoints[0].method),
        ("NaN -Infinity", "Infinity")
    );
    assert_eq!(seen.endpoints[0].requests, Some(1));
}

#[tokio::test]
async fn percentiles_that_the_user_chose_are_given_in_order() {
    let seen = snapshot(look_at(fixture("odd/pct_stats.json")).await);
    let shares = |p: &[locust_model::Percentile]| p.iter().map(|p| p.q).collect::<Vec<_>>();
    assert_eq!(shares(&seen.endpoints[0].percentiles), [0.25, 0.5, 0.999]);
    assert_eq!(shares(&seen.current_percentiles), [0.5, 0.9, 0.999]);
}

#[tokio::test]
async fn rows_that_are_none_are_dropped_and_counted() {
    let look = look_at(
        r#"{"stats":[7,null,[],"x",{"num_requests":1},{"name":null},{"name":["a"]},
            {"name":"/a","num_requests":3}],
            "errors":[{"occurrences":1},{"name":"/a"},true],
            "workers":[{"state":"running"},{"id":"w"},4]}"#,
    )
    .await;
    assert_eq!(rejected(&look, "not_an_object"), 4 + 1 + 1);
    assert_eq!(rejected(&look, "no_name"), 3 + 1 + 1);
    let seen = snapshot(look);
    assert_eq!(seen.endpoints.len(), 1);
    assert_eq!(seen.errors.len(), 0);
    assert_eq!(seen.workers.unwrap().len(), 1);
}

#[tokio::test]
async fn numbers_of_any_writing_are_read_and_others_are_absent() {
    let look = look_at(
        r#"{"stats":[{"name":12,"method":3.5,"num_requests":3.0,"num_failures":-1,
            "median_response_time":-2.5,"min_response_time":"x","max_response_time":{"a":[1]},
            "avg_content_length":true,"current_rps":null,"new_key":{"deep":[{}]}}],
            "user_count":1e2,"fail_ratio":0,"state":"napping","new":[1,{"a":2}]}"#,
    )
    .await;
    assert_eq!(rejected(&look, "negative"), 1);
    assert_eq!(rejected(&look, "wrong_type"), 3);
    let seen = snapshot(look);
    let row = &seen.endpoints[0];
    assert_eq!((&*row.name, &*row.method), ("12", "3.5"), "Locust lets names be numbers");
    assert_eq!((row.requests, row.failures), (Some(3), None));
    assert_eq!(row.median, Some(Millis(-2.5)), "a test may fire negative times");
    assert_eq!((row.min, row.max, row.avg_content_length), (None, None, None));
    assert_eq!(seen.users.running, Some(100));
    assert_eq!(seen.state.unwrap().as_str(), "napping");
}

#[tokio::test]
async fn counts_that_are_too_large_are_left_out_and_counted() {
    let look = look_at(
        r#"{"stats":[{"name":"/a","method":"GET","num_requests":18446744073709551616,
            "num_failures":1e300},
            {"name":"/b","method":"GET","num_requests":18446744073709551615}]}"#,
    )
    .await;
    assert_eq!(rejected(&look, "too_large"), 2);
    let seen = snapshot(look);
    let counts: Vec<_> = seen.endpoints.iter().map(|row| (row.requests, row.failures)).collect();
    assert_eq!(counts, [(None, None), (Some(u64::MAX), None)]);
}

#[tokio::test]
async fn of_duplicate_keys_the_last_counts() {
    let look =
        look_at(r#"{"state":"ready","stats":[{"name":"/a","name":"/b"}],"state":"running"}"#).await;
    let seen = snapshot(look);
    assert_eq!(seen.state.unwrap().as_str(), "running");
    assert_eq!(&*seen.endpoints[0].name, "/b");
}

#[tokio::test]
async fn a_name_with_half_a_character_is_shown_with_a_replacement() {
    let seen = snapshot(look_at(r#"{"stats":[{"name":"/\udcff\ud83d\ude00"}]}"#).await);
    assert_eq!(&*seen.endpoints[0].name, "/\u{fffd}😀");
}

#[tokio::test]
async fn only_the_last_row_called_aggregated_is_the_total() {
    let seen = snapshot(
        look_at(
            r#"{"stats":[{"name":"Aggregated","method":"GET","num_requests":1},
                {"name":"Aggregated","method":null,"num_requests":2},
                {"name":"Aggregated","method":"","num_requests":3}]}"#,
        )
        .await,
    );
    assert_eq!(seen.total.unwrap().requests, Some(3));
    assert_eq!(seen.endpoints.iter().map(|e| e.requests).collect::<Vec<_>>(), [Some(1), Some(2)]);
}

#[tokio::test]
async fn deep_nesting_does_no_harm() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        let row = format!(r#"{{"name":{deep}}},{deep},{{"name":"/a","x":{deep}}}"#);
        let look = look_at(format!(r#"{{"stats":[{row}],"errors":{deep},"x":{deep}}}"#)).await;
        assert_eq!(snapshot(look).endpoints.len(), 1);
    }
}

#[tokio::test]
async fn task_sets_nested_too_deep_are_left_out_and_counted() {
    let mut tasks = r#"{"ratio":1.0}"#.to_owned();
    for _ in 0..40 {
        tasks = format!(r#"{{"ratio":1.0,"tasks":{{"T":{tasks}}}}}"#);
    }
    let tasks = format!(r#"{{"per_class":{{"U":{tasks},"Odd":[],"Neg":{{"ratio":-1}}}}}}"#);
    let server = running_but(vec![("/tasks", Reply::json(tasks))]).await;
    let look = look(&server.client()).await;
    assert_eq!(rejected(&look, "too_deep"), 1);
    assert_eq!(rejected(&look, "not_an_object"), 1);
    assert_eq!(rejected(&look, "negative"), 1);
    let seen = snapshot(look);
    assert_eq!(seen.tasks.len(), 32);
    assert_eq!(seen.users.by_class.len(), 1);
}

#[tokio::test]
async fn users_by_class_add_up_to_all_users() {
    let third = r#"{"ratio":0.3333333333333333}"#;
    let tasks = format!(r#"{{"per_class":{{"A":{third},"B":{third},"C":{third}}}}}"#);
    let stats = r#"{"stats":[],"user_count":10,"state":"running"}"#;
    let server =
        running_but(vec![("/tasks", Reply::json(tasks)), ("/stats/requests", Reply::json(stats))])
            .await;
    let seen = snapshot(look(&server.client()).await);
    let users: Vec<_> = seen.users.by_class.iter().map(|class| class.users).collect();
    assert_eq!(users, [4, 3, 3]);
}

#[tokio::test]
async fn users_by_class_are_unknown_until_the_workers_tell() {
    let server = running_but(vec![("/tasks", Reply::json(fixture("2.47/ready_tasks.json")))]).await;
    let seen = snapshot(look(&server.client()).await);
    assert!(seen.users.by_class.is_empty(), "30 users run, and all shares are 0");
    assert_eq!(seen.tasks.len(), 12);
}
