//! Counts by cell, of which only those near used ones take memory.

use std::sync::OnceLock;

use crate::atomic::{Count, Half};
use crate::near::LINE;
use crate::partition::MOST_CELLS;

/// Cells that are made together.
const PAGE_CELLS: u16 = 128;
const PAGE: usize = PAGE_CELLS as usize;
const PAGES: usize = MOST_CELLS.div_ceil(PAGE);
/// Each word of bits holds so many.
const WORD_CELLS: u16 = 64;
const WORD: usize = WORD_CELLS as usize;

/// Cells side by side.
#[derive(Debug)]
struct Page {
    /// One bit for each cell that was hit, so that a reader need not look at the others.
    hit: [Count; PAGE / WORD],
    /// The lower halves of the counts. Memory that is not needed is not only saved: with thousands
    /// of endpoints it is what an event waits for.
    lower: [Half; PAGE],
    /// The upper halves, once there is one.
    upper: OnceLock<Box<[Half; PAGE]>>,
}

/// How often each cell was hit.
#[derive(Debug)]
pub(crate) struct Distribution {
    /// One bit for each page that is there.
    made: Count,
    pages: [OnceLock<Box<Page>>; PAGES],
}

const _: () = assert!(PAGES <= WORD, "a bit for each page");

impl Default for Distribution {
    fn default() -> Self {
        Self { made: Count::default(), pages: [const { OnceLock::new() }; PAGES] }
    }
}

impl Distribution {
    /// Counts one more in a cell.
    #[inline]
    pub(crate) fn hit(&self, cell: u16) {
        let (page, at) = (usize::from(cell) / PAGE, usize::from(cell) % PAGE);
        // A partition has no more cells than there are pages for.
        let Some(place) = self.pages.get(page) else { return };
        match place.get() {
            Some(made) => made.hit(at),
            None => self.make(page, place).hit(at),
        }
    }

    /// Counts more in a cell.
    pub(crate) fn add(&self, cell: u16, more: u64) {
        let (page, at) = (usize::from(cell) / PAGE, usize::from(cell) % PAGE);
        let Some(place) = self.pages.get(page) else { return };
        match place.get() {
            Some(made) => made.add(at, more),
            None => self.make(page, place).add(at, more),
        }
    }

    #[cold]
    fn make<'a>(&self, page: usize, place: &'a OnceLock<Box<Page>>) -> &'a Page {
        let made = place.get_or_init(Box::default);
        self.made.set(self.made.get() | 1 << page);
        made
    }

    /// Looks at where its pages are told.
    pub(crate) fn look(&self) -> u64 {
        self.made.get()
    }

    /// Looks at every line of its pages.
    pub(crate) fn look_further(&self) -> u64 {
        let pages = bits(self.made.get()).filter_map(|page| self.pages.get(usize::from(page)));
        let made = pages.filter_map(OnceLock::get);
        made.fold(0, |sum, page| sum.wrapping_add(page.look()))
    }

    /// Adds every cell that was hit and how often, ascending.
    pub(crate) fn read_into(&self, cells: &mut Vec<(u16, u64)>) {
        for number in bits(self.made.get()) {
            let place = self.pages.get(usize::from(number));
            if let Some(page) = place.and_then(OnceLock::get) {
                page.read_into(number * PAGE_CELLS, cells);
            }
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self {
            hit: Default::default(),
            lower: [const { Half::new(0) }; PAGE],
            upper: OnceLock::new(),
        }
    }
}

impl Page {
    #[inline]
    fn hit(&self, at: usize) {
        let count = self.lower[at].get();
        if count == 0 {
            let hit = &self.hit[at / WORD];
            hit.set(hit.get() | 1 << (at % WORD));
        }
        self.lower[at].set(count.wrapping_add(1));
        if count == u32::MAX {
            self.carry(at);
        }
    }

    #[cold]
    fn carry(&self, at: usize) {
        let upper = self.upper(at);
        upper.set(upper.get().wrapping_add(1));
    }

    fn upper(&self, at: usize) -> &Half {
        &self.upper.get_or_init(|| Box::new([const { Half::new(0) }; PAGE]))[at]
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a count")]
    fn add(&self, at: usize, more: u64) {
        let upper = self.upper.get().map_or(0, |upper| upper[at].get());
        let count = (u64::from(upper) << 32 | u64::from(self.lower[at].get())).wrapping_add(more);
        if count != 0 {
            let hit = &self.hit[at / WORD];
            hit.set(hit.get() | 1 << (at % WORD));
        }
        self.lower[at].set(count as u32);
        if count >> 32 != 0 {
            self.upper(at).set((count >> 32) as u32);
        }
    }

    /// Looks at each line.
    fn look(&self) -> u64 {
        let counts = self.lower.iter().step_by(LINE / size_of::<Half>());
        counts.fold(self.hit[0].get(), |sum, count| sum.wrapping_add(count.get().into()))
    }

    /// The number of cells is known before they are read, so that there is nothing to decide for
    /// each: it could not be foretold.
    fn read_into(&self, first: u16, cells: &mut Vec<(u16, u64)>) {
        let begin = cells.len();
        let (words, _) = self.lower.as_chunks::<WORD>();
        for (word, (hit, lower)) in (0..).zip(self.hit.iter().zip(words)) {
            let (hit, first) = (hit.get(), first + word * WORD_CELLS);
            let mut bits = bits(hit);
            cells.extend((0..hit.count_ones()).map(|_| {
                let bit = bits.next().unwrap_or_default() % WORD_CELLS;
                (first + bit, u64::from(lower[usize::from(bit)].get()))
            }));
        }
        if let Some(upper) = self.upper.get() {
            for (cell, count) in &mut cells[begin..] {
                *count |= u64::from(upper[usize::from(*cell - first)].get()) << 32;
            }
        }
    }
}

/// Numbers of the bits that are set, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        u16::try_from(bit).ok().filter(|&bit| bit < 64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_can_be_hit_and_is_read_in_order() {
        let distribution = Distribution::default();
        let last = u16::try_from(MOST_CELLS - 1).expect("a cell");
        for cell in [last, 4096, 63, 64, 127, 128, 0, 64] {
            distribution.hit(cell);
        }
        let mut cells = Vec::new();
        distribution.read_into(&mut cells);
        assert_eq!(cells, [(0, 1), (63, 1), (64, 2), (127, 1), (128, 1), (4096, 1), (last, 1)]);
    }

    #[test]
    fn a_count_outgrows_its_lower_half() {
        let distribution = Distribution::default();
        distribution.hit(200);
        distribution.hit(201);
        distribution.pages[1].get().expect("made").lower[72].set(u32::MAX - 1);
        let counts = [(); 4].map(|()| {
            distribution.hit(200);
            let mut cells = Vec::new();
            distribution.read_into(&mut cells);
            assert_eq!(cells[1], (201, 1), "its neighbour");
            cells[0]
        });
        let most = u64::from(u32::MAX);
        assert_eq!(counts, [(200, most), (200, most + 1), (200, most + 2), (200, most + 3)]);
    }

    #[test]
    fn many_are_added_at_once() {
        let distribution = Distribution::default();
        distribution.hit(200);
        distribution.add(200, u64::from(u32::MAX));
        distribution.add(7, 3);
        distribution.add(9, 0);
        let mut cells = Vec::new();
        distribution.read_into(&mut cells);
        assert_eq!(cells, [(7, 3), (200, 1 << 32)]);
    }

    #[test]
    fn a_cell_beyond_all_pages_is_no_cell() {
        let distribution = Distribution::default();
        distribution.hit(u16::MAX);
        let mut cells = Vec::new();
        distribution.read_into(&mut cells);
        assert_eq!(cells, []);
    }
}
