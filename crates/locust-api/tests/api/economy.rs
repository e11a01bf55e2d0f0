//! What a client asks, and what it spares Locust.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use crate::locust::{changing, page, running, running_but};
use crate::server::{Reply, Server};
use crate::{collector, look, snapshot};

fn stats(state: &str, users: u64) -> String {
    format!(r#"{{"stats":[],"state":"{state}","user_count":{users}}}"#)
}

#[tokio::test]
async fn the_page_is_asked_once_and_remembered() {
    let server = running_but(vec![]).await;
    let client = server.client();
    for _ in 0..3 {
        let seen = snapshot(look(&client).await);
        assert_eq!(seen.version.as_deref(), Some("2.47.0"));
        assert_eq!(seen.users.target, Some(30));
    }
    assert_eq!(server.count("/"), 1);
    assert_eq!(server.count("/stats/requests"), 3);
}

#[tokio::test]
async fn the_page_is_asked_again_when_the_state_changes() {
    let (server, current) = changing(&stats("spawning", 10)).await;
    let client = server.client();
    snapshot(look(&client).await);
    current.lock().unwrap().clone_from(&stats("running", 30));
    snapshot(look(&client).await);
    assert_eq!(server.count("/"), 2);
    snapshot(look(&client).await);
    assert_eq!(server.count("/"), 2, "on target, nothing changes");
}

#[tokio::test]
async fn a_new_run_with_another_host_between_two_looks_shows_the_new_host() {
    let stats = |requests| {
        format!(
            r#"{{"state":"running","user_count":30,"stats":[
                {{"name":"Aggregated","method":"","num_requests":{requests}}}]}}"#
        )
    };
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |request| match request.path.as_str() {
        "/stats/requests" => Reply::json(stats([500, 600, 20, 30][looks.fetch_add(1, SeqCst)])),
        "/" if looks.load(SeqCst) < 3 => page(r#"{"version":"2.47.0","host":"http://old"}"#),
        "/" => page(r#"{"version":"2.47.0","host":"http://new"}"#),
        _ => running(request),
    })
    .await;
    let client = server.client();
    for (host, pages) in [("old", 1), ("old", 1), ("new", 2), ("new", 2)] {
        let seen = snapshot(look(&client).await);
        assert_eq!(seen.host.as_deref(), Some(&*format!("http://{host}")));
        assert_eq!(server.count("/"), pages);
    }
}

#[tokio::test]
async fn the_page_is_asked_again_when_the_users_leave_their_target_while_running() {
    let (server, current) = changing(&stats("running", 30)).await;
    let client = server.client();
    snapshot(look(&client).await);
    current.lock().unwrap().clone_from(&stats("running", 29));
    snapshot(look(&client).await);
    assert_eq!(server.count("/"), 2);
    snapshot(look(&client).await);
    assert_eq!(server.count("/"), 2, "a shape stays off target: not again and again");
}

#[tokio::test]
async fn a_page_that_failed_is_asked_again_and_the_last_version_kept() {
    let (looks, pages) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let server = Server::start(move |request| match request.path.as_str() {
        "/stats/requests" => match looks.fetch_add(1, SeqCst) {
            0 => Reply::json(stats("running", 5)),
            _ => Reply::json(stats("stopped", 5)),
        },
        "/" => match pages.fetch_add(1, SeqCst) {
            0 => page(r#"{"version":"2.47.0","num_users":5,"spawn_rate":1,"host":"http://h"}"#),
            _ => Reply::new("500 INTERNAL SERVER ERROR", "text/html", "no"),
        },
        _ => running(request),
    })
    .await;
    let client = server.client();
    assert_eq!(snapshot(look(&client).await).users.target, Some(5));
    for asked in 2..4 {
        let look = look(&client).await;
        assert_eq!(server.count("/"), asked);
        assert_eq!(collector(&look, "index"), Some(false));
        let seen = snapshot(look);
        assert_eq!(seen.version.as_deref(), Some("2.47.0"));
        assert_eq!(seen.users.target, None, "it may have changed");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_once_more() {
    for broken in [Reply::ThenReset(Vec::new()), Reply::ThenReset(b"HTTP/1.1 2".to_vec())] {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |request| match request.path.as_str() {
            "/stats/requests" if count.fetch_add(1, SeqCst) == 0 => broken.clone(),
            _ => running(request),
        })
        .await;
        let look = look(&server.client()).await;
        assert!(look.snapshot.is_ok(), "{:?}", look.snapshot);
        assert_eq!(server.count("/stats/requests"), 2);
    }
}

#[tokio::test]
async fn a_connection_that_always_breaks_is_tried_twice() {
    let server = running_but(vec![("/stats/requests", Reply::ThenReset(Vec::new()))]).await;
    let look = look(&server.client()).await;
    assert!(matches!(look.snapshot, Err(locust_api::Error::Unreachable { .. })));
    assert_eq!(server.count("/stats/requests"), 2);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_tried_again() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec();
    let server = running_but(vec![("/stats/requests", Reply::ThenReset(cut))]).await;
    assert!(look(&server.client()).await.snapshot.is_err());
    assert_eq!(server.count("/stats/requests"), 1);
}

#[tokio::test]
async fn nothing_but_get_is_sent_and_no_route_that_changes_locust() {
    let server = running_but(vec![]).await;
    let client = server.client();
    snapshot(look(&client).await);
    for request in server.seen() {
        assert_eq!(request.method, "GET");
        assert!(!["/stop", "/stats/reset"].contains(&request.path.as_str()));
    }
}

#[tokio::test]
async fn looks_run_as_tasks_of_their_own_and_at_once() {
    let server = running_but(vec![]).await;
    let client = Arc::new(server.client());
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { look(&client).await })
        })
        .collect();
    for look in looks {
        assert_eq!(snapshot(look.await.unwrap()).version.as_deref(), Some("2.47.0"));
    }
}
