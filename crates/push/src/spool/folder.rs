//! The folder of a spool: of one user alone, and of one exporter at a time.
//!
//! It is closed to other users, since what is in it names the hosts under test, and since whoever
//! can write there can have files of the exporter's user overwritten.
//!
//! Whoever has the folder holds two locks: on the folder itself, which lasts as long as the folder,
//! and on the file `lock` in it, for file systems that lock no folders (NFS). The system gives them
//! up with the process, however that ends. A child that is forked closes what it inherits of them.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use files::Links;
use inherited::Noted;

use super::SpoolError;

/// The file that is locked.
pub(super) const LOCK: &str = "lock";

/// Permissions: nobody's but the owner's.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A folder that no other exporter has while this value lives.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    folder: Noted<File>,
    lock: Noted<File>,
}

impl Held {
    /// Takes a folder, and makes it if it is not there.
    pub(super) fn take(path: &Path) -> Result<Self, SpoolError> {
        let unusable = |cause| SpoolError::Unusable { path: path.to_owned(), cause };
        make(path).map_err(unusable)?;
        let folder = open(path).map_err(unusable)?;
        let owner = folder.metadata().map_err(unusable)?.uid();
        let user = rustix::process::geteuid().as_raw();
        if owner != user {
            return Err(SpoolError::NotOurs { path: path.to_owned(), owner, user });
        }
        close_to_others(&folder, path);
        // Before it is locked: a child that is forked in between must know it, too.
        let folder = Noted::new(folder);
        match folder.inner.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(SpoolError::InUse(path.to_owned())),
            // A file system that locks no folders; the file is locked.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), folder, lock })
    }

    /// Takes again what somebody has removed: the lock's file, or the folder with all that was in
    /// it. Fails where another exporter has taken it meanwhile, or has left batches there, whose
    /// numbers may be those of ours.
    pub(super) fn renew(&mut self) -> Result<(), SpoolError> {
        if self.has_folder() {
            self.lock = lock(&self.path)?;
        } else {
            let taken = Self::take(&self.path)?;
            if super::has_batches(&self.path).unwrap_or(true) {
                let cause = "another exporter left batches there; they are sent after a restart";
                let (path, cause) = (self.path.clone(), io::Error::other(cause));
                return Err(SpoolError::Unusable { path, cause });
            }
            *self = taken;
        }
        Ok(())
    }

    /// Whether the folder at its path is the one that is held.
    pub(super) fn has_folder(&self) -> bool {
        is_at(&self.folder.inner, &self.path)
    }

    /// Whether the folder and the lock's file at their paths are those that are held.
    pub(super) fn is_in_place(&self) -> bool {
        self.has_folder() && is_at(&self.lock.inner, &self.path.join(LOCK))
    }
}

/// Makes a new file that nobody else can read. What has its name already, such as a link that
/// somebody put there, is removed, and never written to.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    match create() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            create()
        }
        created => created,
    }
}

/// Locks the file of a folder whose exporter may have ended; for those who only look.
pub(super) fn try_lock(path: &Path) -> io::Result<Noted<File>> {
    let lock = files::open(File::options().write(true), &path.join(LOCK), Links::Refuse)?;
    let lock = Noted::new(lock);
    lock.inner.try_lock()?;
    Ok(lock)
}

fn lock(path: &Path) -> Result<Noted<File>, SpoolError> {
    let unusable = |cause| SpoolError::Unusable { path: path.to_owned(), cause };
    let file = path.join(LOCK);
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(FILE_MODE);
    let lock = files::open(&mut options, &file, Links::Refuse)
        .map_err(|cause| unusable(io::Error::other(format!("{}: {cause}", file.display()))))?;
    let lock = Noted::new(lock);
    lock.inner.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => SpoolError::InUse(path.to_owned()),
        TryLockError::Error(cause) => unusable(cause),
    })?;
    if is_at(&lock.inner, &file) {
        Ok(lock)
    } else {
        Err(unusable(io::Error::other("somebody replaces its file lock")))
    }
}

fn make(path: &Path) -> io::Result<()> {
    let is_new = !path.exists();
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)?;
    if is_new {
        // Of whom the folders above belong to, not all let us do this.
        for above in path.ancestors().skip(1).take(2) {
            let _ = sync(above);
        }
    }
    Ok(())
}

/// Opens a folder, not what a link names.
fn open(path: &Path) -> io::Result<File> {
    let no_link = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    File::options().read(true).custom_flags(no_link).open(path).map_err(|error| {
        if path.is_symlink() {
            io::Error::other("it is a symbolic link; only a folder itself is accepted")
        } else {
            error
        }
    })
}

/// Takes away what other users may do, which earlier versions left them.
fn close_to_others(folder: &File, path: &Path) {
    let is_open = |folder: &File| folder.metadata().is_ok_and(|it| it.mode() & 0o077 != 0);
    if !is_open(folder) {
        return;
    }
    let closed = folder.set_permissions(Permissions::from_mode(FOLDER_MODE));
    if closed.is_err() || is_open(folder) {
        tracing::warn!(
            folder = %path.display(),
            "other users may read or write the spool's folder, and this cannot be changed: give a \
             path on a file system with permissions"
        );
    }
}

/// Whether a path names this very file.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let ids = file.metadata().map(id).ok().zip(path.symlink_metadata().map(id).ok());
    ids.is_some_and(|(held, found)| held == found)
}

/// Brings names in a folder to the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
