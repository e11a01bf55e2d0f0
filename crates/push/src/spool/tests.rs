use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use bytes::Bytes;

use super::*;
use crate::batch::Format;

fn batch(body: &str) -> Batch {
    Batch {
        format: Format::RemoteWrite2,
        time: 1_000,
        samples: 3,
        histograms: 1,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn open(folder: &Path) -> (Spool, Found) {
    Spool::open(folder).unwrap()
}

fn numbers(found: &Found) -> Vec<u64> {
    found.batches.iter().map(|kept| kept.number).collect()
}

/// A folder with one small batch, and the file's bytes.
fn one(folder: &Path) -> (PathBuf, Vec<u8>) {
    let (spool, _) = open(folder);
    assert_eq!(spool.append(&[(5, batch("a body"))]).0, 1);
    let path = spool.path(5);
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

#[test]
fn what_is_kept_is_found_again_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("not/yet/there");
    let (spool, found) = open(&folder);
    assert!(found.batches.is_empty());
    // In no order at all: a folder has none.
    for number in [7, 100, 3, LAST, 20] {
        let (kept, error) = spool.append(&[(number, batch(&format!("body {number}")))]);
        assert_eq!((kept, error.is_none()), (1, true));
    }
    drop(spool);

    let (spool, found) = open(&folder);
    assert_eq!(numbers(&found), [3, 7, 20, 100, LAST]);
    assert_eq!(found.batches[0], Kept { number: 3, time: 1_000, points: 4, bytes: 36 + 6 });
    assert_eq!(spool.read(20).unwrap(), batch("body 20"));
    spool.remove(20).unwrap();
    spool.remove(20).unwrap();
    drop(spool);
    assert_eq!(numbers(&open(&folder).1), [3, 7, 100, LAST]);
}

#[test]
fn a_file_cut_at_any_length_is_removed_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = one(dir.path());
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let (_, found) = open(dir.path());
        assert_eq!((found.damaged, found.batches.len()), (1, 0), "{len} bytes");
        assert!(!path.exists(), "{len} bytes");
    }
}

#[test]
fn any_changed_byte_is_seen_in_the_header_at_once_and_in_the_body_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = one(dir.path());
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] = !bytes[at];
        fs::write(&path, &bytes).unwrap();
        let (spool, found) = open(dir.path());
        if at < HEADER {
            assert_eq!((found.damaged, found.batches.len()), (1, 0), "byte {at}");
        } else {
            assert_eq!(numbers(&found), [5]);
            let error = spool.read(5).unwrap_err();
            assert!(matches!(error, ReadError::Damaged(Damage::Body)), "byte {at}: {error}");
        }
    }
}

/// The file as another version of the exporter would have written it: this byte differs, and the
/// checksum is right.
fn anothers(mut file: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    file[at] = byte;
    let crc = crc32fast::hash(&file[..HEADER - 4]);
    file[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
    file
}

#[test]
fn what_another_version_wrote_is_left_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = one(dir.path());
    for (at, byte, wanted) in [(4, 2, Damage::Version(2)), (5, 99, Damage::Format(99))] {
        let written = anothers(bytes.clone(), at, byte);
        fs::write(&path, &written).unwrap();
        let (_, found) = open(dir.path());
        assert_eq!((found.damaged, found.batches.len()), (0, 0));
        assert_eq!(found.anothers, [written.len() as u64]);
        assert_eq!(found.another, Some((path.clone(), wanted)));
        assert_eq!(found.next, 6, "it keeps its number");
        assert_eq!(fs::read(&path).unwrap(), written);
    }
}

#[test]
fn half_written_files_go_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = one(dir.path());
    let half = path.with_extension("tmp");
    fs::write(&half, "half").unwrap();
    let others = ["notes.txt", "5.batch", "00000000000000000005.batch.bak", "lock.tmp"];
    for other in others {
        fs::write(dir.path().join(other), "mine").unwrap();
    }
    let (_, found) = open(dir.path());
    assert_eq!((numbers(&found), found.damaged), (vec![5], 0));
    assert!(!half.exists());
    assert!(found.foreign.is_some());
    for other in others {
        assert!(dir.path().join(other).exists(), "{other}");
    }
}

#[test]
fn a_folder_in_use_is_refused_until_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = open(dir.path());
    let error = Spool::open(dir.path()).unwrap_err();
    assert!(matches!(error, SpoolError::InUse(_)), "{error}");
    assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    drop(first);
    open(dir.path());
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_their_owners_alone_also_where_an_earlier_version_left_them_open() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool/remote-write");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let (spool, _) = open(&folder);
    assert_eq!(spool.append(&[(1, batch("one"))]).0, 1);
    assert_eq!(
        (mode(&folder), mode(&spool.path(1)), mode(&folder.join(LOCK))),
        (0o700, 0o600, 0o600)
    );
    let new = dir.path().join("another/otlp");
    open(&new);
    assert_eq!((mode(&new), mode(new.parent().unwrap())), (0o700, 0o700));
}

#[test]
fn a_link_in_the_place_of_a_file_is_never_written_through() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    let (spool, _) = open(&folder);
    for name in [spool.temporary(2), spool.path(2)] {
        symlink(&file, name).unwrap();
    }
    let (kept, error) = spool.append(&[(2, batch("two"))]);
    assert_eq!((kept, error.is_none()), (1, true));
    assert_eq!(spool.read(2).unwrap(), batch("two"));
    drop(spool);
    // Before the start, too.
    symlink(&file, folder.join("00000000000000000003.tmp")).unwrap();
    symlink(&file, folder.join("00000000000000000004.batch")).unwrap();
    let (spool, found) = open(&folder);
    assert_eq!((numbers(&found), found.damaged, found.next), (vec![2], 0, 5));
    assert_eq!(found.foreign, Some(spool.path(4)));
    assert_eq!(spool.append(&[(3, batch("three"))]).0, 1);
    drop(spool);
    fs::remove_file(folder.join(LOCK)).unwrap();
    symlink(&file, folder.join(LOCK)).unwrap();
    let error = Spool::open(&folder).unwrap_err().to_string();
    assert!(error.contains("lock") && error.contains("symbolic link"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_folder_that_is_a_link_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    symlink(dir.path(), &link).unwrap();
    let error = Spool::open(&link).unwrap_err().to_string();
    assert!(error.contains("symbolic link"), "{error}");
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let user = rustix::process::geteuid().as_raw();
    let folder = if user == 0 {
        chown(dir.path(), Some(12_345), None).unwrap();
        dir.path()
    } else {
        Path::new("/")
    };
    let error = Spool::open(folder).unwrap_err();
    assert!(matches!(error, SpoolError::NotOurs { .. }), "{error}");
    assert!(error.to_string().contains(&format!("runs as {user}")), "{error}");
    assert!(!folder.join(LOCK).exists());
}

#[test]
fn a_fifo_in_the_place_of_a_batch_does_not_hang_and_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = one(dir.path());
    let fifo = path.with_file_name("00000000000000000006.batch");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let (spool, found) = open(dir.path());
    assert_eq!((numbers(&found), found.damaged, found.next), (vec![5], 0, 7));
    assert_eq!(found.foreign, Some(fifo));
    assert!(matches!(spool.read(6), Err(ReadError::Io(_))));
}

#[test]
fn a_file_above_all_bounds_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = one(dir.path());
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let (spool, found) = open(dir.path());
    assert_eq!((found.damaged, found.batches.len(), path.exists()), (1, 0, false));
    let huge = Batch { body: vec![0; usize::try_from(MAX_FILE).unwrap()].into(), ..batch("") };
    let (kept, error) = spool.append(&[(1, huge)]);
    assert_eq!((kept, error.unwrap().kind()), (0, ErrorKind::FileTooLarge));
}

#[test]
fn a_deleted_lock_file_admits_no_second_exporter() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = open(dir.path());
    assert_eq!(first.append(&[(1, batch("one"))]).0, 1);
    fs::remove_file(dir.path().join(LOCK)).unwrap();
    assert!(matches!(Spool::open(dir.path()).unwrap_err(), SpoolError::InUse(_)));
    // That one left a file of its own, which nobody holds.
    assert_eq!(first.append(&[(2, batch("two"))]).0, 1);
    let locked = folder::try_lock(dir.path()).unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::WouldBlock, "also for those that look at the file alone");
    drop(first);
    assert_eq!(numbers(&open(dir.path()).1), [1, 2]);
}

#[test]
fn a_folder_that_another_exporter_has_made_anew_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    let (first, _) = open(&folder);
    assert_eq!(first.append(&[(1, batch("one"))]).0, 1);
    fs::rename(&folder, dir.path().join("away")).unwrap();
    let (second, _) = open(&folder);
    assert_eq!(second.append(&[(1, batch("another's"))]).0, 1);
    let (kept, error) = first.append(&[(2, batch("two"))]);
    assert_eq!(kept, 0);
    assert!(error.unwrap().to_string().contains("in use by another exporter"));
    assert!(matches!(first.read(1), Err(ReadError::Io(_))));
    assert!(first.remove(1).is_err());
    assert_eq!(second.read(1).unwrap(), batch("another's"));
    drop(second);
    // What that one has left is not mixed with ours.
    assert_eq!(first.append(&[(1, batch("one"))]).0, 0);
    let (second, _) = open(&folder);
    assert_eq!(second.read(1).unwrap(), batch("another's"));
    second.remove(1).unwrap();
    drop(second);
    assert_eq!(first.append(&[(2, batch("two"))]).0, 1);
}

#[test]
fn numbers_never_come_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = one(dir.path());
    let name = |number: u64| path.with_file_name(format!("{number:020}.batch"));
    for number in [u64::MAX, u64::MAX - 1, LAST + 1] {
        fs::write(name(number), &bytes).unwrap();
    }
    fs::create_dir(name(7)).unwrap();
    let (spool, found) = open(dir.path());
    assert_eq!((numbers(&found), found.next), (vec![5, 8, 9, 10], 11));
    assert!(spool.read(10).is_ok() && !name(u64::MAX).exists());
    drop(spool);
    assert_eq!(numbers(&open(dir.path()).1), [5, 8, 9, 10]);
}

#[test]
fn a_file_where_the_folder_should_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    let error = Spool::open(&path).unwrap_err();
    assert!(matches!(error, SpoolError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[test]
fn a_removed_folder_is_made_and_locked_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    let (spool, _) = open(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let (kept, error) = spool.append(&[(1, batch("one")), (2, batch("two"))]);
    assert_eq!((kept, error.is_none()), (2, true));
    assert!(matches!(Spool::open(&folder).unwrap_err(), SpoolError::InUse(_)));
    drop(spool);
    assert_eq!(numbers(&open(&folder).1), [1, 2]);
}

#[test]
fn what_cannot_be_written_is_told_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(dir.path());
    // A folder where the second file should be: neither it nor what follows can be kept.
    fs::create_dir(spool.path(2)).unwrap();
    let batches = [(1, batch("one")), (2, batch("two")), (3, batch("three"))];
    let (kept, error) = spool.append(&batches);
    assert_eq!((kept, error.is_some()), (1, true));
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(names.iter().all(|name| name.extension().is_none_or(|end| end != "tmp")), "{names:?}");
    fs::remove_dir(spool.path(2)).unwrap();
    assert_eq!(spool.append(&batches[1..]).0, 2);
}
