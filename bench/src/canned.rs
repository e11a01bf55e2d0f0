//! A Locust that always answers the same, at no cost of its own: what is measured is the exporter.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Rows that Locust puts into its JSON at most.
const TRUNCATED: usize = 500;
/// Rows of errors in every case.
const ERRORS: usize = 500;
/// Workers in every case.
const WORKERS: usize = 100;

/// The bodies of the routes that the exporter asks.
pub(crate) struct Bodies {
    /// `/stats/requests`.
    pub(crate) stats: Vec<u8>,
    /// `/stats/requests/csv`, if the JSON is truncated: then the exporter needs it.
    pub(crate) csv: Option<Vec<u8>>,
    /// `/exceptions`.
    pub(crate) exceptions: Vec<u8>,
    /// `/tasks`.
    pub(crate) tasks: Vec<u8>,
    index: Vec<u8>,
}

impl Bodies {
    /// Answers of a master under load, with `rows` endpoints.
    pub(crate) fn new(rows: usize) -> Result<Self> {
        let endpoints: Vec<Value> = (0..rows).map(endpoint).collect();
        let total = total(&endpoints);
        let shown = endpoints.iter().take(TRUNCATED).chain([&total]).collect::<Vec<_>>();
        let workers: Vec<Value> = (0..WORKERS).map(worker).collect();
        let stats = json!({
            "stats": shown, "errors": (0..ERRORS).map(error).collect::<Vec<_>>(),
            "workers": workers, "worker_count": WORKERS, "state": "running",
            "user_count": 10 * WORKERS, "fail_ratio": 0.0625,
            "current_rps": 5123.4, "current_fail_per_sec": 312.9,
            "total_rps": 5_034.125, "total_fail_per_sec": 301.875,
            "current_response_time_percentiles": {
                "response_time_percentile_0.5": 120, "response_time_percentile_0.95": 740,
            },
        });
        Ok(Self {
            // As Locust writes it: indented, keys in order.
            stats: serde_json::to_vec_pretty(&stats)?,
            csv: (rows > TRUNCATED).then(|| csv(endpoints.iter().chain([&total]))).transpose()?,
            exceptions: serde_json::to_vec_pretty(&json!({ "exceptions": exceptions() }))?,
            tasks: serde_json::to_vec_pretty(&tasks())?,
            index: format!(
                "<html><script>window.templateArgs = {}</script></html>",
                json!({
                    "version": "2.47.0", "host": "http://shop.example", "num_users": 10 * WORKERS,
                    "spawn_rate": 100, "state": "running",
                })
            )
            .into_bytes(),
        })
    }

    fn of(&self, path: &str) -> Option<(&'static str, &[u8])> {
        const JSON: &str = "application/json";
        Some(match path {
            "/stats/requests" => (JSON, &self.stats),
            "/stats/requests/csv" => ("text/csv", self.csv.as_deref()?),
            "/exceptions" => (JSON, &self.exceptions),
            "/tasks" => (JSON, &self.tasks),
            "/" => ("text/html", &self.index),
            _ => return None,
        })
    }
}

/// Numbers with as many digits as Locust's have, the same in every run.
fn noise(seed: usize, scale: f64) -> f64 {
    let mixed = (seed as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11;
    scale * mixed as f64 / (1_u64 << 53) as f64
}

fn endpoint(i: usize) -> Value {
    let slow = 50.0 + noise(i, 900.0);
    json!({
        "method": if i.is_multiple_of(4) { "POST" } else { "GET" },
        "name": format!("/api/v1/resource/{i:05}"),
        "num_requests": 1000 + i, "num_failures": i % 7,
        "min_response_time": 1.0 + (i % 9) as f64, "max_response_time": (10.0 * slow).floor(),
        "avg_response_time": slow * 1.25, "median_response_time": slow.floor(),
        "response_time_percentile_0.95": (slow * 3.0).floor(),
        "response_time_percentile_0.99": (slow * 5.0).floor(),
        "current_rps": noise(i + 1, 20.0), "current_fail_per_sec": noise(i + 2, 2.0),
        "total_rps": noise(i + 3, 20.0), "total_fail_per_sec": noise(i + 4, 2.0),
        "avg_content_length": noise(i + 5, 9000.0),
    })
}

fn total(endpoints: &[Value]) -> Value {
    let sum = |key: &str| endpoints.iter().filter_map(|row| row[key].as_u64()).sum::<u64>();
    let mut total = endpoint(endpoints.len());
    total["method"] = "".into();
    total["name"] = "Aggregated".into();
    total["num_requests"] = sum("num_requests").into();
    // The errors' occurrences add up to it, so that their list is seen to be whole.
    total["num_failures"] = (0..ERRORS).map(|i| 1 + i as u64 % 5).sum::<u64>().into();
    total
}

fn error(i: usize) -> Value {
    json!({
        "method": "GET", "name": format!("/api/v1/resource/{i:05}"),
        "error": format!("HTTPError('500 Server Error: Internal Server Error for url: /{i}')"),
        "occurrences": 1 + i % 5, "first_seen": 1_795_169_240.017, "last_seen": 1_795_169_247.514,
    })
}

fn worker(i: usize) -> Value {
    json!({
        "id": format!("loadgen-{i:03}_cc905f20f5a74ec7a967a55856ae8b59"), "state": "running",
        "user_count": 10, "cpu_usage": 10.0 + noise(i, 60.0), "memory_usage": 57_008_128 + i,
    })
}

fn exceptions() -> Vec<Value> {
    let traceback = "  File \"/srv/loadtest/locustfile.py\", line 24, in raises\n".repeat(8);
    let nodes = "loadgen-000_cc905f20f5a74ec7a967a55856ae8b59";
    (0..20)
        .map(|i| json!({ "count": i, "msg": format!("oops {i}"), "traceback": traceback, "nodes": nodes }))
        .collect()
}

fn tasks() -> Value {
    let tasks = json!({ "browse": { "ratio": 0.7 }, "buy": { "ratio": 0.3 } });
    let classes = json!({
        "Shopper": { "ratio": 0.5, "tasks": tasks }, "Admin": { "ratio": 0.5, "tasks": tasks },
    });
    json!({ "per_class": classes, "total": classes })
}

fn csv<'a>(rows: impl Iterator<Item = &'a Value>) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
        "50%",
        "66%",
        "75%",
        "80%",
        "90%",
        "95%",
        "98%",
        "99%",
        "99.9%",
        "99.99%",
        "100%",
    ])?;
    for row in rows {
        let text =
            |key: &str| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
        let median = row["median_response_time"].as_f64().unwrap_or_default();
        let columns = [
            "method",
            "name",
            "num_requests",
            "num_failures",
            "median_response_time",
            "avg_response_time",
            "min_response_time",
            "max_response_time",
            "avg_content_length",
            "total_rps",
            "total_fail_per_sec",
        ];
        let percentiles = (0..11).map(|i| (median * (1.0 + f64::from(i))).to_string());
        csv.write_record(columns.into_iter().map(text).chain(percentiles))?;
    }
    csv.into_inner().context("a CSV in memory")
}

/// Serves `bodies` on a free port of this machine for as long as the program runs.
pub(crate) fn serve(bodies: Arc<Bodies>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on 127.0.0.1")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bodies = Arc::clone(&bodies);
            // A connection that breaks is the exporter's to notice.
            std::thread::spawn(move || drop(answer_all(&stream, &bodies)));
        }
    });
    Ok(address)
}

fn answer_all(stream: &TcpStream, bodies: &Bodies) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (status, kind, body) = match bodies.of(path) {
            Some((kind, body)) => ("200 OK", kind, body),
            None => ("404 Not Found", "text/plain", &b"not found"[..]),
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        let mut answer = head.into_bytes();
        answer.extend_from_slice(body);
        (&*stream).write_all(&answer)?;
    }
    Ok(())
}
