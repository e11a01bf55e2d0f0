//! Stand-ins for tests: a backend that does as it is told, a source and an encoder of few words; and
//! an ear for what is logged.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use bytes::Bytes;
use exposition::{Emit, Families, Family, Kind, Labels, Meta, MetricName, Sample, Value, Visitor};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::batch::{Batch, Format};
use crate::encoder::Encoder;
use crate::point::{Millis, Point, Reading};
use crate::source::{Gathered, Source, SourceFuture};
use crate::transport::{Outcome, Transport};

/// What a backend does with a batch.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    Answer(Outcome),
    Hang,
    Panic,
}

pub(crate) fn later(after: Option<u64>) -> Does {
    let after = after.map(Duration::from_secs);
    Does::Answer(Outcome::Later { cause: "it is asleep".to_owned(), after, is_doubtful: false })
}

/// The backend may have taken the batch, and breaks.
pub(crate) fn breaks(cause: &str) -> Does {
    Does::Answer(Outcome::Later { cause: cause.to_owned(), after: None, is_doubtful: true })
}

/// The backend has the batch already, but for what it takes now.
pub(crate) fn had(taken: u64) -> Does {
    Does::Answer(Outcome::Had { taken, why: "out of order sample".to_owned() })
}

pub(crate) fn refuse() -> Does {
    Does::Answer(Outcome::Refused { cause: "it is ugly".to_owned() })
}

/// A backend that does one thing after the other, and then always the last one's.
#[derive(Debug)]
pub(crate) struct Backend {
    script: Mutex<VecDeque<Does>>,
    then: Does,
    /// Every attempt: what was sent, and when.
    attempts: Mutex<Vec<(Batch, Instant)>>,
    /// What it took.
    taken: Mutex<Vec<Batch>>,
}

impl Backend {
    pub(crate) fn new(script: impl IntoIterator<Item = Does>, then: Does) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().collect()),
            then,
            attempts: Mutex::default(),
            taken: Mutex::default(),
        })
    }

    /// One that takes all after it has done this.
    pub(crate) fn after(script: impl IntoIterator<Item = Does>) -> Arc<Self> {
        Self::new(script, Does::Answer(Outcome::WHOLE))
    }

    pub(crate) fn attempts(&self) -> Vec<(Batch, Instant)> {
        self.attempts.lock().unwrap().clone()
    }

    pub(crate) fn taken(&self) -> Vec<Batch> {
        self.taken.lock().unwrap().clone()
    }
}

impl Transport for Arc<Backend> {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        async move {
            self.attempts.lock().unwrap().push((batch.clone(), Instant::now()));
            let does = self.script.lock().unwrap().pop_front();
            match does.unwrap_or_else(|| self.then.clone()) {
                Does::Hang => std::future::pending().await,
                Does::Panic => panic!("as the test wants it"),
                Does::Answer(outcome) => {
                    if matches!(outcome, Outcome::Delivered { .. }) {
                        self.taken.lock().unwrap().push(batch.clone());
                    }
                    outcome
                }
            }
        }
        .boxed()
    }
}

/// What a source does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gives {
    Numbers,
    /// The same, of a resource that has this attribute.
    OfRun(&'static str),
    Panic,
    Nothing,
}

/// Gives one gauge, `asked`: how often it was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    times: AtomicUsize,
    script: Vec<Gives>,
}

impl Asked {
    /// One that does this at first.
    pub(crate) fn new(script: &[Gives]) -> Arc<Self> {
        Arc::new(Self { times: AtomicUsize::new(0), script: script.to_vec() })
    }

    pub(crate) fn times(&self) -> usize {
        self.times.load(Ordering::Relaxed)
    }
}

impl Source for Asked {
    fn gather(&self, _deadline: std::time::Instant, _native: bool) -> SourceFuture<'_> {
        Box::pin(async {
            let asked = self.times.fetch_add(1, Ordering::Relaxed);
            let numbers = |resource| Gathered { families: Arc::new(Gauge(asked + 1)), resource };
            match self.script.get(asked).copied().unwrap_or(Gives::Numbers) {
                Gives::Numbers => numbers(Vec::new()),
                Gives::OfRun(run) => numbers(vec![("run_id", run.to_owned())]),
                Gives::Panic => panic!("as the test wants it"),
                Gives::Nothing => std::future::pending().await,
            }
        })
    }
}

struct Gauge(usize);

impl Families for Gauge {
    fn parts(&self) -> usize {
        1
    }

    fn visit(&self, _index: usize, visitor: &mut dyn Visitor) {
        let meta = Meta::new(MetricName::new("asked").unwrap(), "", None, Kind::Gauge);
        let samples = |emit: &mut Emit<'_>| {
            let value = Value::Number(self.0 as f64);
            emit(&Sample { labels: Labels::default(), value, created: None });
        };
        visitor.family(&Family::new(&meta, &[], &samples));
    }
}

/// Writes one batch for each pass: `asked 1;`, or `asked ended;`; behind the run's name if there is
/// one.
#[derive(Default)]
pub(crate) struct InWords {
    run: String,
    text: String,
    points: u32,
    time: Millis,
}

impl Encoder for InWords {
    fn resource(&mut self, attributes: &[(&'static str, String)]) {
        self.run = attributes.first().map(|(_, run)| format!("{run}: ")).unwrap_or_default();
    }

    fn point(&mut self, point: &Point<'_>, _full: &mut dyn FnMut(Batch)) {
        let what = match point.reading {
            Reading::Value(Value::Number(number)) => number.to_string(),
            Reading::Value(_) => panic!("no number"),
            Reading::Ended(_) => "ended".to_owned(),
        };
        write!(self.text, "{}{} {what};", self.run, point.meta.name).unwrap();
        self.points += 1;
        self.time = point.time;
    }

    fn finish(&mut self, full: &mut dyn FnMut(Batch)) {
        if self.points > 0 {
            full(Batch {
                format: Format::RemoteWrite1,
                time: self.time,
                samples: std::mem::take(&mut self.points),
                histograms: 0,
                body: Bytes::from(std::mem::take(&mut self.text)),
            });
        }
    }

    fn takes_native(&self) -> bool {
        false
    }
}

/// What batches of [`InWords`] say.
pub(crate) fn words(batches: &[Batch]) -> Vec<&str> {
    batches.iter().map(|batch| std::str::from_utf8(&batch.body).unwrap()).collect()
}

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What is logged by this thread, from information on, while this lives.
///
/// Each thread's own subscriber would not do: `tracing` remembers of a line that nobody listens to
/// it when a thread without one comes to it first.
#[derive(Debug)]
pub(crate) struct Lines(());

impl Lines {
    pub(crate) fn listen() -> Self {
        static EAR: Once = Once::new();
        EAR.call_once(|| tracing::subscriber::set_global_default(Ear).unwrap());
        tracing::callsite::rebuild_interest_cache();
        HEARD.take();
        Self(())
    }

    /// How many lines have this in their message, or in a field behind it.
    #[expect(clippy::unused_self, reason = "it must be alive")]
    pub(crate) fn count(&self, words: &str) -> usize {
        HEARD.with_borrow(|heard| heard.iter().filter(|line| line.contains(words)).count())
    }

    /// All of them.
    #[expect(clippy::unused_self, reason = "it must be alive")]
    pub(crate) fn all(&self) -> Vec<String> {
        HEARD.with_borrow(Clone::clone)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        HEARD.take();
    }
}

struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("push")
    }

    fn event(&self, event: &Event<'_>) {
        let (mut message, mut fields) = (String::new(), String::new());
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            if field.name() == "message" {
                message = format!("{value:?}");
            } else {
                write!(fields, " {}={value:?}", field.name()).unwrap();
            }
        });
        HEARD.with_borrow_mut(|heard| heard.extend([message + &fields]));
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
