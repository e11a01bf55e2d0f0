//! Reading files that options name.
//!
//! A path may name a FIFO, on which an open or a read blocks without end, or a device such as
//! `/dev/zero`, which never ends. Only regular files of a bounded size are read here.

#![forbid(unsafe_code)]

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The most bytes that are read of a file that an option names: no configuration, password,
/// certificate chain or key is larger.
pub const MAX_BYTES: u64 = 1 << 20;

/// Why a file is not read. The path is not in the message: the caller names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else than a regular file.
    #[error("it is {0}; only a regular file is accepted")]
    NotRegular(&'static str),
    /// It is too large.
    #[error("it is larger than {}", size(*.0))]
    TooLarge(u64),
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Whether a symbolic link may be followed where a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is followed: Kubernetes mounts secrets as links.
    Follow,
    /// It is refused: nobody but this process has a reason to put a file there.
    Refuse,
}

/// Reads a regular file of at most [`MAX_BYTES`].
///
/// # Errors
///
/// A [`FileError`], without having read more than one byte above the limit.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, MAX_BYTES, Links::Follow)
}

/// Reads a regular file of at most [`MAX_BYTES`] as text.
///
/// # Errors
///
/// A [`FileError`]; of a file that is not UTF-8, too.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?).map_err(|_| FileError::NotUtf8)
}

/// Reads a regular file of at most `max` bytes.
///
/// # Errors
///
/// A [`FileError`], without having read more than one byte above the limit.
pub fn read_at_most(path: &Path, max: u64, links: Links) -> Result<Vec<u8>, FileError> {
    let file = open(File::options().read(true), path, links)?;
    let len = file.metadata()?.len();
    if len > max {
        return Err(FileError::TooLarge(max));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
    // It may grow meanwhile; files of /proc say that they are empty.
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(FileError::TooLarge(max));
    }
    Ok(bytes)
}

/// Opens a regular file. Never blocks: a FIFO without a writer, too, is refused at once.
///
/// # Errors
///
/// A [`FileError`]; of a link that is [refused](Links::Refuse), what the system says of it.
pub fn open(options: &mut OpenOptions, path: &Path, links: Links) -> Result<File, FileError> {
    let no_links = if links == Links::Refuse { libc::O_NOFOLLOW } else { 0 };
    // Of a regular file O_NONBLOCK changes nothing.
    let file = options
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | no_links)
        .open(path)
        .map_err(|error| refused(error, path, links))?;
    match kind(file.metadata()?.file_type()) {
        None => Ok(file),
        Some(kind) => Err(FileError::NotRegular(kind)),
    }
}

/// Why a file could not be opened. "Too many levels of symbolic links" says little of one link.
fn refused(error: io::Error, path: &Path, links: Links) -> FileError {
    let is_link = links == Links::Refuse
        && path.symlink_metadata().is_ok_and(|it| it.file_type().is_symlink());
    if is_link { FileError::NotRegular("a symbolic link") } else { error.into() }
}

/// What something is that is no regular file.
fn kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a FIFO (or a pipe)")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn said(path: &Path) -> String {
        read(path).unwrap_err().to_string()
    }

    fn fifo(folder: &Path) -> PathBuf {
        let path = folder.join("fifo");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        path
    }

    #[test]
    fn a_small_file_is_read_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "text").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read_text(&file).unwrap(), "text");
        assert_eq!(read_text(&link).unwrap(), "text");
        let refused = read_at_most(&link, 10, Links::Refuse).unwrap_err();
        assert!(refused.to_string().contains("symbolic link"), "{refused}");
    }

    #[test]
    fn a_fifo_does_not_hang_and_a_device_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(said(&fifo(dir.path())).contains("FIFO"));
        assert!(said(Path::new("/dev/zero")).contains("device"));
        assert!(said(dir.path()).contains("folder"));
        assert!(matches!(read(&dir.path().join("none")), Err(FileError::Io(_))));
    }

    #[test]
    fn a_file_above_the_limit_is_refused_also_a_sparse_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, vec![b'a'; 1 << 20]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1 << 20);
        OpenOptions::new().append(true).open(&path).unwrap().set_len((1 << 20) + 1).unwrap();
        assert_eq!(said(&path), "it is larger than 1 MiB");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(said(&path), "it is larger than 1 MiB");
    }

    #[test]
    fn a_file_that_does_not_know_its_size_is_read_up_to_the_limit() {
        assert!(read_text(Path::new("/proc/self/status")).unwrap().contains("Name:"));
        let error = read_at_most(Path::new("/proc/self/status"), 10, Links::Follow).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 10 bytes");
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read_text(&path), Err(FileError::NotUtf8)));
    }
}
