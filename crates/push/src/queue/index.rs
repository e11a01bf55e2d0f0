//! The index of a queue: what waits, where, and how much that is.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::batch::Batch;
use crate::queue::Room;
use crate::spool::{HEADER, Kept};
use crate::stats::{Dropped, Stats};

/// A disk gives out whole blocks. Counting them bounds the number of files, too.
const BLOCK: u64 = 4096;

/// Bytes that count for a batch whose file has so many.
pub(super) fn cost(file_len: u64) -> u64 {
    file_len.next_multiple_of(BLOCK)
}

/// A batch that waits.
#[derive(Debug)]
struct Entry {
    /// Its place in the order, and the name of its file.
    number: u64,
    points: u64,
    /// Bytes that count for it.
    cost: u64,
    /// It, if it is not on disk. (Boxed: a spool may hold very many that are.)
    held: Option<Box<Batch>>,
    /// It may have arrived already.
    is_doubtful: bool,
}

/// What is first in the queue.
#[derive(Debug)]
pub(super) enum Head {
    None,
    /// Is being brought to the disk.
    Unsaved,
    OnDisk(u64),
    Here(Batch),
}

/// How the disk was when it was last written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disk {
    /// There is no spool.
    Unused,
    Works,
    Fails,
}

#[derive(Debug)]
pub(super) struct Index {
    entries: VecDeque<Entry>,
    next: u64,
    /// The first one is being sent.
    is_claimed: bool,
    /// Sums of `points`; of `cost` of those held in memory, and of those on disk.
    points: u64,
    held: u64,
    spooled: u64,
    room: Room,
    disk: Disk,
    /// How many writes are under way, or about to begin, that bring to the disk what is held in
    /// memory.
    saving: u32,
    /// Points that were dropped since there was no more room.
    dropping: Option<u64>,
    /// A damaged file was logged.
    has_damaged: bool,
    /// Files whose batches are gone, and that are still to be removed.
    leftover: Vec<u64>,
    stats: Arc<Stats>,
}

impl Index {
    pub(super) fn new(room: Room, has_spool: bool, stats: Arc<Stats>) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 1,
            is_claimed: false,
            points: 0,
            held: 0,
            spooled: 0,
            room,
            disk: if has_spool { Disk::Works } else { Disk::Unused },
            saving: 0,
            dropping: None,
            has_damaged: false,
            leftover: Vec::new(),
            stats,
        }
    }

    pub(super) fn points(&self) -> u64 {
        self.points
    }

    /// Takes in what lies on disk, the oldest first; `next` is behind all numbers that are taken.
    pub(super) fn found(&mut self, batches: &[Kept], next: u64) {
        for &Kept { number, points, bytes, .. } in batches {
            self.push(Entry { number, points, cost: cost(bytes), held: None, is_doubtful: true });
        }
        self.next = self.next.max(next);
        self.trim();
    }

    /// Files that must go.
    pub(super) fn take_leftover(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.leftover)
    }

    /// These files could not be removed.
    pub(super) fn left(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.leftover.extend(numbers);
    }

    /// Takes batches in. With a spool, [`Self::saved`] must follow.
    pub(super) fn put(&mut self, batches: Vec<Batch>) {
        self.saving += u32::from(self.disk != Disk::Unused);
        for batch in batches {
            let number = self.next;
            self.next += 1;
            self.push(Entry {
                number,
                points: batch.points(),
                cost: cost((HEADER + batch.body.len()) as u64),
                held: Some(Box::new(batch)),
                is_doubtful: false,
            });
        }
        self.trim();
    }

    /// Something is being brought to the disk.
    pub(super) fn is_saving(&self) -> bool {
        self.saving > 0
    }

    /// What is to be brought to the disk: all that is in memory, but what is being sent.
    pub(super) fn unsaved(&self) -> Vec<(u64, Batch)> {
        let entries = self.entries.iter().skip(usize::from(self.is_claimed));
        entries.filter_map(|entry| Some((entry.number, entry.held.as_deref()?.clone()))).collect()
    }

    /// A write has ended: these are on disk now. [`Self::wrote`] tells how it went.
    pub(super) fn saved(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.saving = self.saving.saturating_sub(1);
        for number in numbers {
            // Numbers grow. One that is no longer there was dropped meanwhile, or abandoned: none
            // is taken while it is being saved, and one that was taken before is not saved.
            let Ok(at) = self.entries.binary_search_by_key(&number, |entry| entry.number) else {
                continue;
            };
            let entry = &mut self.entries[at];
            if entry.held.take().is_some() {
                self.held -= entry.cost;
                self.spooled += entry.cost;
            }
        }
        self.gauge();
    }

    /// How the last write went.
    pub(super) fn wrote(&mut self, error: Option<&io::Error>) {
        match error {
            Some(error) => self.spool_failed(error),
            None => self.spool_works(),
        }
    }

    /// The disk cannot be written: memory must do.
    fn spool_failed(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.disk, Disk::Fails) != Disk::Fails {
            tracing::error!(
                sink = self.stats.sink(),
                %error,
                max_bytes = self.room.memory,
                "the spool cannot be written: what comes is kept in memory alone until it can"
            );
        }
        self.trim();
    }

    fn spool_works(&mut self) {
        if std::mem::replace(&mut self.disk, Disk::Works) == Disk::Fails {
            tracing::info!(sink = self.stats.sink(), "the spool can be written again");
        }
    }

    /// Begins to send the first one.
    pub(super) fn claim(&mut self) -> Head {
        let head = match self.entries.front() {
            None => Head::None,
            Some(Entry { number, held: None, .. }) => Head::OnDisk(*number),
            Some(_) if self.is_saving() => Head::Unsaved,
            Some(Entry { held: Some(batch), .. }) => Head::Here((**batch).clone()),
        };
        self.is_claimed = matches!(head, Head::OnDisk(_) | Head::Here(_));
        head
    }

    /// The first one may have arrived.
    pub(super) fn doubt(&mut self) {
        if let Some(entry) = self.entries.front_mut() {
            entry.is_doubtful = true;
        }
    }

    /// Whether the first one may have arrived before.
    pub(super) fn is_doubtful(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.is_doubtful)
    }

    /// The first one is no longer being sent. Whether it is to be brought to the disk now: while it
    /// was being sent it was passed over, and the disk may work again. If so,
    /// [`Self::saved`] must follow.
    pub(super) fn release(&mut self) -> bool {
        self.is_claimed = false;
        let is_held = self.entries.front().is_some_and(|entry| entry.held.is_some());
        let is_to_save = is_held && (self.disk == Disk::Works || self.is_saving());
        self.saving += u32::from(is_to_save);
        is_to_save
    }

    /// Takes out the first one, which was claimed. Gives its number.
    pub(super) fn pop(&mut self) -> Option<u64> {
        self.is_claimed = false;
        let entry = self.remove(0)?;
        let is_roomy =
            self.held <= self.room.memory / 2 && self.held + self.spooled <= self.room.spool / 2;
        if is_roomy && let Some(points) = self.dropping.take() {
            tracing::warn!(
                sink = self.stats.sink(),
                points,
                "there is room again in the queue: so many points were dropped"
            );
        }
        self.gauge();
        Some(entry.number)
    }

    /// Takes out the first one, whose file is damaged. Whether it is the first such.
    pub(super) fn damaged(&mut self) -> bool {
        let points = self.entries.front().map_or(0, |entry| entry.points);
        self.pop();
        self.stats.dropped(Dropped::Damaged, points.max(1));
        !std::mem::replace(&mut self.has_damaged, true)
    }

    /// Why what is there was not sent before the end.
    pub(super) fn held_up_by(&self) -> String {
        self.stats.held_up_by().unwrap_or_else(|| {
            let is_asked = self.is_claimed && !self.entries.is_empty();
            if is_asked { "no answer came in time" } else { "the time was over" }.to_owned()
        })
    }

    /// Forgets what is in memory. Gives the points on disk and those that were in memory.
    pub(super) fn abandon(&mut self) -> (u64, u64) {
        if let Some(points) = self.dropping.take() {
            tracing::warn!(
                sink = self.stats.sink(),
                points,
                cause = self.stats.held_up_by(),
                "the queue was full until the end: so many points were dropped"
            );
        }
        let held = self.entries.iter().filter(|entry| entry.held.is_some());
        let lost = held.map(|entry| entry.points).sum();
        self.entries.retain(|entry| entry.held.is_none());
        self.points -= lost;
        self.held = 0;
        self.gauge();
        (self.points, lost)
    }

    fn push(&mut self, entry: Entry) {
        self.points += entry.points;
        *self.sum(&entry) += entry.cost;
        self.entries.push_back(entry);
    }

    fn remove(&mut self, index: usize) -> Option<Entry> {
        let entry = self.entries.remove(index)?;
        self.points -= entry.points;
        *self.sum(&entry) -= entry.cost;
        Some(entry)
    }

    fn sum(&mut self, entry: &Entry) -> &mut u64 {
        if entry.held.is_some() { &mut self.held } else { &mut self.spooled }
    }

    /// Drops the oldest until the rest has room.
    ///
    /// Memory's bound does not hold for what is about to be brought to the disk: it is one pass.
    fn trim(&mut self) {
        let mut points = 0;
        while self.held + self.spooled > self.room.spool {
            let Some(entry) = self.drop_oldest(|_| true) else { break };
            points += entry.points;
            // Besides the write that is about to begin, one under way may be bringing it there.
            if entry.held.is_none() || self.saving > 1 {
                self.leftover.push(entry.number);
            }
        }
        if !self.is_saving() {
            while self.held > self.room.memory {
                let Some(entry) = self.drop_oldest(|entry| entry.held.is_some()) else { break };
                points += entry.points;
            }
        }
        self.count_dropped(points);
        self.gauge();
    }

    /// Takes out the oldest such one that is not being sent. The newest stays, however little room
    /// there is: nothing would ever be sent otherwise.
    fn drop_oldest(&mut self, is_such: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let first = usize::from(self.is_claimed);
        let oldest = first + self.entries.iter().skip(first).position(is_such)?;
        if oldest + 1 < self.entries.len() { self.remove(oldest) } else { None }
    }

    fn count_dropped(&mut self, points: u64) {
        if points == 0 {
            return;
        }
        self.stats.dropped(Dropped::QueueFull, points);
        if self.dropping.is_none() {
            tracing::warn!(
                sink = self.stats.sink(),
                bytes = self.held + self.spooled,
                "the queue is full: the oldest points are dropped to make room for new ones"
            );
        }
        *self.dropping.get_or_insert(0) += points;
    }

    fn gauge(&self) {
        self.stats.queued(self.points, self.held + self.spooled, self.spooled);
    }
}
