//! A CSV whose columns are found by their names.

use std::ops::Range;

use csv::ByteRecord;
use memchr::{memchr, memchr_iter, memchr2};

use super::Malformed;
use super::value::whole;
use crate::Rejected;

const WHAT: &str = "CSV";

/// A CSV being read.
pub(super) struct Table<'a> {
    rest: Rest<'a>,
    columns: Vec<String>,
    /// The row at hand, if it is a plain line; else it is in the record.
    line: Option<&'a [u8]>,
    record: ByteRecord,
    /// Where the fields of the row at hand are, in one or the other.
    fields: Vec<Range<usize>>,
    bytes: usize,
}

/// What has not been read yet.
enum Rest<'a> {
    /// No quote has been seen: a row is a line, and a field ends at a comma. Nearly every Locust's
    /// CSV is so to its end, and it takes half the time to read it so.
    Plain(&'a [u8]),
    /// From the first row with a quote on.
    Quoted(Box<csv::Reader<&'a [u8]>>),
}

impl<'a> Table<'a> {
    /// Begins to read; the columns named must be there.
    pub(super) fn new(body: &'a [u8], required: &[&str]) -> Result<Self, Malformed> {
        let mut reader = reader(body);
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).map_err(|error| invalid(&error))?;
        let columns: Vec<String> = record
            .iter()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        if let Some(missing) = required.iter().find(|name| !columns.iter().any(|c| c == *name)) {
            return Err(Malformed::Invalid {
                what: WHAT,
                cause: format!("it has no column {missing:?}"),
            });
        }
        let read = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let rest = Rest::Plain(body.get(read..).unwrap_or_default());
        Ok(Self { rest, columns, line: None, record, fields: Vec::new(), bytes: body.len() })
    }

    /// The columns' names.
    pub(super) fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        self.columns.iter().enumerate().map(|(at, name)| (at, name.as_str()))
    }

    /// Where a column is.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The next row of the right length. Others are counted, but for the last one, which shows
    /// that the end is missing.
    pub(super) fn next_row(
        &mut self,
        rejected: &mut Rejected,
    ) -> Result<Option<Row<'_>>, Malformed> {
        let mut was_wrong = false;
        while self.advance()? {
            if self.fields.len() == self.columns.len() {
                let bytes = self.line.unwrap_or(self.record.as_slice());
                return Ok(Some(Row::of(bytes, &self.fields)));
            }
            was_wrong = true;
            rejected.add(Rejected::WRONG_LENGTH);
        }
        if was_wrong {
            return Err(Malformed::Cut { what: WHAT, bytes: self.bytes });
        }
        Ok(None)
    }

    /// Finds the fields of the next row, if there is one: in the line, or else in the record.
    fn advance(&mut self) -> Result<bool, Malformed> {
        self.fields.clear();
        self.line = None;
        while let Rest::Plain(rest) = self.rest {
            if rest.is_empty() {
                return Ok(false);
            }
            let Some((line, after)) = plain_line(rest) else {
                self.rest = Rest::Quoted(Box::new(reader(rest)));
                break;
            };
            self.rest = Rest::Plain(after);
            if !line.is_empty() {
                split(line, &mut self.fields);
                self.line = Some(line);
                return Ok(true);
            }
        }
        let Rest::Quoted(reader) = &mut self.rest else { return Ok(false) };
        let is_there =
            reader.read_byte_record(&mut self.record).map_err(|error| invalid(&error))?;
        if is_there {
            self.fields.extend((0..self.record.len()).filter_map(|at| self.record.range(at)));
        }
        Ok(is_there)
    }
}

fn reader(body: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(body)
}

/// The first line, and what follows it, if it is plain: without a quote, and without a carriage
/// return but at its end.
fn plain_line(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, after) = match memchr(b'\n', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    memchr2(b'"', b'\r', line).is_none().then_some((line, after))
}

fn split(line: &[u8], fields: &mut Vec<Range<usize>>) {
    let mut begin = 0;
    for comma in memchr_iter(b',', line) {
        fields.push(begin..comma);
        begin = comma + 1;
    }
    fields.push(begin..line.len());
}

/// A row of a [`Table`].
pub(super) struct Row<'t> {
    bytes: &'t [u8],
    fields: &'t [Range<usize>],
    /// All fields in one, if that is UTF-8: one look is cheaper than one for each field.
    text: Option<&'t str>,
}

impl<'t> Row<'t> {
    fn of(bytes: &'t [u8], fields: &'t [Range<usize>]) -> Self {
        Self { bytes, fields, text: str::from_utf8(bytes).ok() }
    }

    /// A text of the row.
    pub(super) fn text(&self, column: Option<usize>, rejected: &mut Rejected) -> Option<&'t str> {
        let field = self.fields.get(column?)?.clone();
        if let Some(text) = self.text.and_then(|text| text.get(field.clone())) {
            return Some(text);
        }
        let text = str::from_utf8(self.bytes.get(field)?);
        if text.is_err() {
            rejected.add(Rejected::NOT_UTF8);
        }
        text.ok()
    }

    /// A number of the row; `None` where there is none (`N/A`).
    pub(super) fn number(&self, column: Option<usize>, rejected: &mut Rejected) -> Option<f64> {
        number(self.text(column, rejected)?, rejected)
    }

    /// A count of the row.
    pub(super) fn count(&self, column: Option<usize>, rejected: &mut Rejected) -> Option<u64> {
        let text = self.text(column, rejected)?;
        digits(text).or_else(|| whole(number(text, rejected)?, rejected))
    }
}

fn number(text: &str, rejected: &mut Rejected) -> Option<f64> {
    // Most numbers are whole milliseconds: these need no reader of decimals.
    if let Some(count) = digits(text) {
        return Some(count as f64);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number),
        _ => odd_number(text.trim(), rejected),
    }
}

/// The number that a text of digits alone stands for.
fn digits(text: &str) -> Option<u64> {
    /// Any number of this many digits fits.
    const MAX: usize = 19;
    if text.is_empty() || text.len() > MAX {
        return None;
    }
    text.bytes().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// What is not plainly a number.
#[cold]
fn odd_number(text: &str, rejected: &mut Rejected) -> Option<f64> {
    if text.is_empty() || text == "N/A" {
        return None;
    }
    let reason = match text.parse::<f64>() {
        Ok(number) if number.is_finite() => return Some(number),
        Ok(_) => Rejected::NOT_FINITE,
        Err(_) => Rejected::WRONG_TYPE,
    };
    rejected.add(reason);
    None
}

fn invalid(error: &csv::Error) -> Malformed {
    Malformed::Invalid { what: WHAT, cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rows' fields.
    fn rows(body: &[u8]) -> Vec<Vec<String>> {
        let mut rejected = Rejected::default();
        let mut table = Table::new(body, &[]).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next_row(&mut rejected).unwrap() {
            let texts = (0..row.fields.len()).map(|at| row.text(Some(at), &mut rejected).unwrap());
            rows.push(texts.map(str::to_owned).collect());
        }
        rows
    }

    #[test]
    fn rows_before_and_behind_the_first_quote_are_read_alike() {
        assert_eq!(
            rows(b"a,b\r\n1,2\r\n\r\n\"x,\"\"y\"\"\n\",3\r\n4,\n5,6"),
            [["1", "2"], ["x,\"y\"\n", "3"], ["4", ""], ["5", "6"]]
        );
    }

    proptest::proptest! {
        #[test]
        fn plain_lines_are_read_as_the_csv_reader_reads_them(
            lines in proptest::collection::vec("[a-c ,]{0,6}(\r?\n)?", 0..8),
        ) {
            let body = format!("a,b\n{}", lines.concat());
            let mut reader = reader(body.as_bytes());
            let expected: Vec<Vec<String>> = reader
                .records()
                .skip(1)
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .filter(|fields: &Vec<String>| fields.len() == 2)
                .collect();
            let mut rejected = Rejected::default();
            let mut table = Table::new(body.as_bytes(), &[]).unwrap();
            let mut found = Vec::new();
            // A last row of another length is an error; those before it count.
            while let Ok(Some(row)) = table.next_row(&mut rejected) {
                let fields = [0, 1].map(|at| row.text(Some(at), &mut Rejected::default()));
                found.push(fields.map(|text| text.unwrap_or_default().to_owned()).to_vec());
            }
            proptest::prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_character_cut_in_two_by_a_field_s_end_is_no_text() {
        let mut rejected = Rejected::default();
        let mut table = Table::new(b"a,b,c\n\xc3,\xa9,\xc3\xa9\n", &[]).unwrap();
        let row = table.next_row(&mut rejected).unwrap().unwrap();
        let texts = [0, 1, 2].map(|column| row.text(Some(column), &mut rejected));
        assert_eq!(texts, [None, None, Some("é")]);
        assert_eq!(rejected.count(Rejected::NOT_UTF8), 2);
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let mut rejected = Rejected::default();
        for (text, expected) in [
            ("0", 0.0),
            ("007", 7.0),
            (" 12 ", 12.0),
            ("-1.5", -1.5),
            ("488.61149018091464", 488.611_490_180_914_64),
            ("9999999999999999999", 1e19),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ] {
            assert_eq!(number(text, &mut rejected), Some(expected), "{text}");
        }
        assert!(rejected.is_empty());
    }

    #[test]
    fn what_is_no_number_is_none_and_counted_but_for_what_is_not_there() {
        let mut rejected = Rejected::default();
        for text in ["", " ", "N/A", "nan", "-inf", "1e999", "1,5", "１"] {
            assert_eq!(number(text, &mut rejected), None, "{text}");
        }
        assert_eq!(rejected.count(Rejected::NOT_FINITE), 3);
        assert_eq!(rejected.count(Rejected::WRONG_TYPE), 2);
    }

    #[test]
    fn a_count_keeps_its_last_digit_and_is_rounded_where_it_is_none() {
        let mut rejected = Rejected::default();
        let mut table = Table::new(b"a,b,c\n9007199254740993,2.5,-1\n", &[]).unwrap();
        let row = table.next_row(&mut rejected).unwrap().unwrap();
        let counts = [0, 1, 2].map(|column| row.count(Some(column), &mut rejected));
        assert_eq!(counts, [Some(9_007_199_254_740_993), Some(3), None]);
        assert_eq!(rejected.count(Rejected::NEGATIVE), 1);
    }
}
