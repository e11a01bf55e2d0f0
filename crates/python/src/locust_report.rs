//! Locust's own statistics off Python's objects: the dictionaries that `StatsEntry.serialize` and
//! `StatsError.serialize` make, as a worker sends them or as a runner has them.

use std::collections::BTreeMap;

use locust_model::Text;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyDictMethods, PyString};
use recorder::{LocustEntry, LocustError, LocustReport, Second};

/// No count is greater: all of them together still have room in 64 bits.
const MOST: f64 = 281_474_976_710_656.0;

/// Reads a report of Locust's: `stats`, `stats_total`, `errors`. A field that is absent is 0, as in
/// the reports of workers in other languages.
///
/// # Errors
///
/// `ValueError` that names the field which makes no sense.
pub(crate) fn read(data: &Bound<'_, PyAny>) -> PyResult<LocustReport> {
    let data = dict(data, "report")?;
    let mut report = LocustReport::default();
    if let Some(entries) = field(&data, "stats")? {
        for item in entries.try_iter()? {
            report.entries.push(entry(&dict(&item?, "stats")?)?);
        }
    }
    if let Some(total) = field(&data, "stats_total")? {
        report.total = entry(&dict(&total, "stats_total")?)?;
    }
    if let Some(errors) = field(&data, "errors")? {
        for (_, item) in dict(&errors, "errors")?.iter() {
            report.errors.push(error(&dict(&item, "errors")?)?);
        }
    }
    Ok(report)
}

fn entry(data: &Bound<'_, PyDict>) -> PyResult<LocustEntry> {
    let mut seconds = BTreeMap::new();
    for (second, requests) in counts(data, "num_reqs_per_sec")? {
        seconds.entry(whole(second)).or_insert((0, 0)).0 = requests;
    }
    for (second, failures) in counts(data, "num_fail_per_sec")? {
        seconds.entry(whole(second)).or_insert((0, 0)).1 = failures;
    }
    let seconds = seconds.into_iter().map(|(second, (requests, failures))| Second {
        second,
        requests: requests.try_into().unwrap_or(u32::MAX),
        failures: failures.try_into().unwrap_or(u32::MAX),
    });
    Ok(LocustEntry {
        method: text(data, "method")?,
        name: text(data, "name")?,
        start_time: number(data, "start_time")?.unwrap_or(0.0),
        last_request: number(data, "last_request_timestamp")?,
        requests: count(data, "num_requests")?,
        failures: count(data, "num_failures")?,
        sum: number(data, "total_response_time")?.unwrap_or(0.0),
        min: number(data, "min_response_time")?,
        max: number(data, "max_response_time")?.unwrap_or(0.0),
        response_bytes: count(data, "total_content_length")?,
        times: counts(data, "response_times")?,
        seconds: seconds.collect(),
    })
}

fn error(data: &Bound<'_, PyDict>) -> PyResult<LocustError> {
    Ok(LocustError {
        method: text(data, "method")?,
        name: text(data, "name")?,
        error: text(data, "error")?,
        occurrences: count(data, "occurrences")?,
        first_seen: number(data, "first_seen")?,
        last_seen: number(data, "last_seen")?,
    })
}

/// A field that is there and not `None`.
fn field<'py>(data: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(data.get_item(name)?.filter(|value| !value.is_none()))
}

fn dict<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    value.cast::<PyDict>().cloned().map_err(|_| senseless(name, value))
}

/// A text; what is none is shown as Python does, and `None` is empty.
fn text(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Text> {
    let Some(value) = field(data, name)? else { return Ok(Text::default()) };
    let value = match value.cast::<PyString>() {
        Ok(text) => text.clone(),
        Err(_) => value.str()?,
    };
    Ok(value.to_string_lossy().as_ref().into())
}

fn number(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<f64>> {
    let Some(value) = field(data, name)? else { return Ok(None) };
    let number = value.extract::<f64>().ok().filter(|number| number.is_finite());
    number.map(Some).ok_or_else(|| senseless(name, &value))
}

fn count(data: &Bound<'_, PyDict>, name: &str) -> PyResult<u64> {
    let Some(value) = field(data, name)? else { return Ok(0) };
    counted(&value).ok_or_else(|| senseless(name, &value))
}

/// A dictionary of counts by number.
fn counts(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Vec<(f64, u64)>> {
    let Some(value) = field(data, name)? else { return Ok(Vec::new()) };
    let mut counts = Vec::new();
    for (key, value) in dict(&value, name)?.iter() {
        let number = key_number(&key).ok_or_else(|| senseless(name, &key))?;
        counts.push((number, counted(&value).ok_or_else(|| senseless(name, &value))?));
    }
    Ok(counts)
}

/// A key, which some languages can only send as a text.
fn key_number(key: &Bound<'_, PyAny>) -> Option<f64> {
    match key.cast::<PyString>() {
        Ok(text) => text.to_string_lossy().parse().ok(),
        Err(_) => key.extract().ok(),
    }
}

fn counted(value: &Bound<'_, PyAny>) -> Option<u64> {
    value.extract::<f64>().ok().filter(|count| (0.0..=MOST).contains(count)).map(whole)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates: what is no second is one that nobody looks at"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn senseless(name: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let shown = value.repr().map_or_else(|_| "a value".to_owned(), |text| text.to_string());
    let shown: String = shown.chars().take(100).collect();
    PyValueError::new_err(format!("{name} of Locust's report cannot be {shown}"))
}
