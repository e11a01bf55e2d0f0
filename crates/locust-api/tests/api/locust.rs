//! A Locust made of real answers.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::server::{Reply, Request, Server};

/// A real answer.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page of the web UI with these arguments.
pub(crate) fn page(args: impl AsRef<[u8]>) -> Reply {
    let args = String::from_utf8(args.as_ref().to_vec()).unwrap();
    Reply::html(format!(
        "<html><head><title>Locust</title></head><body><script>\n  window.templateArgs = {args}\n\
         </script></body></html>"
    ))
}

/// What Locust 2.47 answers while a test runs.
pub(crate) fn running(request: &Request) -> Reply {
    match request.path.as_str() {
        "/stats/requests" => Reply::json(fixture("2.47/running_stats.json")),
        "/stats/requests/csv" => Reply::csv(fixture("2.47/running_stats.csv")),
        "/stats/failures/csv" => Reply::csv(fixture("2.47/running_failures.csv")),
        "/exceptions" => Reply::json(fixture("2.47/running_exceptions.json")),
        "/exceptions/csv" => Reply::csv(fixture("2.47/running_exceptions.csv")),
        "/tasks" => Reply::json(fixture("2.47/running_tasks.json")),
        "/worker-count" => Reply::json(fixture("2.47/running_worker_count.json")),
        "/" => page(fixture("2.47/running_template_args.json")),
        _ => Reply::not_found(),
    }
}

/// A running Locust 2.47 but for these routes.
pub(crate) async fn running_but(replies: Vec<(&'static str, Reply)>) -> Server {
    Server::start(move |request| {
        let other = replies.iter().find(|(path, _)| *path == request.path);
        other.map_or_else(|| running(request), |(_, reply)| reply.clone())
    })
    .await
}

/// A running Locust 2.47 with these statistics.
pub(crate) async fn with_stats(stats: impl AsRef<[u8]>) -> Server {
    running_but(vec![("/stats/requests", Reply::json(stats))]).await
}

/// A running Locust 2.47 whose statistics can be changed.
pub(crate) async fn changing(stats: &str) -> (Server, Arc<Mutex<String>>) {
    let current = Arc::new(Mutex::new(stats.to_owned()));
    let shared = current.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/stats/requests" => Reply::json(shared.lock().unwrap().as_str()),
        _ => running(request),
    })
    .await;
    (server, current)
}
