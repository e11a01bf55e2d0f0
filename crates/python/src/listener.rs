//! The handler of Locust's event `request`: a Rust function, called with the event's keyword
//! arguments as they are.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyString};
use recorder::Request;

use crate::cache::SeriesKey;
use crate::failure::{Args, Failure};
use crate::fields::{Fields, Keys};
use crate::inside::Inside;
use crate::object::integer;
use crate::recording::{Event, Recording};
use crate::response::{Eyes, Seen};
use crate::{clock, guard};

/// More than any response has: 2^63.
const MOST_BYTES: f64 = 9_223_372_036_854_775_808.0;

/// Records events. It never raises: what cannot be recorded is counted.
pub(crate) struct Listener {
    recording: Arc<Recording>,
    inside: Arc<Inside>,
    keys: Keys,
    eyes: Eyes,
}

impl Listener {
    pub(crate) fn new(py: Python<'_>, recording: Arc<Recording>, inside: Arc<Inside>) -> Self {
        Self { recording, inside, keys: Keys::new(py), eyes: Eyes::new(py) }
    }

    /// Records the event with these keyword arguments; whether it could be.
    pub(crate) fn hear(&self, kwargs: Option<&Bound<'_, PyDict>>) -> bool {
        let Some(kwargs) = kwargs else { return false };
        guard::or_none(record(&self.recording, &self.keys, &self.eyes, kwargs)).is_some()
    }

    /// Counts an event that could not be recorded.
    pub(crate) fn refuse(&self) {
        self.inside.refused_event();
    }
}

fn record(
    recording: &Recording,
    keys: &Keys,
    eyes: &Eyes,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let py = kwargs.py();
    let fields = keys.read(kwargs)?;
    // What Locust's own statistics cannot do without.
    let method = label(fields.request_type)?;
    let name = label(fields.name)?;
    let time = match &fields.response_time {
        Some(time) => millis(time),
        None => return Err(PyTypeError::new_err("no response_time")),
    };
    let Fields { response_length, response, exception, .. } = fields;
    let Some(length) = response_length else {
        return Err(PyTypeError::new_err("no response_length"));
    };
    let Seen { status, request_bytes } =
        response.filter(|response| !response.is_none()).map(|r| eyes.see(&r)).unwrap_or_default();
    let mut room = Args::default();
    let failure = match exception.filter(|exception| !exception.is_none()) {
        Some(exception) => Failure::of(exception, &mut room),
        None => None,
    };
    let class = failure.as_ref().map(|failure| &failure.class);
    let Some(key) = SeriesKey::new(&method, &name, status, class) else {
        return Err(PyTypeError::new_err("a name without a hash"));
    };
    let event = Event {
        key,
        failure: failure.as_ref(),
        request: Request {
            time,
            response_bytes: bytes(&length).unwrap_or_else(|NotALength| {
                recording.not_a_length(py);
                0
            }),
            request_bytes,
            now: clock::last_tick(),
        },
    };
    recording.record(py, &event);
    Ok(())
}

/// A method or a name, as an exact `str`.
#[inline]
fn label(value: Option<Bound<'_, PyAny>>) -> PyResult<Bound<'_, PyString>> {
    match value.map(Bound::cast_into_exact::<PyString>) {
        Some(Ok(text)) => Ok(text),
        Some(Err(other)) => shown(&other.into_inner()),
        None => Err(unnamed()),
    }
}

#[cold]
fn unnamed() -> PyErr {
    PyTypeError::new_err("no request_type or no name")
}

/// What is no `str`, or a special one, as text.
#[cold]
fn shown<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    if value.is_none() {
        return Ok(PyString::intern(value.py(), ""));
    }
    let text = value.str()?;
    let exact = text.is_exact_instance_of::<PyString>();
    Ok(if exact { text } else { PyString::new(text.py(), &text.to_string_lossy()) })
}

/// A response time in milliseconds; `None` is none, and what is no number is not a time.
fn millis(time: &Bound<'_, PyAny>) -> Option<f64> {
    if let Ok(time) = time.cast_exact::<PyFloat>() {
        return Some(time.value());
    }
    if time.is_none() {
        return None;
    }
    Some(guard::or_none(time.extract()).unwrap_or(f64::NAN))
}

/// What is no length: negative, or no number of bytes.
struct NotALength;

/// A length; `None` is none.
fn bytes(length: &Bound<'_, PyAny>) -> Result<u64, NotALength> {
    match integer(length) {
        Some(length) => u64::try_from(length).map_err(|_| NotALength),
        None => odd_bytes(length),
    }
}

#[cold]
fn odd_bytes(length: &Bound<'_, PyAny>) -> Result<u64, NotALength> {
    if length.is_none() {
        return Ok(0);
    }
    if let Some(length) = guard::or_none(length.extract::<i64>()) {
        return u64::try_from(length).map_err(|_| NotALength);
    }
    let length = guard::or_none(length.extract::<f64>());
    let length = length.filter(|length| (0.0..MOST_BYTES).contains(length)).ok_or(NotALength)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
    Ok(length as u64)
}
