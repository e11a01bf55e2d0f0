//! What one process records and shows.

#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "arguments come from Python: by value, and as many as a method has keywords"
)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exposition::Format;
use locust_exporter::inside::{self, in_locusts_words};
use locust_model::{CustomKind, Run};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use recorder::{Buckets, Counts, Definition, Formulas, LocustSettings, Writer};
use schema::{Catalog, Schema};

use crate::adopted::{Set, adopted, without_effect};
use crate::callable::callable;
use crate::inside::{Inside, Role, Setup};
use crate::listener::Listener;
use crate::merge::Merger;
use crate::metric::{self, Metric, refused};
use crate::observed::{self, Known};
use crate::recording::Recording;
use crate::render::{self, Rendered, Wanted};
use crate::server::Unserved;
use crate::side::Sides;
use crate::text::{Text, strs};
use crate::{cardinality, clock, guard, locust_report, logs, options, taken};

/// The longest that anything waits.
const LONGEST: Duration = Duration::from_hours(1);

/// What one process records and shows. Starts nothing before it is told to.
#[pyclass(frozen, module = "locust_exporter._core")]
pub(crate) struct Core {
    recording: Arc<Recording>,
    inside: Arc<Inside>,
    sides: Sides,
    /// The process that was configured last.
    process: AtomicU32,
    /// What was configured.
    given: Mutex<Vec<Set>>,
    /// Whether the log says which of them do nothing on this worker.
    is_idle_told: AtomicBool,
    /// The test's own metrics: name, kind and labels.
    defined: Mutex<Vec<(String, CustomKind, Vec<String>)>>,
    /// The handler of `events.request`. Never raises.
    #[pyo3(get)]
    listener: Py<PyAny>,
}

#[pymethods]
impl Core {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        guard::install();
        logs::install();
        guard::raising(|| {
            let settings = inside::settings(&[]).map_err(PyValueError::new_err)?;
            let (writer, reader) =
                recorder::recorder(settings.recorder.clone(), clock::now()).map_err(refused)?;
            let recording = Arc::new(Recording::new(writer));
            let setup = Setup::new(settings, Role::Local, "", "");
            let inside = Arc::new(Inside::new(reader, setup));
            let listener =
                callable(py, Listener::new(py, Arc::clone(&recording), Arc::clone(&inside)))?;
            Ok(Self {
                recording,
                inside,
                sides: Sides::new(),
                process: AtomicU32::new(std::process::id()),
                given: Mutex::default(),
                is_idle_told: AtomicBool::new(false),
                defined: Mutex::default(),
                listener,
            })
        })
    }

    /// Takes the options, once in `init`.
    #[pyo3(signature = (values, *, role, version, percentiles, current_percentiles, testplan,
                        lower_median=false, percentiles_of_all=false, current_window=10))]
    fn configure(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        role: &str,
        version: &str,
        percentiles: Vec<f64>,
        current_percentiles: Vec<f64>,
        testplan: Text,
        lower_median: bool,
        percentiles_of_all: bool,
        current_window: u64,
    ) -> PyResult<()> {
        guard::raising(|| {
            let role = match role {
                "local" => Role::Local,
                "master" => Role::Master,
                "worker" => Role::Worker,
                _ => {
                    return Err(PyValueError::new_err(format!(
                        "role {role:?}: expected local, master or worker"
                    )));
                }
            };
            let given = options::given(values)?;
            let mut settings = inside::settings(&given).map_err(PyValueError::new_err)?;
            settings.recorder.locust = LocustSettings {
                percentiles: with_those_of_schemas(percentiles, &schema::PERCENTILES),
                current_percentiles: with_those_of_schemas(
                    current_percentiles,
                    &schema::CURRENT_PERCENTILES,
                ),
                current_window,
                formulas: Formulas { lower_median, percentiles_of_all },
            };
            // They were defined before the options were known, which may make a name ours.
            for (name, kind, labels) in &*lock(&self.defined) {
                settings.catalog.admit(name, *kind, labels, []).map_err(refused)?;
            }
            let setup = Setup::new(settings, role, version, testplan.as_ref());
            self.begin_process(py, setup)?;
            *lock(&self.given) = given;
            Ok(())
        })
    }

    /// Locust computes its statistics in another way from now on.
    #[pyo3(signature = (*, percentiles, current_percentiles, current_window))]
    fn set_statistics(
        &self,
        py: Python<'_>,
        percentiles: Vec<f64>,
        current_percentiles: Vec<f64>,
        current_window: u64,
    ) -> PyResult<()> {
        guard::raising(|| {
            let settings = LocustSettings {
                percentiles: with_those_of_schemas(percentiles, &schema::PERCENTILES),
                current_percentiles: with_those_of_schemas(
                    current_percentiles,
                    &schema::CURRENT_PERCENTILES,
                ),
                current_window,
                formulas: self.inside.setup.load().recorder.locust.formulas,
            };
            self.inside.set_locust_settings(&settings);
            self.recording.lock(py).writer.set_locust_settings(settings.clone());
            self.with_merger(|merger| merger.set_locust_settings(settings));
            Ok(())
        })
    }

    /// How many seconds to wait at Locust's end for a last scrape; 0 is not at all.
    #[getter]
    fn last_scrape_timeout(&self) -> f64 {
        self.inside.setup.load().last_scrape_timeout.as_secs_f64()
    }

    /// On a worker at a test's start: takes what must be the same everywhere.
    fn adopt(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        guard::raising(|| {
            let masters = options::given(values)?;
            let mut given = lock(&self.given);
            self.tell_idle(&given, &masters);
            let all = adopted(&given, &masters);
            if all == *given {
                return Ok(());
            }
            let settings = inside::settings(&all).map_err(PyValueError::new_err)?;
            self.inside.adopt(settings);
            *given = all;
            Ok(())
        })
    }

    /// Defines a metric; the same definition twice is one metric.
    #[pyo3(signature = (kind, name, help, labels, *, buckets=None, merge="sum"))]
    fn metric(
        &self,
        py: Python<'_>,
        kind: &str,
        name: Text,
        help: Text,
        labels: Vec<Text>,
        buckets: Option<Vec<f64>>,
        merge: &str,
    ) -> PyResult<Metric> {
        guard::raising(|| {
            let kind = metric::kind(kind)?;
            let catalog = Arc::clone(&self.inside.setup.load().catalog);
            let others = lock(&self.defined).clone();
            let others = others.iter().map(|(name, kind, _)| (name.as_str(), *kind));
            let (Text(name), Text(help), labels) = (name, help, strs(&labels));
            catalog.admit(&name, kind, &labels, others).map_err(refused)?;
            let definition = Definition {
                kind,
                name: &name,
                help: &help,
                labels: &labels,
                buckets: buckets.as_deref().unwrap_or_default(),
                merge: metric::gauge_merge(merge)?,
            };
            let id = self
                .recording
                .lock(py)
                .writer
                .define(&definition, clock::now())
                .map_err(refused)?;
            let mut defined = lock(&self.defined);
            // Else it is the same definition again.
            if defined.iter().all(|(known, ..)| *known != name) {
                let labels = labels.into_iter().map(str::to_owned).collect();
                defined.push((name.clone(), kind, labels));
            }
            drop(defined);
            Ok(Metric::new(Arc::clone(&self.recording), id, &name))
        })
    }

    /// Starts the server's thread in this process and answers the addresses listened on.
    fn serve(&self, py: Python<'_>, addresses: Vec<String>) -> PyResult<Vec<String>> {
        guard::raising(|| {
            let mut config = self.inside.setup.load().web.clone();
            let listen = addresses.iter().map(|address| address.trim().parse());
            let served = listen
                .collect::<Result<_, web::ListenError>>()
                .map_err(|cause| Unserved::Mistake(format!("--web.listen-address: {cause}")))
                .and_then(|listen| {
                    config.listen = listen;
                    py.detach(|| self.sides.ours().listen(config, &self.inside))
                });
            served.map_err(|unserved| match unserved {
                Unserved::Mistake(line) => PyValueError::new_err(in_locusts_words(&line)),
                Unserved::Refused(line, number) => refused_by_system(py, &line, number),
            })
        })
    }

    /// One exposition: its content type, its content encoding, its body.
    #[pyo3(signature = (*, accept, accept_encoding, names, schema=None, service=None, only_text=false))]
    fn render<'py>(
        &self,
        py: Python<'py>,
        accept: Option<String>,
        accept_encoding: Option<String>,
        names: Vec<String>,
        schema: Option<&str>,
        service: Option<String>,
        only_text: bool,
    ) -> PyResult<(String, Option<&'static str>, Bound<'py, PyBytes>)> {
        guard::raising(|| {
            let catalog = self.catalog(schema, service)?;
            let options = exposition::Options { created: self.inside.setup.load().web.created };
            let wanted = Wanted {
                accept: accept.as_deref(),
                accept_encoding: accept_encoding.as_deref(),
                names: &names,
                only_text,
                options,
            };
            let Rendered { content_type, content_encoding, body } = py.detach(|| {
                let content_type = wanted.negotiated();
                let native = content_type.format() == Format::Protobuf;
                self.inside.scraped();
                let families = self.inside.exposition(catalog, native);
                render::render(&families, &wanted, content_type)
            });
            Ok((content_type, content_encoding, PyBytes::new(py, &body)))
        })
    }

    /// Which of these names would clash, as a family's, with one of ours or of the test's own.
    fn taken(&self, names: Vec<String>) -> PyResult<Vec<String>> {
        guard::raising(|| {
            let catalogs = [self.catalog(None, None)?, self.catalog(Some("boomer"), None)?];
            let customs = taken::written(&lock(&self.defined));
            let is_taken = |name: &String| taken::is_taken(name, &catalogs, &customs);
            Ok(names.into_iter().filter(is_taken).collect())
        })
    }

    /// Starts the thread that pushes, if something is to be pushed; whether it is.
    #[pyo3(signature = (addresses, *, worker_id=None, otel=false))]
    fn push(
        &self,
        py: Python<'_>,
        addresses: Vec<String>,
        worker_id: Option<&str>,
        otel: bool,
    ) -> PyResult<bool> {
        guard::raising(|| {
            let given = lock(&self.given).clone();
            let plan = inside::push(&given, &addresses, worker_id, otel);
            let plan = plan.map_err(PyValueError::new_err)?;
            py.detach(|| self.sides.ours().push(plan, &self.inside)).map_err(|unusable| {
                let line = in_locusts_words(&unusable.to_string());
                if unusable.is_mistake() {
                    PyValueError::new_err(line)
                } else {
                    PyOSError::new_err(line)
                }
            })
        })
    }

    /// Begins the last push; the seconds that it may take, 0 where nothing is pushed.
    fn stop_pushing(&self) -> f64 {
        self.sides.ours().stop_pushing().as_secs_f64()
    }

    /// What waits to be delivered: sinks, points, and why they wait.
    fn undelivered(&self) -> Vec<(&'static str, u64, Option<String>)> {
        self.sides.ours().undelivered()
    }

    /// Whether the thread that pushes runs.
    fn is_pushing(&self) -> bool {
        self.sides.ours().is_pushing()
    }

    /// Waits until the last push is over, for so many seconds at most; whether it is.
    fn wait_pushed(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let at_most = duration(timeout);
        guard::raising(|| {
            let ended = self.sides.ours().last_push_ended();
            Ok(py.detach(|| ended.is_none_or(|ended| ended.wait(at_most))))
        })
    }

    /// Ends the server's thread; scrapes in flight have `timeout` seconds.
    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let grace = duration(timeout);
        guard::raising(|| {
            py.detach(|| self.sides.ours().close(grace));
            Ok(())
        })
    }

    /// A test starts: all statistics begin again.
    #[pyo3(signature = (*, time, run_id, keep=false))]
    fn begin(&self, py: Python<'_>, time: f64, run_id: &str, keep: bool) -> PyResult<()> {
        guard::raising(|| {
            if !keep {
                let config = self.inside.setup.load().recorder.clone();
                self.recording
                    .renew(py, |writer| writer.begin(config.clone(), time))
                    .map_err(refused)?;
                self.with_merger(|merger| merger.begin(config, time));
            }
            self.inside.begin_test();
            self.inside.run.store(Arc::new(Run {
                id: (!run_id.is_empty()).then(|| run_id.into()),
                start: clock::system_time(time),
                ..Run::default()
            }));
            Ok(())
        })
    }

    /// The statistics are reset: all begin again at 0, and their rows stay. What is counted of the
    /// test itself goes on.
    #[pyo3(signature = (*, time, keep_exceptions=false))]
    fn reset(&self, py: Python<'_>, time: f64, keep_exceptions: bool) -> PyResult<()> {
        guard::raising(|| {
            // A worker's exceptions have been counted by its master.
            let keeps = keep_exceptions && self.inside.setup.load().role != Role::Worker;
            let reset = if keeps { Writer::reset_statistics } else { Writer::reset };
            self.recording.renew(py, |writer| reset(writer, time));
            self.with_merger(|merger| merger.reset(time, keep_exceptions));
            Ok(())
        })
    }

    /// The statistics are reset, and their rows go. Exceptions stay.
    #[pyo3(signature = (*, time))]
    fn clear(&self, py: Python<'_>, time: f64) -> PyResult<()> {
        guard::raising(|| {
            let is_worker = self.inside.setup.load().role == Role::Worker;
            let clear = if is_worker { Writer::clear } else { Writer::clear_statistics };
            self.recording.renew(py, |writer| clear(writer, time));
            self.with_merger(|merger| merger.clear(time));
            Ok(())
        })
    }

    /// Takes over what Locust has counted already, by itself.
    #[pyo3(signature = (report, *, time))]
    fn absorb(&self, py: Python<'_>, report: &Bound<'_, PyAny>, time: f64) -> PyResult<()> {
        let report = locust_report::read(report)?;
        guard::raising(|| {
            let report = Box::new(report);
            match self.inside.own_merger() {
                Some(merger) => merger.absorb(report, time),
                None => self.recording.renew(py, |writer| writer.absorb(&report, time)),
            }
            Ok(())
        })
    }

    /// The test has stopped.
    #[pyo3(signature = (*, time))]
    fn end(&self, time: f64) -> PyResult<()> {
        guard::raising(|| {
            let run = Run { end: clock::system_time(time), ..Run::clone(&self.inside.run.load()) };
            self.inside.run.store(Arc::new(run));
            Ok(())
        })
    }

    /// Users were started in this process.
    fn spawned(&self, users: u64) {
        self.inside.spawned(users);
    }

    /// Locust warned of too high CPU usage in this process.
    fn cpu_warning(&self) {
        self.inside.cpu_warning();
    }

    /// User code raised an exception outside of a request.
    fn user_error(&self, py: Python<'_>, message: &Bound<'_, PyAny>) -> PyResult<()> {
        let message = message.str()?;
        let message = message.to_string_lossy();
        guard::raising(|| {
            self.recording.lock(py).writer.user_error(&message);
            Ok(())
        })
    }

    /// What the runner knows now.
    #[pyo3(signature = (*, state, users, users_by_class, waiting, target, spawn_rate, host, workers, tasks, refused=0, counted=None))]
    fn observe(
        &self,
        py: Python<'_>,
        state: &str,
        users: u64,
        users_by_class: &Bound<'_, PyAny>,
        waiting: u64,
        target: Option<u64>,
        spawn_rate: Option<f64>,
        host: Option<Text>,
        workers: Option<Vec<observed::WorkerTuple>>,
        tasks: Option<Vec<observed::TaskTuple>>,
        refused: u64,
        counted: Option<(u64, u64)>,
    ) -> PyResult<()> {
        guard::raising(|| {
            let host = host.as_ref().map(AsRef::as_ref);
            let known = Known { state, users, target, spawn_rate, host, workers, tasks };
            let by_class = observed::by_class(users_by_class)?;
            let before = self.inside.observed.load_full();
            self.inside.observed.store(Arc::new(known.observed(by_class, &before)));
            self.inside.waiting(waiting);
            self.inside.refused_of_workers(refused);
            self.report_own(py);
            if let Some((requests, failures)) = counted {
                let locusts = Counts { requests, failures };
                if self.with_merger(|merger| merger.compare(locusts)).is_none() {
                    self.inside.compare(locusts);
                }
            }
            // A worker's names are its master's to warn of, unless it is scraped or pushes itself.
            let is_worker = self.inside.setup.load().role == Role::Worker;
            if !is_worker || self.sides.ours().is_shown() {
                cardinality::check(&self.inside);
            }
            Ok(())
        })
    }

    /// On a worker: what has changed since the last report that the master has.
    #[pyo3(signature = (*, time, full=false))]
    fn report<'py>(&self, py: Python<'py>, time: f64, full: bool) -> PyResult<Bound<'py, PyBytes>> {
        guard::raising(|| Ok(PyBytes::new(py, &self.reported(py, time, full))))
    }

    /// On a worker: what `acknowledgements` of the master gave for it.
    fn acknowledged(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        guard::raising(|| {
            // It has come over the network: what are no bytes is no answer.
            let answer = data.extract::<&[u8]>();
            Ok(answer.is_ok_and(|answer| self.recording.lock(py).writer.acknowledged(answer)))
        })
    }

    /// On the master: hands a report to the thread that merges, with what Locust reports in the
    /// same message.
    #[pyo3(signature = (worker_id, data, locust=None))]
    fn take_report(
        &self,
        worker_id: &str,
        data: &[u8],
        locust: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // Ours is good also where Locust's is not.
        let locust = locust.and_then(|locust| locust_report::read(locust).ok());
        guard::raising(|| {
            self.with_merger(|merger| merger.report(worker_id, data, locust));
            Ok(())
        })
    }

    /// On the master: the same for a report of Locust's alone.
    fn take_locust_report(&self, worker_id: &str, report: &Bound<'_, PyAny>) -> PyResult<()> {
        let report = locust_report::read(report);
        guard::raising(|| {
            self.with_merger(|merger| match report {
                Ok(report) => {
                    merger.locust_report(worker_id, report);
                    Ok(())
                }
                Err(error) => {
                    merger.refuse();
                    Err(error)
                }
            })
            .unwrap_or(Ok(()))
        })
    }

    /// On the master: whether a report of this worker is to be taken with Locust's.
    fn wants_locust_report(&self, worker_id: &str) -> bool {
        self.with_merger(|merger| merger.wants_locusts(worker_id)).unwrap_or(false)
    }

    /// On the master: what to send to which worker.
    fn acknowledgements<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
        guard::raising(|| {
            let answers = self.with_merger(Merger::answers).unwrap_or_default();
            let bytes = |(worker, data): (_, Vec<u8>)| (worker, PyBytes::new(py, &data));
            Ok(answers.into_iter().map(bytes).collect())
        })
    }

    /// On the master: the worker is missing or has left.
    fn worker_gone(&self, worker_id: &str) -> PyResult<()> {
        guard::raising(|| {
            self.with_merger(|merger| merger.gone(worker_id));
            Ok(())
        })
    }

    /// Requests and failures as they would be shown, once all reports taken are merged.
    fn totals(&self, py: Python<'_>, timeout: f64) -> PyResult<(u64, u64)> {
        guard::raising(|| {
            self.report_own(py);
            let done = self.with_merger(Merger::done);
            let total = py.detach(|| {
                // Later than that it is as much as has been merged.
                let _ = done.map(|done| done.recv_timeout(duration(timeout)));
                self.inside.snapshot(Buckets::Classic).total
            });
            let count = |count: Option<u64>| count.unwrap_or(0);
            Ok(total.map_or((0, 0), |total| (count(total.requests), count(total.failures))))
        })
    }

    /// What was rejected, by reason.
    fn rejected(&self) -> Vec<(&'static str, u64)> {
        self.inside.rejected()
    }

    /// From now on the numbers are final.
    fn finish(&self) {
        self.inside.finish();
    }

    /// Whether a scrape that began after `finish` was taken whole.
    fn final_served(&self) -> bool {
        self.inside.final_served()
    }

    /// What the Rust threads have to say since the last call.
    #[expect(clippy::unused_self, reason = "the log is this process's, but the method Core's")]
    fn logs(&self) -> Vec<logs::Line> {
        logs::take()
    }
}

impl Core {
    /// Begins anew in this process, which may be the child of one that had begun.
    fn begin_process(&self, py: Python<'_>, setup: Setup) -> PyResult<()> {
        let config = setup.recorder.clone();
        self.recording.renew(py, |writer| writer.begin(config, clock::now())).map_err(refused)?;
        let is_master = setup.role == Role::Master;
        let (config, catalog) = (setup.recorder.clone(), Arc::clone(&setup.catalog));
        self.inside.begin_process(setup);
        if self.process.swap(std::process::id(), Ordering::Relaxed) != std::process::id() {
            self.inside.begin_own();
        }
        let merger = if is_master { Some(Arc::new(Merger::start(config, catalog)?)) } else { None };
        self.inside.merger.store(merger);
        Ok(())
    }

    /// Says once which options were given to this worker and do nothing.
    fn tell_idle(&self, own: &[Set], masters: &[Set]) {
        if let Some(line) = without_effect(own, masters, self.sides.ours().is_shown())
            && !self.is_idle_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("{line}");
        }
    }

    /// Calls `work` with the merger, on a master.
    fn with_merger<T>(&self, work: impl FnOnce(&Merger) -> T) -> Option<T> {
        let merger = self.inside.merger.load_full()?;
        merger.is_ours().then(|| work(&merger))
    }

    /// What this process has to report.
    fn reported(&self, py: Python<'_>, time: f64, full: bool) -> Vec<u8> {
        self.recording.lock(py).writer.report(&self.inside.process(), time, full)
    }

    /// On the master: merges what was recorded here with what workers report.
    fn report_own(&self, py: Python<'_>) {
        self.with_merger(|merger| {
            for answer in merger.own_answers() {
                self.recording.lock(py).writer.acknowledged(&answer);
            }
            merger.own_report(self.reported(py, clock::now(), false));
        });
    }

    /// The configured catalog, but for what is given.
    fn catalog(&self, schema: Option<&str>, service: Option<String>) -> PyResult<Arc<Catalog>> {
        let setup = self.inside.setup.load();
        if schema.is_none() && service.is_none() {
            return Ok(Arc::clone(&setup.catalog));
        }
        let mut config = setup.schema.clone();
        if let Some(schema) = schema {
            let schemas = schema.split(',').map(|name| name.trim().parse::<Schema>());
            config.schemas = schemas.collect::<Result<_, _>>().map_err(refused)?;
        }
        config.service = service;
        setup.catalog_of(&config).map_err(refused)
    }
}

/// These percentiles, and those that the schemas name whatever Locust is set to.
fn with_those_of_schemas(mut percentiles: Vec<f64>, named: &[f64]) -> Vec<f64> {
    for &share in named {
        if !percentiles.iter().any(|known| schema::is_same_share(*known, share)) {
            percentiles.push(share);
        }
    }
    percentiles
}

/// `OSError` of this line alone, also where it has the system's number.
fn refused_by_system(py: Python<'_>, line: &str, number: Option<i32>) -> PyErr {
    let error = PyOSError::new_err(in_locusts_words(line));
    // Given to the constructor, the number would stand before the line.
    match error.value(py).setattr("errno", number) {
        Ok(()) => error,
        Err(other) => other,
    }
}

/// What is kept for later: nothing of Python's, and held for no longer than a look.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A duration that Python gave in seconds; what is none is nothing.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default().min(LONGEST)
}
