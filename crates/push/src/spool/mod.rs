//! A folder that holds batches until they are delivered: one file for each, named by its place in
//! the order (`00000000000000000042.batch`).
//!
//! **What may be found after an end without goodbye.** A batch is written under another name
//! (`….tmp`) and brought to the disk before it is renamed; the folder is brought to the disk before
//! a batch counts as kept, and only then is it sent. So
//!
//! - after a `kill -9` there is at most one `.tmp`, which is removed at the next start: what was in
//!   it had not been sent, nor counted as kept;
//! - after a loss of power, too, every batch that counted as kept is there and whole. A disk that
//!   lies about what it has written may leave files that are empty, short or wrong: checksums tell,
//!   and they are removed and counted. What another version of the exporter wrote is whole, and is
//!   left for it;
//! - a delivered batch's file is removed, but that is not waited for to reach the disk: after a loss
//!   of power it may be there again, and is then sent twice. A batch whose delivery was not
//!   confirmed before the end is sent again, too. Receivers know points by series and time.
//!
//! **One at a time.** Who has the folder holds a lock on the file `lock` in it. The system gives it
//! up with the process, however that ends. A child that is forked closes what it inherits of it.
//!
//! All of this blocks: it is called where that is allowed.

mod file;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use inherited::Noted;

use crate::batch::Batch;
use crate::point::Millis;
pub(crate) use file::{Damage, HEADER};

/// The file that is locked.
const LOCK: &str = "lock";

/// Why a folder cannot be a spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// Another exporter has it.
    #[error(
        "the spool {} is in use by another exporter that runs (or by a process that it started); \
         give each exporter a path of its own", .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be made, locked or read.
    #[error("the spool {} cannot be used: {cause}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// A folder of batches, that of this process alone while this value lives.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// Held, not read. It is replaced when the folder had to be made anew.
    lock: Mutex<Noted<File>>,
}

/// What was in the folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The batches, the oldest first.
    pub(crate) batches: Vec<Kept>,
    /// How many files were damaged. They are gone, but for those that could not be read.
    pub(crate) damaged: u64,
    /// The first of them, and what was wrong with it.
    pub(crate) damage: Option<(PathBuf, ReadError)>,
    /// A file that is none of ours, if there is one. Such files are left alone.
    pub(crate) foreign: Option<PathBuf>,
    /// Bytes of each file that only another version of the exporter can send. They are left alone.
    pub(crate) anothers: Vec<u64>,
    /// The first of them, and why.
    pub(crate) another: Option<(PathBuf, Damage)>,
    /// Behind every file's number, also those that are left.
    pub(crate) next: u64,
}

/// A batch in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its place in the order.
    pub(crate) number: u64,
    pub(crate) time: Millis,
    pub(crate) points: u64,
    /// Bytes of its file.
    pub(crate) bytes: u64,
}

/// Why a batch cannot be had from its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Damaged(#[from] Damage),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Spool {
    /// Takes a folder, making it if it is not there, and looks at what is in it, of each batch at
    /// its header alone.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Found), SpoolError> {
        let unusable = |cause| SpoolError::Unusable { path: folder.to_owned(), cause };
        let lock = take(folder).map_err(|error| match error {
            TryLockError::WouldBlock => SpoolError::InUse(folder.to_owned()),
            TryLockError::Error(cause) => unusable(cause),
        })?;
        let spool = Self { folder: folder.to_owned(), lock: Mutex::new(lock) };
        let found = spool.look().map_err(unusable)?;
        Ok((spool, found))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps batches: as many of the first ones as possible, and what kept it from keeping all.
    pub(crate) fn append(&self, batches: &[(u64, Batch)]) -> (usize, Option<io::Error>) {
        let (kept, error) = self.try_append(batches);
        match error {
            Some(error) if error.kind() == ErrorKind::NotFound => match self.restore() {
                Ok(()) => {
                    let (more, error) = self.try_append(&batches[kept..]);
                    (kept + more, error)
                }
                Err(error) => (kept, Some(error)),
            },
            error => (kept, error),
        }
    }

    /// Reads a batch.
    pub(crate) fn read(&self, number: u64) -> Result<Batch, ReadError> {
        Ok(file::parse(fs::read(self.path(number))?)?)
    }

    /// Forgets a batch. One that is not there is forgotten.
    pub(crate) fn remove(&self, number: u64) -> io::Result<()> {
        gone(&self.path(number))
    }

    /// The file of a batch.
    pub(crate) fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.batch"))
    }

    fn temporary(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.tmp"))
    }

    /// The folder is brought to the disk once for all batches of a call.
    fn try_append(&self, batches: &[(u64, Batch)]) -> (usize, Option<io::Error>) {
        let mut error = None;
        let mut kept = 0;
        for (number, batch) in batches {
            if let Err(cause) = self.write(*number, batch) {
                // Half a file is of no use, and may be what fills the disk.
                let _ = gone(&self.temporary(*number));
                error = Some(cause);
                break;
            }
            kept += 1;
        }
        if kept > 0
            && let Err(cause) = sync_folder(&self.folder)
        {
            for (number, _) in &batches[..kept] {
                let _ = self.remove(*number);
            }
            return (0, Some(cause));
        }
        (kept, error)
    }

    fn write(&self, number: u64, batch: &Batch) -> io::Result<()> {
        let header = file::Header::of(batch)
            .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, "a batch of 4 GiB"))?;
        let temporary = self.temporary(number);
        let mut file = File::create(&temporary)?;
        file.write_all(&header.to_bytes())?;
        file.write_all(&batch.body)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, self.path(number))
    }

    /// Makes the folder anew after somebody removed it.
    fn restore(&self) -> io::Result<()> {
        let lock = take(&self.folder).map_err(io::Error::from)?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
        Ok(())
    }

    fn look(&self) -> io::Result<Found> {
        let mut found = Found::default();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            match Name::of(&path) {
                Name::Lock => {}
                Name::Temporary => gone(&path)?,
                Name::Foreign => found.foreign = Some(path),
                Name::Batch(number) => found.batch(number, path)?,
            }
        }
        found.batches.sort_unstable_by_key(|kept| kept.number);
        Ok(found)
    }
}

impl Found {
    /// Looks at a batch's file.
    fn batch(&mut self, number: u64, path: PathBuf) -> io::Result<()> {
        self.next = self.next.max(number + 1);
        match header(&path) {
            Ok(header) => self.batches.push(Kept {
                number,
                time: header.time,
                points: header.points(),
                bytes: header.file_len(),
            }),
            Err(ReadError::Damaged(damage)) if damage.is_anothers() => {
                self.anothers.push(fs::metadata(&path)?.len());
                self.another.get_or_insert((path, damage));
            }
            Err(error) => {
                if matches!(error, ReadError::Damaged(_)) {
                    gone(&path)?;
                }
                self.damaged += 1;
                self.damage.get_or_insert((path, error));
            }
        }
        Ok(())
    }
}

/// Bytes of the batches in a folder, if it is there and no exporter has it now; else none.
pub(crate) fn left_in(folder: &Path) -> io::Result<u64> {
    match bytes_in(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock) => Ok(0),
        bytes => bytes,
    }
}

fn bytes_in(folder: &Path) -> io::Result<u64> {
    let lock = Noted::new(File::options().write(true).open(folder.join(LOCK))?);
    lock.inner.try_lock()?;
    // An exporter that starts while we look is not to find it taken.
    drop(lock);
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if matches!(Name::of(&entry.path()), Name::Batch(_)) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// What a file's name says it is.
enum Name {
    Lock,
    Batch(u64),
    Temporary,
    Foreign,
}

impl Name {
    fn of(path: &Path) -> Self {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Self::Foreign;
        };
        if name == LOCK {
            return Self::Lock;
        }
        let Some((number, extension)) = name.split_once('.') else { return Self::Foreign };
        if number.len() != 20 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Foreign;
        }
        match (number.parse(), extension) {
            // After the last number there is no next one.
            (Ok(number), "batch") if number < u64::MAX => Self::Batch(number),
            (Ok(_), "tmp") => Self::Temporary,
            _ => Self::Foreign,
        }
    }
}

/// Makes a folder if it is not there, and locks it.
fn take(folder: &Path) -> Result<Noted<File>, TryLockError> {
    let is_new = !folder.exists();
    fs::create_dir_all(folder).map_err(TryLockError::Error)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(TryLockError::Error)?;
    // Before it is locked: a child that is forked in between must know it, too.
    let lock = Noted::new(lock);
    lock.inner.try_lock()?;
    if is_new {
        // Of whom the folders above belong to, not all let us do this.
        for above in folder.ancestors().skip(1).take(2) {
            let _ = sync_folder(above);
        }
    }
    Ok(lock)
}

fn header(path: &Path) -> Result<file::Header, ReadError> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut start = Vec::with_capacity(HEADER);
    file.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(file::Header::parse(&start, len)?)
}

/// Removes a file, if it is there.
fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Brings names in a folder to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file is, and the system writes names by itself.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
