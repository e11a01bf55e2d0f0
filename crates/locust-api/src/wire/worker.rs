//! Workers, as their master lists them.

use locust_model::{State, Text, Worker};
use serde::de::MapAccess;

use super::kept::Kept;
use super::keys::{Field, Keys};
use super::row::{Context, ReadRow};
use super::value::{count, number, skip, text};
use crate::Rejected;

/// A row of `workers`.
#[derive(Default)]
pub(super) struct WorkerRow(Keys<WorkerField>);

#[derive(Clone, Copy)]
enum WorkerField {
    Id,
    State,
    Users,
    Cpu,
    Memory,
    Other,
}

impl Field for WorkerField {
    fn of(key: &str) -> Self {
        match key {
            "id" => Self::Id,
            "state" => Self::State,
            "user_count" => Self::Users,
            "cpu_usage" => Self::Cpu,
            "memory_usage" => Self::Memory,
            _ => Self::Other,
        }
    }
}

impl ReadRow for WorkerRow {
    type Row = Worker;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        context: &mut Context,
        workers: &mut Kept<Worker>,
    ) -> Result<(), A::Error> {
        let rejected = &mut context.rejected;
        let mut id = None;
        let mut worker = Worker {
            id: Text::default(),
            state: State::Other("unknown".into()),
            users: None,
            cpu_percent: None,
            memory_bytes: None,
            last_heartbeat: None,
            clock_offset: None,
        };
        let mut keys = self.0.row();
        let map = &mut map;
        while let Some(field) = keys.next(map)? {
            match field {
                WorkerField::Id => id = text(map, rejected, |text| Text::from(text))?,
                WorkerField::State => {
                    if let Some(state) = text(map, rejected, State::from_word)? {
                        worker.state = state;
                    }
                }
                WorkerField::Users => worker.users = count(map, rejected)?,
                WorkerField::Cpu => worker.cpu_percent = number(map, rejected)?,
                WorkerField::Memory => worker.memory_bytes = count(map, rejected)?,
                WorkerField::Other => skip(map)?,
            }
        }
        let Some(id) = id else {
            rejected.add(Rejected::NO_NAME);
            return Ok(());
        };
        worker.id = id;
        forget_what_locust_does_not_know(&mut worker);
        workers.push(worker, rejected);
        Ok(())
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
