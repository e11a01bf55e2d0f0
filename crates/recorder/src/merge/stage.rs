//! What a report changes, worked out and checked as a whole before anything is changed.

use std::ops::Range;

use locust_model::{Text, cut};

use super::incarnation::{ErrorKey, Incarnation};
use super::sum::Sum;
use crate::Second;
use crate::partition::{Key, Partition};
use crate::report::{
    EndpointPart, Envelope, ErrorPart, ExceptionPart, Extremes, Head, Label, Numbers, ReportError,
    Rows,
};

/// It would be the sum of all workers until a reset.
const NOT_A_SUM: ReportError = ReportError::Malformed("a sum of response times");

/// What a report changes.
#[derive(Debug, Default)]
pub(super) struct Staged<'a> {
    /// Methods that are new.
    pub(super) methods: Vec<Text>,
    /// Outcomes that are new.
    pub(super) outcomes: Vec<(Option<i64>, Text)>,
    pub(super) endpoints: Vec<Change<'a>>,
    pub(super) responses: Vec<Response>,
    pub(super) distributions: Vec<Distribution>,
    pub(super) cells: Vec<(u16, u64)>,
    pub(super) seconds: Vec<Second>,
    pub(super) errors: Vec<ErrorChange>,
    pub(super) exceptions: Vec<ExceptionChange>,
}

impl Staged<'_> {
    /// Bytes of what hangs on the endpoints.
    fn hanging(&self) -> usize {
        size_of_val(&*self.responses)
            + size_of_val(&*self.distributions)
            + size_of_val(&*self.cells)
            + size_of_val(&*self.seconds)
    }
}

/// What has been added to an endpoint.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) row: usize,
    pub(super) label: Option<Label>,
    pub(super) numbers: &'a [u8],
    pub(super) since: f64,
    pub(super) responses: Range<usize>,
    pub(super) distributions: Range<usize>,
    pub(super) seconds: Range<usize>,
    pub(super) requests: u64,
    pub(super) without_time: u64,
    pub(super) failures: u64,
    pub(super) response_bytes: u64,
    pub(super) request_bytes: u64,
    pub(super) sum: Sum,
    /// Of what is counted, as far as it is new.
    pub(super) min: f64,
    pub(super) max: f64,
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) outcome: usize,
    pub(super) requests: u64,
    pub(super) since: f64,
}

#[derive(Debug)]
pub(super) struct Distribution {
    pub(super) status: Option<i64>,
    pub(super) sum: Sum,
    pub(super) cells: Range<usize>,
}

#[derive(Debug)]
pub(super) struct ErrorChange {
    pub(super) row: usize,
    pub(super) label: Option<ErrorKey>,
    /// How often it has occurred, and how often of that since the last report.
    pub(super) occurrences: u64,
    pub(super) more: u64,
    pub(super) first_seen: f64,
    pub(super) last_seen: f64,
}

#[derive(Debug)]
pub(super) struct ExceptionChange {
    pub(super) row: usize,
    pub(super) message: Option<Text>,
    pub(super) count: u64,
    pub(super) more: u64,
}

/// Works out what reports change. Its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Stage {
    old: Numbers,
    new: Numbers,
}

/// What a report is held against.
pub(super) struct Basis<'k> {
    /// What is known of its incarnation.
    pub(super) known: &'k Incarnation,
    /// That of the master's response times.
    pub(super) partition: &'k Partition,
    /// Characters of an error's or an exception's text.
    pub(super) text_chars: usize,
    /// Bytes that the changes may take.
    pub(super) room: usize,
}

/// What endpoints are held against.
struct Against<'k> {
    known: &'k Incarnation,
    since: f64,
    outcomes: usize,
    methods: usize,
    partition: &'k Partition,
    /// Whether response times are kept apart by status.
    by_status: bool,
    extremes_from: u64,
}

impl Stage {
    /// What a report changes in what is known of its incarnation.
    pub(super) fn work_out<'a>(
        &mut self,
        envelope: &Envelope,
        head: &Head,
        rows: Rows<'a>,
        basis: &Basis<'_>,
    ) -> Result<Staged<'a>, ReportError> {
        let Basis { known, partition, text_chars, room } = *basis;
        if known.sequence > 0 && known.head.since.to_bits() != head.since.to_bits() {
            return Err(ReportError::Malformed("when its statistics began"));
        }
        if !head.sum.is_finite() {
            return Err(NOT_A_SUM);
        }
        let mut staged = Staged {
            methods: new_values(rows.methods, known.methods.len(), "the methods")?
                .map(Text::from)
                .collect(),
            outcomes: new_values(rows.outcomes, known.outcomes.len(), "the outcomes")?
                .map(|(status, exception)| (status, exception.into()))
                .collect(),
            ..Staged::default()
        };
        let against = Against {
            known,
            since: head.since,
            outcomes: known.outcomes.len() + staged.outcomes.len(),
            methods: known.methods.len() + staged.methods.len(),
            partition,
            by_status: head.by_status,
            extremes_from: envelope.extremes_from,
        };
        let mut next = known.endpoints.len();
        for part in rows.endpoints {
            self.endpoint(part, &mut next, &against, &mut staged)?;
            if staged.hanging() > room {
                return Err(ReportError::NoRoom);
            }
        }
        let mut next = known.errors.len();
        for part in rows.errors {
            let change = error(&part, &mut next, known, (&staged.methods, text_chars))?;
            staged.errors.push(change);
        }
        let mut next = known.exceptions.len();
        for part in rows.exceptions {
            staged.exceptions.push(exception(&part, &mut next, known, text_chars)?);
        }
        Ok(staged)
    }

    fn endpoint<'a>(
        &mut self,
        part: EndpointPart<'a>,
        next: &mut usize,
        against: &Against<'_>,
        staged: &mut Staged<'a>,
    ) -> Result<(), ReportError> {
        let known = against.known.endpoints.get(part.row);
        match known {
            Some(known) if *known.numbers == *part.numbers => return Ok(()),
            Some(known) => self.old.decode(&known.numbers, against.known.head.since)?,
            None => {
                take_next(part.row, next)?;
                if part.label.as_ref().is_none_or(|label| label.method >= against.methods) {
                    return Err(ReportError::Malformed("an endpoint's method"));
                }
                self.old.clear();
            }
        }
        self.new.decode(part.numbers, against.since)?;
        let mut sums = self.new.distributions.iter().map(|all| all.sum).chain([self.new.sum]);
        if !sums.all(f64::is_finite) {
            return Err(NOT_A_SUM);
        }
        let change = self.change(part, against, staged)?;
        staged.endpoints.push(change);
        Ok(())
    }

    /// The difference between new and old numbers.
    fn change<'a>(
        &self,
        part: EndpointPart<'a>,
        against: &Against<'_>,
        staged: &mut Staged<'a>,
    ) -> Result<Change<'a>, ReportError> {
        let Self { old, new } = self;
        let responses = staged.responses.len();
        let requests = self.responses(against, staged)?;
        let (distributions, cells) = (staged.distributions.len(), staged.cells.len());
        self.distributions(against, staged)?;
        let seconds = staged.seconds.len();
        self.seconds(staged);
        let (min, max) = self.extremes(&part, against, &staged.cells[cells..]);
        Ok(Change {
            row: part.row,
            label: part.label,
            numbers: part.numbers,
            since: new.since,
            responses: responses..staged.responses.len(),
            distributions: distributions..staged.distributions.len(),
            seconds: seconds..staged.seconds.len(),
            requests,
            without_time: more(new.without_time, old.without_time, "requests without a time")?,
            failures: more(new.failures, old.failures, "failures")?,
            response_bytes: more(new.response_bytes, old.response_bytes, "response bytes")?,
            request_bytes: more(new.request_bytes, old.request_bytes, "request bytes")?,
            sum: Sum::change(old.sum, new.sum),
            min,
            max,
        })
    }

    /// Answers how many requests there are more.
    fn responses(
        &self,
        against: &Against<'_>,
        staged: &mut Staged<'_>,
    ) -> Result<u64, ReportError> {
        if self.new.responses.len() < self.old.responses.len() {
            return Err(ReportError::Fell("outcomes"));
        }
        let mut requests = 0_u64;
        let old = self.old.responses.iter().map(Some).chain(std::iter::repeat(None));
        for (new, old) in self.new.responses.iter().zip(old) {
            if old.is_some_and(|old| old.outcome != new.outcome) {
                return Err(ReportError::Fell("outcomes"));
            }
            let outcome = usize::try_from(new.outcome)
                .ok()
                .filter(|outcome| *outcome < against.outcomes)
                .ok_or(ReportError::Malformed("an outcome's number"))?;
            let more = more(new.requests, old.map_or(0, |old| old.requests), "requests")?;
            if more > 0 {
                requests = requests.saturating_add(more);
                staged.responses.push(Response { outcome, requests: more, since: new.since });
            }
        }
        Ok(requests)
    }

    fn distributions(
        &self,
        against: &Against<'_>,
        staged: &mut Staged<'_>,
    ) -> Result<(), ReportError> {
        let Self { old, new } = self;
        if !against.by_status && new.distributions.iter().any(|all| all.status.is_some()) {
            return Err(ReportError::Malformed("response times of a status"));
        }
        if new.distributions.len() < old.distributions.len() {
            return Err(ReportError::Fell("distributions"));
        }
        let (mut new_from, mut old_from) = (0, 0);
        for (at, distribution) in new.distributions.iter().enumerate() {
            let before = old.distributions.get(at);
            if before.is_some_and(|before| before.status != distribution.status) {
                return Err(ReportError::Fell("distributions"));
            }
            let old_end = before.map_or(old_from, |before| before.end);
            let from = staged.cells.len();
            more_cells(
                &new.cells[new_from..distribution.end],
                &old.cells[old_from..old_end],
                against.partition.len(),
                &mut staged.cells,
            )?;
            if from < staged.cells.len() {
                staged.distributions.push(Distribution {
                    status: distribution.status,
                    sum: Sum::change(before.map_or(0.0, |before| before.sum), distribution.sum),
                    cells: from..staged.cells.len(),
                });
            }
            (new_from, old_from) = (distribution.end, old_end);
        }
        Ok(())
    }

    /// Seconds in which more happened than was known. Those that are no longer told stay as they
    /// were.
    fn seconds(&self, staged: &mut Staged<'_>) {
        for new in &self.new.seconds {
            let old = self.old.seconds.iter().find(|old| old.second == new.second);
            let (requests, failures) = old.map_or((0, 0), |old| (old.requests, old.failures));
            let change = Second {
                second: new.second,
                requests: new.requests.saturating_sub(requests),
                failures: new.failures.saturating_sub(failures),
            };
            if (change.requests, change.failures) != (0, 0) {
                staged.seconds.push(change);
            }
        }
    }

    /// Least and greatest response time of what is counted, as far as this report tells. `cells`
    /// are the new response times.
    fn extremes(
        &self,
        part: &EndpointPart<'_>,
        against: &Against<'_>,
        cells: &[(u16, u64)],
    ) -> (f64, f64) {
        let Self { old, new } = self;
        let known = against.known;
        if known.is_whole() {
            return (new.min, new.max);
        }
        let told = match part.extremes {
            Extremes::None => (f64::INFINITY, f64::NEG_INFINITY),
            Extremes::Same => (new.min, new.max),
            Extremes::Own(min, max) => (min, max),
        };
        let is_told =
            known.counted_from <= against.extremes_from && against.extremes_from <= known.sequence;
        let (mut min, mut max) = if is_told { told } else { against.around(told, cells) };
        // A new extreme has come since.
        if new.min < old.min {
            min = new.min;
        }
        if new.max > old.max {
            max = new.max;
        }
        (min, max)
    }
}

impl Against<'_> {
    /// Extremes of the response times in cells, where only those of more times, or of fewer, were
    /// told: as exactly as the cells tell them.
    fn around(&self, told: (f64, f64), cells: &[(u16, u64)]) -> (f64, f64) {
        let within = |told: f64, cell: Option<u16>| match cell {
            None => told,
            Some(cell) if told.is_finite() && self.partition.cell(told) == cell => told,
            Some(cell) => match self.partition.piece(cell).map(|piece| piece.key) {
                Some(Key::Millis(millis)) => f64::from(millis),
                _ => told,
            },
        };
        // Those of several distributions follow each other.
        let lowest = cells.iter().map(|(cell, _)| *cell).min();
        let highest = cells.iter().map(|(cell, _)| *cell).max();
        (within(told.0, lowest), within(told.1, highest))
    }
}

/// Rows are numbered in order: a new one has the next number.
fn take_next(row: usize, next: &mut usize) -> Result<(), ReportError> {
    if row != *next {
        return Err(ReportError::Malformed("a new row's number"));
    }
    *next += 1;
    Ok(())
}

/// The values of a table that are not known yet.
fn new_values<T>(
    (first, values): (usize, Vec<T>),
    known: usize,
    what: &'static str,
) -> Result<impl Iterator<Item = T>, ReportError> {
    let skipped = known.checked_sub(first).ok_or(ReportError::Malformed(what))?;
    Ok(values.into_iter().skip(skipped))
}

fn more(new: u64, old: u64, what: &'static str) -> Result<u64, ReportError> {
    new.checked_sub(old).ok_or(ReportError::Fell(what))
}

/// Appends by how much cells have grown.
fn more_cells(
    new: &[(u16, u64)],
    old: &[(u16, u64)],
    cells: usize,
    changes: &mut Vec<(u16, u64)>,
) -> Result<(), ReportError> {
    if new.last().is_some_and(|last| usize::from(last.0) >= cells) {
        return Err(ReportError::Malformed("a cell"));
    }
    let mut old = old.iter().peekable();
    for &(cell, count) in new {
        let before = old.next_if(|old| old.0 == cell).map_or(0, |old| old.1);
        let more = more(count, before, "response times")?;
        if more > 0 {
            changes.push((cell, more));
        }
    }
    // One that stands there no longer is left over, as is every one after it.
    if old.next().is_some() { Err(ReportError::Fell("response times")) } else { Ok(()) }
}

fn error(
    part: &ErrorPart<'_>,
    next: &mut usize,
    known: &Incarnation,
    (new_methods, chars): (&[Text], usize),
) -> Result<ErrorChange, ReportError> {
    let before = known.errors.get(part.row);
    let label = match (before, part.label) {
        (Some(_), _) => None,
        (None, Some((method, name, error))) => {
            take_next(part.row, next)?;
            let all = known.methods.iter().chain(new_methods);
            let method = all.clone().nth(method).ok_or(ReportError::Malformed("an error"))?;
            Some((Text::clone(method), name.into(), cut(error, chars).into()))
        }
        (None, None) => return Err(ReportError::Malformed("an error's number")),
    };
    Ok(ErrorChange {
        row: part.row,
        label,
        occurrences: part.occurrences,
        more: more(part.occurrences, before.map_or(0, |before| before.count), "errors")?,
        first_seen: part.first_seen,
        last_seen: part.last_seen,
    })
}

fn exception(
    part: &ExceptionPart<'_>,
    next: &mut usize,
    known: &Incarnation,
    chars: usize,
) -> Result<ExceptionChange, ReportError> {
    let before = known.exceptions.get(part.row);
    let message = match (before, part.message) {
        (Some(_), _) => None,
        (None, Some(message)) => {
            take_next(part.row, next)?;
            Some(cut(message, chars).into())
        }
        (None, None) => return Err(ReportError::Malformed("an exception's number")),
    };
    let more = more(part.count, before.map_or(0, |before| before.count), "exceptions")?;
    Ok(ExceptionChange { row: part.row, message, count: part.count, more })
}
