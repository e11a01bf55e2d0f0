//! What a canned Locust says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::locust::Stream;

/// The route that decides whether Locust is up.
pub(crate) const STATS: &str = "/stats/requests";
/// Every row, also beyond the 500th.
pub(crate) const STATS_CSV: &str = "/stats/requests/csv";
/// Every error, also beyond the 500th.
pub(crate) const FAILURES_CSV: &str = "/stats/failures/csv";

/// One answer, and how it is given.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// How long it takes.
    pub(crate) delay: Duration,
    head: String,
    body: Arc<[u8]>,
    manner: Manner,
}

#[derive(Clone, Debug)]
enum Manner {
    /// Whole, with its length.
    Whole,
    /// This many bytes of the body, and then a reset.
    CutAt(usize),
    /// The body as one chunk, again and again until the client goes.
    Endless,
    /// Nothing, until the client goes.
    Never,
}

impl Answer {
    pub(crate) fn new(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self {
            delay: Duration::ZERO,
            head: format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"),
            body: body.as_ref().into(),
            manner: Manner::Whole,
        }
    }

    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "application/json", body)
    }

    pub(crate) fn csv(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "text/csv", body)
    }

    pub(crate) fn html(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::new("302 FOUND", "text/html", "").header("Location", to)
    }

    pub(crate) fn not_found() -> Self {
        Self::new("404 NOT FOUND", "text/html", "Not Found")
    }

    /// No answer at all.
    pub(crate) fn never() -> Self {
        Self { manner: Manner::Never, ..Self::html("") }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// So late.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Reset after so many bytes of the body.
    pub(crate) fn cut_at(mut self, bytes: usize) -> Self {
        self.manner = Manner::CutAt(bytes);
        self
    }

    /// Without an end.
    pub(crate) fn endless(mut self) -> Self {
        self.manner = Manner::Endless;
        self
    }

    /// Sends it; answers whether the connection can go on.
    pub(crate) fn send(&self, stream: &mut impl Stream) -> bool {
        match self.manner {
            Manner::Whole => self.send_first(stream, self.body.len()).is_ok(),
            Manner::CutAt(bytes) => {
                let _ = self.send_first(stream, bytes);
                // The client must see the bytes before the reset.
                std::thread::sleep(Duration::from_millis(30));
                stream.will_reset();
                false
            }
            Manner::Endless => {
                let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", self.head);
                let mut chunk = format!("{:x}\r\n", self.body.len()).into_bytes();
                chunk.extend([&self.body, &b"\r\n"[..]].concat());
                let mut sent = stream.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = stream.write_all(&chunk);
                }
                false
            }
            Manner::Never => {
                let _ = stream.read(&mut [0]);
                false
            }
        }
    }

    fn send_first(&self, stream: &mut impl Stream, bytes: usize) -> std::io::Result<()> {
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, self.body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body[..bytes])?;
        stream.flush()
    }
}

/// A real answer.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../locust-api/tests/fixtures/");
    std::fs::read(format!("{folder}{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A real answer in JSON, to be read or changed.
pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

/// The statistics of the running test, changed.
pub(crate) fn running_stats(change: impl FnOnce(&mut Value)) -> String {
    let mut stats = json("2.47/running_stats.json");
    change(&mut stats);
    stats.to_string()
}

/// The running test's statistics, in another state.
pub(crate) fn in_state(state: &str) -> String {
    running_stats(|stats| stats["state"] = state.into())
}

/// What Locust 2.47 answers while a test runs on two workers.
pub(crate) fn running() -> [(String, Answer); 8] {
    let args = String::from_utf8(fixture("2.47/running_template_args.json")).unwrap();
    let page = format!(
        "<html><head><title>Locust</title></head><body><script>\n  window.templateArgs = {args}\n\
         </script></body></html>"
    );
    [
        (STATS, Answer::json(fixture("2.47/running_stats.json"))),
        (STATS_CSV, Answer::csv(fixture("2.47/running_stats.csv"))),
        (FAILURES_CSV, Answer::csv(fixture("2.47/running_failures.csv"))),
        ("/exceptions", Answer::json(fixture("2.47/running_exceptions.json"))),
        ("/exceptions/csv", Answer::csv(fixture("2.47/running_exceptions.csv"))),
        ("/tasks", Answer::json(fixture("2.47/running_tasks.json"))),
        ("/worker-count", Answer::json(fixture("2.47/running_worker_count.json"))),
        ("/", Answer::html(page)),
    ]
    .map(|(path, answer)| (path.to_owned(), answer))
}
