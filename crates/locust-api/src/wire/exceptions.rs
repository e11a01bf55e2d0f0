//! `/exceptions` and `/exceptions/csv`.

use locust_model::{Exception, Text};
use serde::de::MapAccess;

use super::Malformed;
use super::csv_table::Table;
use super::json::{self, As, Shape, key};
use super::kept::{EXCEPTIONS_ROOM, Kept};
use super::row::{Context, ReadRow, Rows};
use super::text::unescaped;
use super::value::{count, skip, text};
use crate::Rejected;

/// What `/exceptions`, or `/exceptions/csv`, says.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Exceptions {
    /// The exceptions that user code raised outside of requests.
    pub exceptions: Vec<Exception>,
    /// What was left out.
    pub rejected: Rejected,
}

impl Exceptions {
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, Malformed> {
        json::read(body, || Page)?.ok_or(Malformed::Shape("it is JSON without exceptions"))
    }

    pub(crate) fn parse_csv(body: &[u8]) -> Result<Self, Malformed> {
        let mut table = Table::new(body, &["Count", "Message"])?;
        let (count, message) = (table.column("Count"), table.column("Message"));
        let (traceback, nodes) = (table.column("Traceback"), table.column("Nodes"));
        let mut page = Self::default();
        let mut exceptions = Kept::new(EXCEPTIONS_ROOM);
        let rejected = &mut page.rejected;
        while let Some(row) = table.next_row(rejected)? {
            let message = row.text(message, rejected).map(Text::from);
            let (Some(count), Some(message)) = (row.count(count, rejected), message) else {
                continue;
            };
            let exception = Exception {
                message,
                count,
                traceback: row.text(traceback, rejected).unwrap_or_default().into(),
                nodes: split(row.text(nodes, rejected).unwrap_or_default()),
            };
            exceptions.push(exception, rejected);
        }
        page.exceptions = exceptions.into_rows();
        Ok(page)
    }

    /// Undoes the HTML escaping of Locust up to 2.37.12. (In the CSV there is none.)
    pub(crate) fn unescape(&mut self) {
        for exception in &mut self.exceptions {
            exception.message = unescaped(&exception.message).into();
            exception.traceback = unescaped(&exception.traceback).into();
        }
    }
}

fn split(nodes: &str) -> Vec<Text> {
    nodes.split(", ").filter(|node| !node.is_empty()).map(Text::from).collect()
}

struct Page;

impl<'de> Shape<'de> for Page {
    type Value = Option<Exceptions>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut context = Context::default();
        let mut exceptions = None;
        while let Some(key) = key(&mut map)? {
            if key == "exceptions" {
                let rows = Rows { context: &mut context, row: ExceptionRow, room: EXCEPTIONS_ROOM };
                exceptions = map.next_value_seed(As(rows))?;
            } else {
                skip(&mut map)?;
            }
        }
        let rejected = context.rejected;
        Ok(exceptions.map(|exceptions| Exceptions { exceptions, rejected }))
    }
}

struct ExceptionRow;

impl ReadRow for ExceptionRow {
    type Row = Exception;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        context: &mut Context,
        exceptions: &mut Kept<Exception>,
    ) -> Result<(), A::Error> {
        let rejected = &mut context.rejected;
        let mut occurrences = None;
        let mut exception = Exception {
            message: Text::default(),
            count: 0,
            traceback: Text::default(),
            nodes: Vec::new(),
        };
        let map = &mut map;
        while let Some(key) = key(map)? {
            match &*key {
                "count" => occurrences = count(map, rejected)?,
                "msg" => {
                    exception.message =
                        text(map, rejected, |text| Text::from(text))?.unwrap_or_default();
                }
                "traceback" => {
                    exception.traceback =
                        text(map, rejected, |text| Text::from(text))?.unwrap_or_default();
                }
                "nodes" => exception.nodes = text(map, rejected, split)?.unwrap_or_default(),
                _ => skip(map)?,
            }
        }
        // Without a valid count there is nothing to tell.
        if let Some(count) = occurrences {
            exceptions.push(Exception { count, ..exception }, rejected);
        }
        Ok(())
    }
}
