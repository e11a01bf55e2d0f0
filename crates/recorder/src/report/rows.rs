//! The rows of a report: endpoints, errors, exceptions. They are told by number; those that the
//! master does not know yet bear their texts.

use locust_model::Text;

use super::ReportError;
use super::bytes::{Cursor, put_bytes, put_float, put_number, put_signed, put_text};
use crate::ErrorTotals;

/// What tells an endpoint from the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Its method's number in the table.
    pub(crate) method: usize,
    pub(crate) name: Text,
}

/// An endpoint's part in a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndpointPart<'a> {
    pub(crate) row: usize,
    pub(crate) label: Option<Label>,
    /// Least and greatest response time since [`super::Envelope::extremes_from`].
    pub(crate) extremes: Extremes,
    /// Read by [`super::Numbers::decode`].
    pub(crate) numbers: &'a [u8],
}

/// Least and greatest response time of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Extremes {
    /// There was no response time.
    None,
    /// Those of the endpoint's whole time.
    Same,
    /// Others.
    Own(f64, f64),
}

/// An error's part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ErrorPart<'a> {
    pub(crate) row: usize,
    /// Method's number, name, error.
    pub(crate) label: Option<(usize, &'a str, &'a str)>,
    pub(crate) occurrences: u64,
    pub(crate) first_seen: f64,
    pub(crate) last_seen: f64,
}

/// An exception's part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExceptionPart<'a> {
    pub(crate) row: usize,
    pub(crate) message: Option<&'a str>,
    pub(crate) count: u64,
}

/// Everything of a report that follows its head, but custom metrics.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rows<'a> {
    /// Number of the first method, and the methods.
    pub(crate) methods: (usize, Vec<&'a str>),
    /// Number of the first outcome; status and exception class of each.
    pub(crate) outcomes: (usize, Vec<(Option<i64>, &'a str)>),
    pub(crate) endpoints: Vec<EndpointPart<'a>>,
    pub(crate) errors: Vec<ErrorPart<'a>>,
    pub(crate) exceptions: Vec<ExceptionPart<'a>>,
}

/// Writes rows in ascending order.
pub(crate) struct RowWriter<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    next: usize,
}

/// So many bytes a name takes over from the one before at most: a short report cannot stand for
/// many long names.
const MOST_SHARED: usize = 255;

/// What a row's number is written with.
const FLAG_BITS: u32 = 3;
const IS_NEW: u64 = 1;
const SAME_EXTREMES: u64 = 2;
const OWN_EXTREMES: u64 = 4;

impl<'a> RowWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, next: 0 }
    }

    fn begin(&mut self, row: usize, flags: u64) {
        let gap = (row - self.next) as u64;
        self.next = row + 1;
        // Shifted by one more, so that 0 is the end.
        put_number(self.out, (gap << FLAG_BITS | flags) + 1);
    }

    /// A row that is either new or not.
    pub(crate) fn row(&mut self, row: usize, is_new: bool) {
        self.begin(row, if is_new { IS_NEW } else { 0 });
    }

    /// An endpoint: its method's number and its name if it is new, with the name before it.
    pub(crate) fn endpoint(
        &mut self,
        row: usize,
        label: Option<(u64, &str, &str)>,
        extremes: Extremes,
        numbers: &[u8],
    ) {
        let flags = if label.is_some() { IS_NEW } else { 0 }
            | match extremes {
                Extremes::None => 0,
                Extremes::Same => SAME_EXTREMES,
                Extremes::Own(..) => OWN_EXTREMES,
            };
        self.begin(row, flags);
        if let Some((method, name, before)) = label {
            put_number(self.out, method);
            let shared = shared_prefix(before, name);
            put_number(self.out, shared as u64);
            put_text(self.out, &name[shared..]);
        }
        if let Extremes::Own(min, max) = extremes {
            put_float(self.out, min);
            put_float(self.out, max);
        }
        put_bytes(self.out, numbers);
    }

    /// What follows the number of a new error.
    pub(crate) fn error_label(&mut self, method: u64, error: &ErrorTotals) {
        put_number(self.out, method);
        put_text(self.out, &error.name);
        put_text(self.out, &error.error);
    }

    /// What follows an error's number and label.
    pub(crate) fn error(&mut self, error: &ErrorTotals) {
        put_number(self.out, error.occurrences);
        put_float(self.out, error.first_seen);
        put_float(self.out, error.last_seen);
    }

    /// An exception: its message if it is new.
    pub(crate) fn exception(&mut self, row: usize, message: Option<&str>, count: u64) {
        self.row(row, message.is_some());
        if let Some(message) = message {
            put_text(self.out, message);
        }
        put_number(self.out, count);
    }

    pub(crate) fn end(self) {
        self.out.push(0);
    }
}

/// How far two names are alike, up to a character's border.
fn shared_prefix(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take(MOST_SHARED).take_while(|(a, b)| a == b).count();
    b.floor_char_boundary(same)
}

/// Writes a table's new values.
pub(crate) fn put_table<T>(
    (first, values): (usize, impl ExactSizeIterator<Item = T>),
    out: &mut Vec<u8>,
    put: impl Fn(T, &mut Vec<u8>),
) {
    put_number(out, first as u64);
    put_number(out, values.len() as u64);
    for value in values {
        put(value, out);
    }
}

/// Writes an outcome.
pub(crate) fn put_outcome((status, exception): &(Option<i64>, Text), out: &mut Vec<u8>) {
    out.push(u8::from(status.is_some()));
    put_signed(out, status.unwrap_or(0));
    put_text(out, exception);
}

/// Reads rows' numbers.
pub(crate) struct RowReader {
    next: usize,
}

impl RowReader {
    pub(crate) fn new() -> Self {
        Self { next: 0 }
    }

    /// The next row's number and flags.
    fn flags(&mut self, from: &mut Cursor<'_>) -> Result<Option<(usize, u64)>, ReportError> {
        let Some(number) = from.number()?.checked_sub(1) else { return Ok(None) };
        let row = usize::try_from(number >> FLAG_BITS)
            .ok()
            .and_then(|gap| self.next.checked_add(gap))
            .filter(|row| *row < u32::MAX as usize)
            .ok_or(ReportError::Malformed("a row's number"))?;
        self.next = row + 1;
        Ok(Some((row, number & ((1 << FLAG_BITS) - 1))))
    }

    /// The next row's number, and whether it is new.
    pub(crate) fn row(
        &mut self,
        from: &mut Cursor<'_>,
    ) -> Result<Option<(usize, bool)>, ReportError> {
        Ok(self.flags(from)?.map(|(row, flags)| (row, flags & IS_NEW != 0)))
    }
}

impl<'a> Rows<'a> {
    /// `has` is what the master knows: the names of such endpoints are not kept. What is new may
    /// take as many bytes as there is `room`.
    pub(crate) fn read(
        from: &mut Cursor<'a>,
        has: Has,
        room: &mut Room,
    ) -> Result<Self, ReportError> {
        let methods = read_table(from, room, Cursor::text)?;
        let outcomes = read_table(from, room, |from| {
            let has_status = from.byte()? != 0;
            let status = from.signed()?;
            Ok((has_status.then_some(status), from.text()?))
        })?;
        let endpoints = read_endpoints(from, has.endpoints, room)?;
        let mut errors = Vec::new();
        let mut reader = RowReader::new();
        while let Some((row, is_new)) = reader.row(from)? {
            let label =
                if is_new { Some((from.size()?, from.text()?, from.text()?)) } else { None };
            let occurrences = from.number()?;
            let (first_seen, last_seen) = (from.float()?, from.float()?);
            room.of_row::<ErrorPart<'_>>(row, has.errors)?;
            errors.push(ErrorPart { row, label, occurrences, first_seen, last_seen });
        }
        let mut exceptions = Vec::new();
        let mut reader = RowReader::new();
        while let Some((row, is_new)) = reader.row(from)? {
            let message = if is_new { Some(from.text()?) } else { None };
            room.of_row::<ExceptionPart<'_>>(row, has.exceptions)?;
            exceptions.push(ExceptionPart { row, message, count: from.number()? });
        }
        Ok(Self { methods, outcomes, endpoints, errors, exceptions })
    }
}

/// How many rows of an incarnation the master knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Has {
    pub(crate) endpoints: usize,
    pub(crate) errors: usize,
    pub(crate) exceptions: usize,
}

/// Bytes that may still be taken: a report of a few bytes a row stands for rows of many.
pub(crate) struct Room(pub(crate) usize);

impl Room {
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ReportError> {
        self.0 = self.0.checked_sub(bytes).ok_or(ReportError::NoRoom)?;
        Ok(())
    }

    /// For a row, if it is none of the known ones.
    fn of_row<T>(&mut self, row: usize, known: usize) -> Result<(), ReportError> {
        if row < known { Ok(()) } else { self.take(size_of::<T>()) }
    }
}

fn read_table<'a, T>(
    from: &mut Cursor<'a>,
    room: &mut Room,
    read: impl Fn(&mut Cursor<'a>) -> Result<T, ReportError>,
) -> Result<(usize, Vec<T>), ReportError> {
    let first = from.size()?;
    let mut values = Vec::new();
    for _ in 0..from.size()? {
        room.take(size_of::<T>() + size_of::<Text>())?;
        values.push(read(from)?);
    }
    Ok((first, values))
}

fn read_endpoints<'a>(
    from: &mut Cursor<'a>,
    known: usize,
    room: &mut Room,
) -> Result<Vec<EndpointPart<'a>>, ReportError> {
    let mut endpoints = Vec::new();
    let mut reader = RowReader::new();
    let mut name = String::new();
    while let Some((row, flags)) = reader.flags(from)? {
        let label = if flags & IS_NEW != 0 {
            let method = from.size()?;
            let shared = from.size()?;
            if shared > MOST_SHARED || !name.is_char_boundary(shared) {
                return Err(ReportError::Malformed("a name's beginning"));
            }
            name.truncate(shared);
            name.push_str(from.text()?);
            room.take(if row < known { 0 } else { name.len() })?;
            (row >= known).then(|| Label { method, name: name.as_str().into() })
        } else {
            None
        };
        let extremes = match flags & (SAME_EXTREMES | OWN_EXTREMES) {
            0 => Extremes::None,
            SAME_EXTREMES => Extremes::Same,
            _ => Extremes::Own(from.float()?, from.float()?),
        };
        room.of_row::<EndpointPart<'_>>(row, known)?;
        endpoints.push(EndpointPart { row, label, extremes, numbers: from.bytes()? });
    }
    Ok(endpoints)
}
