//! What the Rust threads have to say. It waits in a bounded queue until Python fetches it: logging
//! itself would need the GIL.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use locust_exporter::inside::in_locusts_words;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that wait at most.
const MOST: usize = 1_000;

/// Crates whose messages are ours; what libraries have to say is for their developers.
const OURS: [&str; 7] =
    ["_core", "locust_exporter", "outgoing", "push", "recorder", "schema", "web"];

/// Levels of Python's `logging`.
const DEBUG: i32 = 10;
const INFO: i32 = 20;
const WARNING: i32 = 30;
const ERROR: i32 = 40;

static QUEUE: LazyLock<ArcSwap<Queue>> = LazyLock::new(|| ArcSwap::from_pointee(Queue::new()));

/// Level and text.
pub(crate) type Line = (i32, String);

/// The lines of one process.
struct Queue {
    process: u32,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Line>,
    dropped: u64,
}

impl Queue {
    fn new() -> Self {
        Self { process: std::process::id(), waiting: Mutex::default() }
    }
}

/// The queue of this process. After a fork it is a new one: another thread of the parent may have
/// held the lock of the old one, and what waits there is the parent's to say.
fn queue() -> Arc<Queue> {
    let queue = QUEUE.load_full();
    if queue.process == std::process::id() {
        return queue;
    }
    let fresh = Arc::new(Queue::new());
    QUEUE.store(Arc::clone(&fresh));
    fresh
}

/// Takes what the crates of the exporter log. Where another log has been begun in this module, that
/// one stays.
pub(crate) fn install() {
    let filter = Targets::new().with_targets(OURS.map(|target| (target, LevelFilter::INFO)));
    let _ = tracing_subscriber::registry().with(Lines.with_filter(filter)).try_init();
}

impl Waiting {
    fn put(&mut self, line: Line) {
        if self.lines.len() < MOST {
            self.lines.push_back(line);
        } else {
            self.dropped += 1;
        }
    }

    /// All lines, and how many there would have been.
    fn finish(self) -> Vec<Line> {
        let mut lines = Vec::from(self.lines);
        if self.dropped > 0 {
            lines.push((WARNING, format!("{} more messages were dropped", self.dropped)));
        }
        lines
    }
}

/// The lines since the last call.
pub(crate) fn take() -> Vec<Line> {
    let queue = queue();
    let waiting = std::mem::take(&mut *lock(&queue));
    waiting.finish()
}

/// Puts a line into the queue.
pub(crate) fn say(level: Level, text: &str) {
    let line = (python_level(level), in_locusts_words(text));
    let queue = queue();
    lock(&queue).put(line);
}

fn lock(queue: &Queue) -> MutexGuard<'_, Waiting> {
    queue.waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn python_level(level: Level) -> i32 {
    match level {
        Level::ERROR => ERROR,
        Level::WARN => WARNING,
        Level::INFO => INFO,
        _ => DEBUG,
    }
}

/// Makes a line of each event.
struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Text::default();
        event.record(&mut line);
        say(*event.metadata().level(), &line.finish());
    }
}

/// The message, then what belongs to it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(self) -> String {
        if self.fields.is_empty() {
            self.message
        } else {
            format!("{}:{}", self.message, self.fields)
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_in_order_and_what_is_too_much_is_counted() {
        let mut waiting = Waiting::default();
        for number in 0..MOST + 3 {
            waiting.put((INFO, format!("line {number}")));
        }
        let lines = waiting.finish();
        assert_eq!(lines.len(), MOST + 1);
        assert_eq!(lines[0], (INFO, "line 0".to_owned()));
        assert_eq!(lines[MOST], (WARNING, "3 more messages were dropped".to_owned()));
    }
}
