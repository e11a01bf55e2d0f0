//! What Python says of the runner, as plain data.

use std::sync::Arc;

use locust_model::{ClassUsers, State, TaskRatio, Users, Worker};
use pyo3::prelude::*;

use crate::clock;
use crate::inside::Observed;

/// Id, state, users, CPU usage in percent, bytes of memory, last heartbeat.
pub(crate) type WorkerTuple = (String, String, u64, Option<f64>, Option<u64>, Option<f64>);

/// User class, path of the task, ratio.
pub(crate) type TaskTuple = (String, String, f64);

/// What the runner knows.
pub(crate) struct Known<'a> {
    pub(crate) state: &'a str,
    pub(crate) users: u64,
    pub(crate) target: Option<u64>,
    pub(crate) spawn_rate: Option<f64>,
    pub(crate) host: Option<&'a str>,
    pub(crate) workers: Option<Vec<WorkerTuple>>,
    pub(crate) tasks: Option<Vec<TaskTuple>>,
}

impl Known<'_> {
    /// As it is shown. Tasks that are not given are what they were.
    pub(crate) fn observed(self, by_class: Vec<ClassUsers>, before: &Observed) -> Observed {
        Observed {
            state: Some(State::from_word(self.state)),
            users: Users {
                running: Some(self.users),
                target: self.target,
                spawn_rate: self.spawn_rate,
                by_class,
                ..Users::default()
            },
            host: self.host.and_then(locust_api::shown_host).map(Into::into),
            workers: self.workers.map(|workers| workers.into_iter().map(worker).collect()),
            tasks: match self.tasks {
                Some(tasks) => tasks.into_iter().map(task).collect(),
                None => Arc::clone(&before.tasks),
            },
        }
    }
}

/// Users by class, from a mapping.
///
/// # Errors
///
/// If it is none, or not of numbers by names.
pub(crate) fn by_class(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<ClassUsers>> {
    let mut by_class = Vec::new();
    for item in mapping.call_method0("items")?.try_iter()? {
        let (class, users): (String, u64) = item?.extract()?;
        by_class.push(ClassUsers { class: class.into(), users });
    }
    Ok(by_class)
}

fn worker((id, state, users, cpu, memory, heartbeat): WorkerTuple) -> Worker {
    let state = State::from_word(&state);
    // What a missing worker used is what it used when it was last heard of.
    let lives = state != State::Missing;
    Worker {
        id: id.into(),
        users: Some(users),
        cpu_percent: cpu.filter(|_| lives),
        memory_bytes: memory.filter(|_| lives),
        last_heartbeat: heartbeat.and_then(clock::system_time),
        clock_offset: None,
        state,
    }
}

fn task((class, task, ratio): TaskTuple) -> TaskRatio {
    TaskRatio { class: class.into(), task: task.into(), ratio }
}
