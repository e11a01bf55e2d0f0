//! What waits to be sent to one backend, in order.
//!
//! Without a spool it waits in memory. With one, every batch is on disk before it is sent, and
//! memory holds an index; while the disk cannot be written, batches wait in memory as they would
//! without a spool, and go to the disk when it can be written again.
//!
//! Both rooms are bounded: when one is full, the oldest in it is dropped. What is being sent just
//! now is not: its fate is the backend's answer. Nor is the newest, even if it alone is too large.

mod index;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::point::Millis;
use crate::spool::{Found, ReadError, Spool, SpoolError};
use crate::stats::{Dropped, Stats};
use index::{Head, Index};

/// Bytes that may wait, in whole blocks (see [`index::cost`]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) memory: u64,
    /// On disk and in memory together, where there is a spool.
    pub(crate) spool: u64,
}

impl Room {
    /// What is left beside files that nobody here can send: however many they are, as much as there
    /// would be without a spool.
    fn beside(self, anothers: u64) -> Self {
        let least = self.memory.min(self.spool);
        Self { spool: self.spool.saturating_sub(anothers).max(least), ..self }
    }
}

/// The batches of one backend. One task puts, another takes.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Never locked while anything is awaited, or the disk is used.
    index: Arc<Mutex<Index>>,
    /// Locked while the disk is written: two writes at once would write the same.
    saving: Arc<Mutex<()>>,
    /// A write to the disk has ended.
    saved: Arc<Notify>,
    spool: Option<Arc<Spool>>,
    /// The newest batch's time that was there at the start.
    newest: Option<Millis>,
    /// There may be something to take now.
    stirred: Notify,
    /// Nothing more is put.
    closed: CancellationToken,
    stats: Arc<Stats>,
}

/// How often, and after what time each, a file is read again that the system does not let us read
/// (too many open files, say): in the end it is skipped.
const READS: u32 = 10;
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How long the end waits for a write to the disk that is under way, to learn what it saved: so much
/// later than [`Config::final_timeout`](crate::Config::final_timeout) says it may come.
pub const LAST_WRITE: Duration = Duration::from_secs(1);

impl Queue {
    /// In memory alone.
    pub(crate) fn in_memory(room: u64, stats: Arc<Stats>) -> Self {
        let room = Room { memory: room, spool: u64::MAX };
        Self::new(Index::new(room, false, Arc::clone(&stats)), None, None, stats)
    }

    /// On disk, and with what was left there.
    pub(crate) fn on_disk(
        folder: &Path,
        room: Room,
        stats: Arc<Stats>,
    ) -> Result<Self, SpoolError> {
        let (spool, found) = Spool::open(folder)?;
        let newest = found.batches.iter().map(|kept| kept.time).max();
        let anothers: u64 = found.anothers.iter().map(|bytes| index::cost(*bytes)).sum();
        let room = room.beside(anothers);
        let mut index = Index::new(room, true, Arc::clone(&stats));
        tell_found(&found, &spool, &stats);
        index.found(&found.batches, found.next);
        let without_room = index.take_leftover();
        index.left(forget(&spool, without_room, stats.sink()));
        Ok(Self::new(index, Some(Arc::new(spool)), newest, stats))
    }

    fn new(
        index: Index,
        spool: Option<Arc<Spool>>,
        newest: Option<Millis>,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            index: Arc::new(Mutex::new(index)),
            saving: Arc::default(),
            saved: Arc::default(),
            spool,
            newest,
            stirred: Notify::new(),
            closed: CancellationToken::new(),
            stats,
        }
    }

    /// The time of the newest batch that was there at the start.
    pub(crate) fn newest(&self) -> Option<Millis> {
        self.newest
    }

    /// The counters of its sink.
    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Points that wait.
    pub(crate) fn points(&self) -> u64 {
        self.index().points()
    }

    /// Where they wait, for a log.
    pub(crate) fn place(&self) -> Place<'_> {
        Place(self.spool.as_deref().map(Spool::folder))
    }

    /// Puts batches behind all others, in their order. With a spool it returns once they are on
    /// disk, or known not to be. If it is dropped meanwhile, they are in the queue, and are brought
    /// to the disk all the same.
    pub(crate) async fn put(&self, batches: Vec<Batch>) {
        self.index().put(batches);
        if let Some(spool) = &self.spool {
            self.save(Arc::clone(spool)).await;
        }
        self.stirred.notify_one();
    }

    /// Brings to the disk what waits in memory. Once begun, it ends by itself.
    async fn save(&self, spool: Arc<Spool>) {
        let (index, saving) = (Arc::clone(&self.index), Arc::clone(&self.saving));
        let (saved, sink) = (Arc::clone(&self.saved), self.stats.sink());
        let writing = spawn_blocking(move || {
            let alone = lock(&saving);
            let (numbers, error) = write(&index, &spool, sink);
            // Who waits for the end of this may want to take the folder then.
            drop(spool);
            lock(&index).saved(numbers);
            drop(alone);
            saved.notify_one();
            error
        });
        let error = writing.await.unwrap_or_else(|_| {
            self.index().saved([]);
            Some(io::Error::other("a bug in the exporter"))
        });
        self.index().wrote(error.as_ref());
    }

    /// The oldest batch, as soon as there is one; none once all is sent and nothing more is put.
    /// It stays in the queue: [`Self::release`] or [`Self::done`] must follow.
    pub(crate) async fn head(&self) -> Option<Batch> {
        let mut reads = 0;
        loop {
            let head = self.index().claim();
            match head {
                Head::Here(batch) => return Some(batch),
                Head::OnDisk(number) => match self.read(number).await {
                    Ok(batch) => return Some(batch),
                    Err(ReadError::Io(error)) if is_passing(&error) && reads < READS => {
                        reads += 1;
                        self.release().await;
                        self.tell_unread(number, &error);
                        tokio::time::sleep(READ_AGAIN).await;
                    }
                    Err(error) => {
                        reads = 0;
                        self.damaged(number, error).await;
                    }
                },
                Head::None if self.closed.is_cancelled() => return None,
                Head::None | Head::Unsaved => {
                    tokio::select! {
                        () = self.stirred.notified() => {}
                        // Of what is being saved at the end, the saving tells.
                        () = self.closed.cancelled(), if matches!(head, Head::None) => {}
                    }
                }
            }
        }
    }

    /// The head, which was taken, may have arrived, although it must be sent again.
    pub(crate) fn doubt(&self) {
        self.index().doubt();
    }

    /// Whether the head, which was taken, may have arrived before: nobody knows what became of it,
    /// or of an earlier process that left it.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.index().is_doubtful()
    }

    /// The head could not be sent now: it stays, unless there is no more room for it.
    pub(crate) async fn release(&self) {
        let is_to_save = self.index().release();
        if let (Some(spool), true) = (&self.spool, is_to_save) {
            self.save(Arc::clone(spool)).await;
        }
    }

    /// The head's fate is known: it leaves the queue.
    pub(crate) async fn done(&self) {
        let Some(number) = self.index().pop() else { return };
        if let Some(spool) = &self.spool {
            self.remove(Arc::clone(spool), number).await;
        }
    }

    async fn remove(&self, spool: Arc<Spool>, number: u64) {
        let sink = self.stats.sink();
        let left = spawn_blocking(move || forget(&spool, vec![number], sink)).await;
        self.index().left(left.unwrap_or_default());
    }

    /// Nothing more is put.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Resolves once nothing more is put.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Ends: says, and counts, what was not sent. What a disk that hangs brings there later counts as
    /// lost all the same.
    pub(crate) async fn abandon(&self) {
        let _ = timeout(LAST_WRITE, self.all_saved()).await;
        let (cause, (spooled, lost)) = {
            let mut index = self.index();
            (index.held_up_by(), index.abandon())
        };
        let sink = self.stats.sink();
        if let (Some(spool), 1..) = (&self.spool, spooled) {
            tracing::warn!(
                sink,
                points = spooled,
                cause,
                path = %spool.folder().display(),
                "not all could be sent before the end: the rest is kept on disk, and sent when the \
                 exporter starts again with the same spool"
            );
        }
        if lost > 0 {
            self.stats.dropped(Dropped::Ended, lost);
            tracing::warn!(
                sink,
                points = lost,
                cause,
                "not all could be sent before the end: these points are lost (on disk they would \
                 have waited for the next start: see --push.spool.path)"
            );
        }
    }

    /// From now on it is as if a write to the disk never ended.
    #[cfg(test)]
    pub(crate) fn hang(&self) {
        self.index().put(Vec::new());
    }

    /// Waits until nothing is being brought to the disk.
    async fn all_saved(&self) {
        while self.index().is_saving() {
            self.saved.notified().await;
        }
    }

    async fn read(&self, number: u64) -> Result<Batch, ReadError> {
        let Some(spool) = self.spool.clone() else { return Err(no_spool().into()) };
        let reading = spawn_blocking(move || spool.read(number));
        reading.await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }

    /// Skips the head, whose file is damaged or cannot be read. One that cannot be read may be
    /// readable at the next start, and is left where it is.
    async fn damaged(&self, number: u64, error: ReadError) {
        let Some(spool) = self.spool.clone() else { return };
        let is_first = self.index().damaged();
        if is_first {
            let file = spool.path(number);
            tracing::error!(
                sink = self.stats.sink(),
                file = %file.display(),
                %error,
                "a batch on disk is damaged and skipped; more such are counted, not logged"
            );
        }
        if matches!(&error, ReadError::Damaged(damage) if !damage.is_anothers()) {
            self.remove(spool, number).await;
        }
    }

    fn tell_unread(&self, number: u64, error: &io::Error) {
        tracing::debug!(sink = self.stats.sink(), number, %error, "a batch on disk is read again");
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what must go, which makes room, and brings to the disk what waits in memory. Gives the
/// numbers of what it brought there, and what kept it from bringing all.
fn write(index: &Mutex<Index>, spool: &Spool, sink: &'static str) -> (Vec<u64>, Option<io::Error>) {
    let gone = lock(index).take_leftover();
    let left = forget(spool, gone, sink);
    let unsaved = {
        let mut index = lock(index);
        index.left(left);
        index.unsaved()
    };
    let (kept, error) = spool.append(&unsaved);
    (unsaved.iter().take(kept).map(|(number, _)| *number).collect(), error)
}

/// Where batches wait, for a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a>(Option<&'a Path>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(folder) => write!(f, "{}", folder.display()),
            None => f.write_str("memory"),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData)
}

fn no_spool() -> io::Error {
    io::Error::other("there is no spool")
}

/// Removes batches' files. Gives those that stay: they must be removed later, or would be sent once
/// more after the next start.
fn forget(spool: &Spool, mut numbers: Vec<u64>, sink: &'static str) -> Vec<u64> {
    numbers.retain(|number| match spool.remove(*number) {
        Ok(()) => false,
        Err(error) => {
            let file = spool.path(*number);
            tracing::debug!(sink, file = %file.display(), %error, "a file cannot be removed yet");
            true
        }
    });
    numbers
}

fn tell_found(found: &Found, spool: &Spool, stats: &Stats) {
    let (sink, path) = (stats.sink(), spool.folder().display());
    if let Some(file) = &found.foreign {
        let file = file.display();
        tracing::warn!(sink, %file, "a file in the spool's folder is none of the exporter's: left");
    }
    if let Some((file, error)) = &found.another {
        let (file, files) = (file.display(), found.anothers.len());
        tracing::warn!(
            sink,
            files,
            bytes = found.anothers.iter().sum::<u64>(),
            %file,
            %error,
            "another version of the exporter left batches on disk that this one cannot send: they \
             stay for it, and take of the room (--push.spool.max-bytes) until a start finds them \
             gone; delete them if it does not come back"
        );
    }
    if let Some((file, error)) = &found.damage {
        stats.dropped(Dropped::Damaged, found.damaged);
        let (file, files) = (file.display(), found.damaged);
        tracing::error!(sink, files, %file, %error, "batches on disk are damaged and skipped");
    }
    let points: u64 = found.batches.iter().map(|kept| kept.points).sum();
    if points > 0 {
        tracing::info!(sink, points, %path, "points of an earlier run wait on disk: sent first");
    }
}
