//! Workers, as their master lists them.

use locust_model::{State, Text, Worker};
use serde::de::MapAccess;

use super::json::key;
use super::row::{Context, ReadRow};
use super::scalar::Scalar;
use crate::Rejected;

/// A row of `workers`.
pub(super) struct WorkerRow;

impl ReadRow for WorkerRow {
    type Row = Worker;

    fn read<'de, A: MapAccess<'de>>(
        &self,
        mut map: A,
        context: &mut Context,
    ) -> Result<Option<Worker>, A::Error> {
        let rejected = &mut context.rejected;
        let mut id = None;
        let mut worker = Worker {
            id: Text::default(),
            state: State::Other("unknown".into()),
            users: None,
            cpu_percent: None,
            memory_bytes: None,
            last_heartbeat: None,
        };
        while let Some(key) = key(&mut map)? {
            let value: Scalar<'de> = map.next_value()?;
            match &*key {
                "id" => id = value.text(rejected).map(Text::from),
                "state" => {
                    if let Some(state) = value.text(rejected) {
                        worker.state = State::from_word(&state);
                    }
                }
                "user_count" => worker.users = value.count(rejected),
                "cpu_usage" => worker.cpu_percent = value.number(rejected),
                "memory_usage" => worker.memory_bytes = value.count(rejected),
                _ => {}
            }
        }
        let Some(id) = id else {
            rejected.add(Rejected::NO_NAME);
            return Ok(None);
        };
        worker.id = id;
        forget_what_locust_does_not_know(&mut worker);
        Ok(Some(worker))
    }
}

/// Locust keeps the last numbers of a worker that went missing, and zeros before the first report
/// of one that came: no process lives on 0 bytes.
fn forget_what_locust_does_not_know(worker: &mut Worker) {
    if worker.state == State::Missing {
        worker.cpu_percent = None;
        worker.memory_bytes = None;
    } else if worker.memory_bytes == Some(0) {
        worker.memory_bytes = None;
        worker.cpu_percent = worker.cpu_percent.filter(|percent| *percent > 0.0);
    }
}
