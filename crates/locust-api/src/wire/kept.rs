//! Rows that are kept, within bounds of memory.
//!
//! A row of an answer can be far smaller than what is made of it: an endpoint takes three hundred
//! bytes, and `{"name":1}` ten. So the limit of a body does not bound what is made of it; the room
//! of its rows does. The rooms of a look's answers, and the limit of the bodies, are together less
//! than 128 MiB.

use std::sync::Arc;

use locust_model::{
    Endpoint, Exception, Foldable, FoldedRows, Percentile, RequestError, State, TaskRatio, Text,
    Worker,
};

use super::row::is_total;
use crate::Rejected;

/// Room for the rows of a list in JSON: five thousand endpoints or more, where Locust gives 500;
/// twenty thousand workers.
pub(super) const JSON_ROOM: usize = 4 << 20;

/// Room for the rows of `/stats/requests/csv`: about 90,000.
pub const STATS_CSV_ROOM: usize = 32 << 20;

/// Room for the rows of `/stats/failures/csv`: about 30,000.
pub const FAILURES_CSV_ROOM: usize = 8 << 20;

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
    /// What becomes of rows that find no room.
    type Overflow: Overflow<Self>;

    /// Whether it is the sum of all others, which is part of no other row.
    fn is_total(&self) -> bool {
        false
    }

    /// Gives up what would add up without bounds where rows are put together.
    fn strip(&mut self) {}

    /// Bytes that it holds elsewhere.
    fn elsewhere(&self) -> usize;

    /// Bytes that it takes in all.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.elsewhere()
    }
}

/// Takes rows that find no room.
pub(super) trait Overflow<T>: Default {
    /// Takes one.
    fn take(&mut self, row: T, rejected: &mut Rejected);

    /// What has become of them.
    fn into_rows(self) -> Vec<T>;
}

/// They are left out and counted.
#[derive(Default)]
pub(super) struct LeftOut;

impl<T> Overflow<T> for LeftOut {
    fn take(&mut self, _: T, rejected: &mut Rejected) {
        rejected.add(Rejected::TOO_MANY);
    }

    fn into_rows(self) -> Vec<T> {
        Vec::new()
    }
}

/// They become one row of each method, so that sums stay right.
impl<T: Foldable + Weigh> Overflow<T> for FoldedRows<T> {
    fn take(&mut self, mut row: T, rejected: &mut Rejected) {
        rejected.fold(T::count);
        row.strip();
        self.add(row);
    }

    fn into_rows(self) -> Vec<T> {
        self.into_rows()
    }
}

/// Rows, as many as there is room for; what has become of those beyond; and the last one.
pub(super) struct Kept<T: Weigh> {
    rows: Vec<T>,
    room: usize,
    overflow: T::Overflow,
    /// The last row that found no room: it may be the Aggregated one.
    last: Option<T>,
}

impl<T: Weigh> Kept<T> {
    /// No rows yet, and room for so many bytes of them.
    pub(super) fn new(room: usize) -> Self {
        Self { rows: Vec::new(), room, overflow: T::Overflow::default(), last: None }
    }

    /// Keeps a row, if there is room. The last row is kept in any case.
    pub(super) fn push(&mut self, row: T, rejected: &mut Rejected) {
        match self.room.checked_sub(row.weight()) {
            Some(room) if self.last.is_none() => {
                self.room = room;
                self.rows.push(row);
            }
            _ => {
                let Some(last) = self.last.replace(row) else { return };
                self.displaced(last, rejected);
            }
        }
    }

    /// Finds a place for what was the last row until now. In every Locust the Aggregated row is the
    /// last; where it is not, it stays so, and of several the last one does.
    fn displaced(&mut self, row: T, rejected: &mut Rejected) {
        let beyond = match &mut self.last {
            Some(last) if row.is_total() && !last.is_total() => std::mem::replace(last, row),
            _ => row,
        };
        if beyond.is_total() {
            rejected.add(Rejected::TOO_MANY);
        } else {
            self.overflow.take(beyond, rejected);
        }
    }

    /// The rows.
    pub(super) fn into_rows(mut self) -> Vec<T> {
        self.rows.extend(self.overflow.into_rows());
        self.rows.extend(self.last);
        self.rows
    }
}

/// What a text takes that is not shared with others.
fn text(text: &Text) -> usize {
    if Arc::strong_count(text) > 1 { 0 } else { text.len() + size_of::<[usize; 2]>() + ALLOCATION }
}

impl Weigh for Endpoint {
    type Overflow = FoldedRows<Self>;

    fn is_total(&self) -> bool {
        is_total(self)
    }

    fn elsewhere(&self) -> usize {
        let percentiles = match self.percentiles.capacity() {
            0 => 0,
            capacity => capacity * size_of::<Percentile>() + ALLOCATION,
        };
        text(&self.method) + text(&self.name) + percentiles
    }
}

impl Weigh for RequestError {
    type Overflow = FoldedRows<Self>;

    fn elsewhere(&self) -> usize {
        text(&self.method) + text(&self.name) + text(&self.error)
    }
}

impl Weigh for Exception {
    type Overflow = FoldedRows<Self>;

    fn strip(&mut self) {
        self.traceback = Text::default();
        self.nodes = Vec::new();
    }

    fn elsewhere(&self) -> usize {
        let nodes = self.nodes.capacity() * size_of::<Text>();
        let names: usize = self.nodes.iter().map(text).sum();
        text(&self.message) + text(&self.traceback) + nodes + names
    }
}

impl Weigh for Worker {
    type Overflow = LeftOut;

    fn elsewhere(&self) -> usize {
        let state = if let State::Other(word) = &self.state { text(word) } else { 0 };
        text(&self.id) + state
    }
}

impl Weigh for TaskRatio {
    type Overflow = LeftOut;

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

    fn requests(rows: &[Endpoint]) -> u64 {
        rows.iter().filter_map(|row| row.requests).sum()
    }

    #[test]
    fn tiny_rows_of_json_do_not_take_more_than_their_room_and_the_total_is_found() {
        let tiny = format!("{},", r#"{"name":1,"num_requests":1}"#).repeat(200_000);
        let total = r#"{"name":"Aggregated","method":"","num_requests":7}"#;
        let errors = list(r#"{"name":1,"occurrences":1}"#, 100_000);
        let workers = list(r#"{"id":1}"#, 100_000);
        let body = format!(r#"{{"stats":[{tiny}{total}],"errors":{errors},"workers":{workers}}}"#);
        let stats = Stats::parse(body.into_bytes()).unwrap();
        assert_eq!(stats.total.as_ref().and_then(|total| total.requests), Some(7));
        let workers = stats.workers.unwrap();
        assert!((1000..20_000).contains(&stats.endpoints.len()), "{}", stats.endpoints.len());
        assert!(weight(&stats.endpoints) <= JSON_ROOM + 1000);
        assert!(weight(&stats.errors) <= JSON_ROOM + 1000);
        assert!(weight(&workers) <= JSON_ROOM + 1000);
        assert_eq!(requests(&stats.endpoints), 200_000, "the sum stays");
        assert_eq!(stats.errors.iter().map(|error| error.occurrences).sum::<u64>(), 100_000);
        let folded = stats.rejected.folded();
        // One row of each kind is what the others have become.
        assert_eq!(folded.names + stats.endpoints.len() as u64 - 1, 200_000);
        assert_eq!(folded.errors + stats.errors.len() as u64 - 1, 100_000);
        assert_eq!(stats.rejected.count(Rejected::TOO_MANY), 100_000 - workers.len() as u64);
    }

    /// The sum was that of the first 90,000, and nothing said so.
    #[test]
    fn tiny_rows_of_a_csv_do_not_take_more_than_their_room_and_their_sum_stays() {
        let body = lines("Type,Name,Request Count", "GET,a,1", 400_000);
        let body = body + ",Aggregated,400000\n";
        let stats = StatsCsv::parse(body.as_bytes(), Quantiles::Default, &[]).unwrap();
        assert_eq!(stats.total.as_ref().and_then(|total| total.requests), Some(400_000));
        assert!(stats.endpoints.len() >= 80_000, "{}", stats.endpoints.len());
        assert!(weight(&stats.endpoints) <= STATS_CSV_ROOM + 1000);
        assert_eq!(requests(&stats.endpoints), 400_000);
        let other = stats.endpoints.last().unwrap();
        assert_eq!((&*other.method, &*other.name), ("GET", "other"));
        assert_eq!(stats.rejected.folded().names, other.requests.unwrap());
        assert_eq!(stats.rows(), 400_001, "one of them is the other's");

        let body = lines("Name,Error,Occurrences", "a,b,1", 400_000);
        let failures = Failures::parse(body.as_bytes()).unwrap();
        assert!(weight(&failures.errors) <= FAILURES_CSV_ROOM + 1000);
        assert_eq!(failures.errors.iter().map(|error| error.occurrences).sum::<u64>(), 400_000);
    }

    #[test]
    fn rows_beyond_are_put_together_by_their_first_methods_and_an_early_total_is_no_row() {
        let mut body = lines("Type,Name,Request Count", "GET,a,1", 150_000);
        body += ",Aggregated,7\n";
        for method in 0..1_000 {
            writeln!(body, "M{method},a,1").unwrap();
        }
        body += ",Aggregated,8\n";
        let stats = StatsCsv::parse(body.as_bytes(), Quantiles::Default, &[]).unwrap();
        assert_eq!(stats.total.as_ref().and_then(|total| total.requests), Some(8));
        assert_eq!(requests(&stats.endpoints), 151_000);
        let folded = stats.endpoints.iter().filter(|row| &*row.name == "other").count();
        assert_eq!(folded, 33, "32 methods, and one of the others");
        assert_eq!(stats.rejected.count(Rejected::TOO_MANY), 1);
    }

    #[test]
    fn tiny_exceptions_and_tasks_do_not_take_more_than_their_room() {
        let body = format!(r#"{{"exceptions":{}}}"#, list(r#"{"count":1}"#, 100_000));
        let exceptions = Exceptions::parse(body.into_bytes()).unwrap();
        assert!(weight(&exceptions.exceptions) <= EXCEPTIONS_ROOM + 1000);
        assert!(exceptions.rejected.folded().exceptions > 50_000);
        assert_eq!(exceptions.exceptions.iter().map(|row| row.count).sum::<u64>(), 100_000);

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
