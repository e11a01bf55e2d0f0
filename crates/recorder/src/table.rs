//! A list that grows at its end, and is read meanwhile by others without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows in the first part; each further part has twice as many as the one before.
const FIRST: usize = 16;
/// Enough for more rows than there can be.
const PARTS: usize = 32;

/// Rows that stay where they are. One thread adds.
#[derive(Debug)]
pub(crate) struct Table<T> {
    parts: [OnceLock<Box<[OnceLock<T>]>>; PARTS],
    len: AtomicUsize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { parts: [const { OnceLock::new() }; PARTS], len: AtomicUsize::new(0) }
    }
}

impl<T> Table<T> {
    /// Rows that can be seen.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// A row, once it has been added.
    pub(crate) fn get(&self, row: usize) -> Option<&T> {
        let (part, at) = place(row);
        self.parts.get(part)?.get()?.get(at)?.get()
    }

    /// Adds a row and answers its number.
    pub(crate) fn push(&self, value: T) -> usize {
        let row = self.len.load(Ordering::Relaxed);
        let (part, at) = place(row);
        let rows =
            self.parts[part].get_or_init(|| (0..FIRST << part).map(|_| OnceLock::new()).collect());
        // The place is free: only the one writer adds, and it has not been here yet.
        let added = rows[at].set(value).is_ok();
        debug_assert!(added, "two writers");
        self.len.store(row + 1, Ordering::Release);
        row
    }

    /// The rows that can be seen now.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|row| self.get(row))
    }
}

/// Part, and place in it.
fn place(row: usize) -> (usize, usize) {
    let part = (row / FIRST + 1).ilog2() as usize;
    (part, row - FIRST * ((1 << part) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn rows_lie_side_by_side() {
        let mut last = (0, 0);
        for row in 1..100_000 {
            let (part, at) = place(row);
            assert!(at < FIRST << part);
            let next =
                if last.1 + 1 < FIRST << last.0 { (last.0, last.1 + 1) } else { (last.0 + 1, 0) };
            assert_eq!((part, at), next, "row {row}");
            last = next;
        }
    }

    #[test]
    fn a_reader_sees_every_row_up_to_the_length() {
        const ROWS: usize = 20_000;
        let table = Arc::new(Table::default());
        let reader = std::thread::spawn({
            let table = Arc::clone(&table);
            move || {
                while table.len() < ROWS {
                    let len = table.len();
                    assert!(table.iter().take(len).copied().eq(0..len));
                    std::thread::yield_now();
                }
            }
        });
        for row in 0..ROWS {
            assert_eq!(table.push(row), row);
        }
        reader.join().expect("the reader");
        assert_eq!(table.get(ROWS), None);
    }
}
