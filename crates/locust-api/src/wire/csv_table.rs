//! A CSV whose columns are found by their names.

use csv::ByteRecord;

use super::Malformed;
use super::kept::cut;
use super::value::whole;
use crate::Rejected;

const WHAT: &str = "CSV";

/// A CSV being read.
pub(super) struct Table<'a> {
    reader: csv::Reader<&'a [u8]>,
    columns: Vec<String>,
    record: ByteRecord,
    bytes: usize,
}

impl<'a> Table<'a> {
    /// Begins to read; the columns named must be there.
    pub(super) fn new(body: &'a [u8], required: &[&str]) -> Result<Self, Malformed> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
        let header = reader.byte_headers().map_err(|error| invalid(&error))?;
        let columns: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        if let Some(missing) = required.iter().find(|name| !columns.iter().any(|c| c == *name)) {
            return Err(Malformed::Invalid {
                what: WHAT,
                cause: format!("it has no column {missing:?}"),
            });
        }
        Ok(Self { reader, columns, record: ByteRecord::new(), bytes: body.len() })
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
        while self.reader.read_byte_record(&mut self.record).map_err(|error| invalid(&error))? {
            if self.record.len() == self.columns.len() {
                return Ok(Some(Row::of(&self.record)));
            }
            was_wrong = true;
            rejected.add(Rejected::WRONG_LENGTH);
        }
        if was_wrong {
            return Err(Malformed::Cut { what: WHAT, bytes: self.bytes });
        }
        Ok(None)
    }
}

/// A row of a [`Table`].
pub(super) struct Row<'t> {
    record: &'t ByteRecord,
    /// All fields in one, if that is UTF-8: one look is cheaper than one for each field.
    text: Option<&'t str>,
}

impl<'t> Row<'t> {
    fn of(record: &'t ByteRecord) -> Self {
        Self { record, text: str::from_utf8(record.as_slice()).ok() }
    }

    /// A text of the row.
    pub(super) fn text(&self, column: Option<usize>, rejected: &mut Rejected) -> Option<&'t str> {
        let column = column?;
        let whole = || self.text?.get(self.record.range(column)?);
        if let Some(text) = whole() {
            return Some(cut(text));
        }
        let text = str::from_utf8(self.record.get(column)?);
        if text.is_err() {
            rejected.add(Rejected::NOT_UTF8);
        }
        text.ok().map(cut)
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
