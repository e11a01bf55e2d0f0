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
//! **Numbers.** A file's number is its place in the order. One that is so large that the numbers
//! behind it could come to their end is given another at the start, behind the others.
//!
//! All of this blocks: it is called where that is allowed.

mod file;
mod folder;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use files::{FileError, Links};

use self::folder::{Held, LOCK};
use crate::batch::Batch;
use crate::point::Millis;
pub(crate) use file::{Damage, HEADER, parse};
#[cfg(feature = "fuzzing")]
pub(crate) use file::{sealed, written};

/// The last number that a batch keeps over a start.
const LAST: u64 = u64::MAX / 2;

/// The most bytes of a batch's file: encoders cut batches far below.
pub(crate) const MAX_FILE: u64 = 64 << 20;

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
    /// It belongs to another user, who could read what is written, and put links there.
    #[error(
        "the spool {} belongs to the user with the id {owner}, and the exporter runs as {user}: \
         give a path at which the exporter can make a folder of its own", .path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs the exporter.
        user: u32,
    },
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
    /// It is renewed when somebody has removed the folder, or the file that is locked.
    held: Mutex<Held>,
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
    #[error("it is no regular file")]
    Foreign,
}

impl Spool {
    /// Takes a folder, making it if it is not there, and looks at what is in it, of each batch at
    /// its header alone.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Found), SpoolError> {
        let unusable = |cause| SpoolError::Unusable { path: folder.to_owned(), cause };
        let held = Mutex::new(Held::take(folder)?);
        let spool = Self { folder: folder.to_owned(), held };
        let found = spool.look().map_err(unusable)?;
        Ok((spool, found))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps batches: as many of the first ones as possible, and what kept it from keeping all.
    pub(crate) fn append(&self, batches: &[(u64, Batch)]) -> (usize, Option<io::Error>) {
        let is_in_place = self.held().is_in_place();
        if !is_in_place && let Err(error) = self.restore() {
            return (0, Some(error));
        }
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
        if !self.held().has_folder() {
            // Another exporter's batches may be there.
            return Err(io::Error::from(ErrorKind::NotFound).into());
        }
        let bytes = files::read_at_most(&self.path(number), MAX_FILE, Links::Refuse);
        Ok(parse(bytes.map_err(io::Error::from)?)?)
    }

    /// Forgets a batch. One that is not there is forgotten.
    pub(crate) fn remove(&self, number: u64) -> io::Result<()> {
        if self.held().has_folder() {
            gone(&self.path(number))
        } else {
            // It may come back, and another one there may have a batch of this number.
            Err(io::Error::other("the folder was removed or replaced"))
        }
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
            && let Err(cause) = folder::sync(&self.folder)
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
            .filter(|header| header.file_len() <= MAX_FILE)
            .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, "a batch above 64 MiB"))?;
        let temporary = self.temporary(number);
        let mut file = folder::create(&temporary)?;
        file.write_all(&header.to_bytes())?;
        file.write_all(&batch.body)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, self.path(number))
    }

    /// Takes the folder anew after somebody removed it, or the file that is locked.
    fn restore(&self) -> io::Result<()> {
        self.held().renew().map_err(|error| match error {
            SpoolError::Unusable { cause, .. } => cause,
            error => io::Error::other(error),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> io::Result<Found> {
        let mut found = Found::default();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            match Name::of(&path) {
                Name::Lock => {}
                Name::Temporary if gone(&path).is_ok() => {}
                Name::Temporary | Name::Foreign => found.foreign = Some(path),
                Name::Batch(number) => found.batch(number, path)?,
            }
        }
        found.batches.sort_unstable_by_key(|kept| kept.number);
        self.renumber(&mut found)?;
        Ok(found)
    }

    /// Gives batches with numbers above [`LAST`] others, behind all others and in their order.
    fn renumber(&self, found: &mut Found) -> io::Result<()> {
        found.next = found.next.max(1);
        for kept in found.batches.iter_mut().filter(|kept| kept.number > LAST) {
            let old = self.path(kept.number);
            // What has a number and is no batch of ours keeps it.
            while found.next != kept.number && self.path(found.next).symlink_metadata().is_ok() {
                found.next += 1;
            }
            fs::rename(old, self.path(found.next))?;
            kept.number = found.next;
            found.next += 1;
        }
        Ok(())
    }
}

impl Found {
    /// Looks at a batch's file.
    fn batch(&mut self, number: u64, path: PathBuf) -> io::Result<()> {
        if number <= LAST {
            self.next = self.next.max(number + 1);
        }
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
            // A link, a folder or a device.
            Err(ReadError::Foreign) => self.foreign = Some(path),
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

/// Whether there are batches in a folder.
fn has_batches(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if matches!(Name::of(&entry?.path()), Name::Batch(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn bytes_in(folder: &Path) -> io::Result<u64> {
    // An exporter that starts while we look is not to find it taken.
    drop(folder::try_lock(folder)?);
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
            (Ok(number), "batch") => Self::Batch(number),
            (Ok(_), "tmp") => Self::Temporary,
            _ => Self::Foreign,
        }
    }
}

fn header(path: &Path) -> Result<file::Header, ReadError> {
    let file = files::open(File::options().read(true), path, Links::Refuse);
    let file = file.map_err(|error| match error {
        FileError::NotRegular(_) => ReadError::Foreign,
        error => ReadError::Io(error.into()),
    })?;
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
