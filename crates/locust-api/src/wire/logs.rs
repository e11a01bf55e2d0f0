//! `/logs` and `/worker-count`.

use std::collections::BTreeMap;

use serde::de::{MapAccess, SeqAccess};

use super::Malformed;
use super::json::{self, As, Shape, key};
use super::value::{count, skip, texts};
use crate::Rejected;

/// What `/logs` says: the last lines of Locust's log, at most 500 of each process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logs {
    /// The lines of the process that was asked.
    pub master: Vec<String>,
    /// The lines of each worker, by id.
    pub workers: BTreeMap<String, Vec<String>>,
    /// What was left out.
    pub rejected: Rejected,
}

impl Logs {
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, Malformed> {
        json::read(body, || Page)?.ok_or(Malformed::Shape("it is JSON without logs"))
    }
}

struct Page;

impl<'de> Shape<'de> for Page {
    type Value = Option<Logs>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut logs = Logs::default();
        let mut known = false;
        while let Some(key) = key(&mut map)? {
            match &*key {
                // Before 2.30 the key was `logs`.
                "master" | "logs" => {
                    known = true;
                    logs.master = map.next_value_seed(As(Lines(&mut logs.rejected)))?;
                }
                "workers" => map.next_value_seed(As(Workers(&mut logs)))?,
                _ => skip(&mut map)?,
            }
        }
        Ok(known.then_some(logs))
    }
}

struct Workers<'l>(&'l mut Logs);

impl<'de> Shape<'de> for Workers<'_> {
    type Value = ();

    fn otherwise(self) {}

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(worker) = key(&mut map)? {
            let lines = map.next_value_seed(As(Lines(&mut self.0.rejected)))?;
            self.0.workers.insert(worker.into_owned(), lines);
        }
        Ok(())
    }
}

struct Lines<'r>(&'r mut Rejected);

impl<'de> Shape<'de> for Lines<'_> {
    type Value = Vec<String>;

    fn otherwise(self) -> Vec<String> {
        Vec::new()
    }

    fn list<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<String>, A::Error> {
        texts(seq, self.0)
    }
}

/// Reads `/worker-count`.
pub(crate) fn worker_count(body: Vec<u8>) -> Result<u64, Malformed> {
    json::read(body, || WorkerCount)?.ok_or(Malformed::Shape("it is JSON without a worker count"))
}

struct WorkerCount;

impl<'de> Shape<'de> for WorkerCount {
    type Value = Option<u64>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut workers = None;
        while let Some(key) = key(&mut map)? {
            if key == "worker_count" {
                workers = count(&mut map, &mut Rejected::default())?;
            } else {
                skip(&mut map)?;
            }
        }
        Ok(workers)
    }
}
