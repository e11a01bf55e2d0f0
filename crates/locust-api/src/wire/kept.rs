//! Rows that are kept, within bounds of memory.
//!
//! A row of an answer can be far smaller than what is made of it: an endpoint takes three hundred
//! bytes, and `{"name":1}` ten. So the limit of a body does not bound what is made of it; the room
//! of its rows does. The rooms of a look's answers, and the limit of the bodies, are together less
//! than 128 MiB.

use std::sync::Arc;

use locust_model::{Endpoint, Exception, Percentile, RequestError, State, TaskRatio, Text, Worker};

use crate::Rejected;

/// Room for the rows of a list in JSON: five thousand endpoints or more, where Locust gives 500;
/// twenty thousand workers.
pub(super) const JSON_ROOM: usize = 4 << 20;

/// Room for the rows of `/stats/requests/csv`: about 90,000.
pub(super) const STATS_CSV_ROOM: usize = 32 << 20;

/// Room for the rows of `/stats/failures/csv`: about 30,000.
pub(super) const FAILURES_CSV_ROOM: usize = 8 << 20;

/// Room for exceptions.
pub(super) const EXCEPTIONS_ROOM: usize = 2 << 20;

/// Room for tasks and their classes.
pub(super) const TASKS_ROOM: usize = 2 << 20;

/// What an allocation costs besides its bytes, roughly.
const ALLOCATION: usize = 24;

/// The bytes of a text that are read: more than a label value may have at most, so that whoever
/// cuts it there sees that it was longer.
const MAX_TEXT: usize = 4100;

/// Cuts a text that is longer than any that makes sense.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// What a row takes.
pub(super) trait Weigh: Sized {
    /// Bytes that it holds elsewhere.
    fn elsewhere(&self) -> usize;

    /// Bytes that it takes in all.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.elsewhere()
    }
}

/// Rows, as many as there is room for, and the last.
pub(super) struct Kept<T> {
    rows: Vec<T>,
    room: usize,
    /// The last row that found no room: it may be the Aggregated one.
    last: Option<T>,
}

impl<T: Weigh> Kept<T> {
    /// No rows yet, and room for so many bytes of them.
    pub(super) fn new(room: usize) -> Self {
        Self { rows: Vec::new(), room, last: None }
    }

    /// Keeps a row, if there is room. The last row is kept in any case.
    pub(super) fn push(&mut self, row: T, rejected: &mut Rejected) {
        match self.room.checked_sub(row.weight()) {
            Some(room) if self.last.is_none() => {
                self.room = room;
                self.rows.push(row);
            }
            _ => {
                if self.last.replace(row).is_some() {
                    rejected.add(Rejected::TOO_MANY);
                }
            }
        }
    }

    /// The rows.
    pub(super) fn into_rows(mut self) -> Vec<T> {
        self.rows.extend(self.last);
        self.rows
    }
}

/// What a text takes that is not shared with others.
fn text(text: &Text) -> usize {
    if Arc::strong_count(text) > 1 { 0 } else { text.len() + size_of::<[usize; 2]>() + ALLOCATION }
}

impl Weigh for Endpoint {
    fn elsewhere(&self) -> usize {
        let percentiles = match self.percentiles.capacity() {
            0 => 0,
            capacity => capacity * size_of::<Percentile>() + ALLOCATION,
        };
        text(&self.method) + text(&self.name) + percentiles
    }
}

impl Weigh for RequestError {
    fn elsewhere(&self) -> usize {
        text(&self.method) + text(&self.name) + text(&self.error)
    }
}

impl Weigh for Exception {
    fn elsewhere(&self) -> usize {
        let nodes = self.nodes.capacity() * size_of::<Text>();
        let names: usize = self.nodes.iter().map(text).sum();
        text(&self.message) + text(&self.traceback) + nodes + names
    }
}

impl Weigh for Worker {
    fn elsewhere(&self) -> usize {
        let state = if let State::Other(word) = &self.state { text(word) } else { 0 };
        text(&self.id) + state
    }
}

impl Weigh for TaskRatio {
    fn elsewhere(&self) -> usize {
        text(&self.class) + text(&self.task)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::Quantiles;
    use crate::wire::{Exceptions, Failures, Stats, StatsCsv, Tasks};

    fn weight<T: Weigh>(rows: &[T]) -> usize {
        rows.iter().map(Weigh::weight).sum()
    }

    fn lines(head: &str, row: &str, count: usize) -> String {
        format!("{head}\n{}", format!("{row}\n").repeat(count))
    }

    fn list(row: &str, count: usize) -> String {
        format!("[{}{row}]", format!("{row},").repeat(count - 1))
    }

    #[test]
    fn tiny_rows_of_json_do_not_take_more_than_their_room_and_the_total_is_found() {
        let tiny = format!("{},", r#"{"name":1}"#).repeat(200_000);
        let total = r#"{"name":"Aggregated","method":"","num_requests":7}"#;
        let errors = list(r#"{"name":1,"occurrences":1}"#, 100_000);
        let workers = list(r#"{"id":1}"#, 100_000);
        let body = format!(r#"{{"stats":[{tiny}{total}],"errors":{errors},"workers":{workers}}}"#);
        let stats = Stats::parse(body.into_bytes()).unwrap();
        assert_eq!(stats.total.as_ref().and_then(|total| total.requests), Some(7));
        let workers = stats.workers.unwrap();
        assert!((1000..20_000).contains(&stats.endpoints.len()), "{}", stats.endpoints.len());
        assert!(weight(&stats.endpoints) <= JSON_ROOM);
        assert!(weight(&stats.errors) <= JSON_ROOM + 1000);
        assert!(weight(&workers) <= JSON_ROOM + 1000);
        let had = stats.endpoints.len() + stats.errors.len() + workers.len();
        assert_eq!(stats.rejected.count(Rejected::TOO_MANY), 400_000 - had as u64);
    }

    #[test]
    fn tiny_rows_of_a_csv_do_not_take_more_than_their_room_and_the_total_is_found() {
        let body = lines("Type,Name,Request Count", ",a,1", 400_000);
        let body = body + ",Aggregated,7\n";
        let stats = StatsCsv::parse(body.as_bytes(), Quantiles::Default, &[]).unwrap();
        assert_eq!(stats.total.as_ref().and_then(|total| total.requests), Some(7));
        assert!(stats.endpoints.len() >= 80_000, "{}", stats.endpoints.len());
        assert!(weight(&stats.endpoints) <= STATS_CSV_ROOM);
        let had = stats.endpoints.len() as u64;
        assert_eq!(stats.rejected.count(Rejected::TOO_MANY), 400_000 - had);

        let body = lines("Name,Error,Occurrences", "a,b,1", 400_000);
        let failures = Failures::parse(body.as_bytes()).unwrap();
        assert!(weight(&failures.errors) <= FAILURES_CSV_ROOM + 1000);
        let had = failures.errors.len() as u64;
        assert_eq!(failures.rejected.count(Rejected::TOO_MANY), 400_000 - had);
    }

    #[test]
    fn tiny_exceptions_and_tasks_do_not_take_more_than_their_room() {
        let body = format!(r#"{{"exceptions":{}}}"#, list(r#"{"count":1}"#, 100_000));
        let exceptions = Exceptions::parse(body.into_bytes()).unwrap();
        assert!(weight(&exceptions.exceptions) <= EXCEPTIONS_ROOM + 1000);
        assert!(exceptions.rejected.count(Rejected::TOO_MANY) > 50_000);

        let task = r#""a":{"ratio":0.1}"#;
        let tasks = format!("{}{task}", format!("{task},").repeat(100_000));
        let body = format!(r#"{{"per_class":{{"C":{{"ratio":1,"tasks":{{{tasks}}}}},{tasks}}}}}"#);
        let tasks = Tasks::parse(body.into_bytes()).unwrap();
        assert!(weight(&tasks.tasks) <= TASKS_ROOM);
        let had = (tasks.tasks.len() + tasks.classes.len()) as u64;
        assert_eq!(tasks.rejected.count(Rejected::TOO_MANY), 200_003 - had);
    }

    #[test]
    fn long_names_and_many_percentiles_take_room_too() {
        let name = "n".repeat(100_000);
        let stats = list(&format!(r#"{{"name":"{name}"}}"#), 3000);
        let stats = Stats::parse(format!(r#"{{"stats":{stats}}}"#).into_bytes()).unwrap();
        assert_eq!(stats.endpoints[0].name.len(), MAX_TEXT);
        assert!(stats.endpoints.len() < 1100, "{}", stats.endpoints.len());

        let percentiles = (1..100).fold(String::new(), |mut all, share| {
            write!(all, r#","response_time_percentile_0.{share}":1"#).unwrap();
            all
        });
        let stats = list(&format!(r#"{{"name":"n"{percentiles}}}"#), 5000);
        let stats = Stats::parse(format!(r#"{{"stats":{stats}}}"#).into_bytes()).unwrap();
        assert!(weight(&stats.endpoints) <= JSON_ROOM + 10_000);
        assert!(stats.endpoints.len() < 2500, "{}", stats.endpoints.len());
    }

    #[test]
    fn a_task_whose_path_is_long_is_left_out_however_many_there_are() {
        let outer = "o".repeat(2000);
        let inner = format!("{}{}", r#""i":{"ratio":1},"#.repeat(5000), r#""i":{"ratio":1}"#);
        let body = format!(
            r#"{{"per_class":{{"C":{{"ratio":1,"tasks":{{"{outer}":{{"ratio":1,"tasks":{{{inner}}}}}}}}}}}}}"#
        );
        let tasks = Tasks::parse(body.into_bytes()).unwrap();
        assert!(weight(&tasks.tasks) <= TASKS_ROOM);
        assert!(tasks.rejected.count(Rejected::TOO_MANY) > 1000);
    }

    #[test]
    fn a_real_list_loses_nothing() {
        let body = include_bytes!("../../tests/fixtures/odd/many_stats.csv");
        let stats = StatsCsv::parse(body, Quantiles::All, &[]).unwrap();
        assert!(stats.rejected.is_empty());
        assert_eq!(stats.endpoints.len(), 2081);
    }
}
