use std::path::PathBuf;

use bytes::Bytes;
use futures_util::FutureExt;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::batch::Format;
use crate::scripted::Lines;
use crate::stats::Status;

/// What one of the batches below takes.
const ONE: u64 = 4096;

fn batch(number: u32) -> Batch {
    Batch {
        format: Format::RemoteWrite1,
        time: i64::from(number),
        samples: 10,
        histograms: 0,
        body: Bytes::from(format!("batch {number}")),
    }
}

fn batches(numbers: std::ops::Range<u32>) -> Vec<Batch> {
    numbers.map(batch).collect()
}

fn memory(batches: u64) -> Queue {
    Queue::in_memory(batches * ONE, Arc::new(Stats::new("test")))
}

fn disk(dir: &TempDir, batches: u64) -> Queue {
    let room = Room { memory: 3 * ONE, spool: batches * ONE };
    Queue::on_disk(&folder(dir), room, Arc::new(Stats::new("test"))).unwrap()
}

fn folder(dir: &TempDir) -> PathBuf {
    dir.path().join("sink")
}

/// Takes out all there is.
async fn drain(queue: &Queue) -> Vec<u32> {
    queue.close();
    let mut times = Vec::new();
    while let Some(batch) = queue.head().await {
        times.push(u32::try_from(batch.time).unwrap());
        assert_eq!(batch, self::batch(*times.last().unwrap()));
        queue.done().await;
    }
    times
}

fn dropped(queue: &Queue, reason: Dropped) -> u64 {
    queue.stats.status().dropped(reason)
}

#[track_caller]
fn assert_waits(queue: &Queue, batches: u64, on_disk: u64) {
    let Status { queued_points, queued_bytes, spooled_bytes, .. } = queue.stats.status();
    assert_eq!(
        (queued_points, queued_bytes, spooled_bytes),
        (10 * batches, ONE * batches, ONE * on_disk)
    );
}

#[tokio::test]
async fn first_in_first_out() {
    let dir = tempfile::tempdir().unwrap();
    for (queue, on_disk) in [(memory(9), 0), (disk(&dir, 9), 5)] {
        queue.put(batches(1..3)).await;
        queue.put(batches(3..6)).await;
        assert_waits(&queue, 5, on_disk);
        assert_eq!(drain(&queue).await, [1, 2, 3, 4, 5]);
        assert_waits(&queue, 0, 0);
    }
}

#[tokio::test]
async fn the_oldest_make_room_for_the_newest_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    for (queue, on_disk) in [(memory(3), 0), (disk(&dir, 3), 3)] {
        queue.put(batches(1..4)).await;
        assert_eq!(dropped(&queue, Dropped::QueueFull), 0);
        queue.put(batches(4..6)).await;
        assert_eq!(dropped(&queue, Dropped::QueueFull), 20);
        assert_waits(&queue, 3, on_disk);
        // More at once than there is room in all.
        queue.put(batches(6..11)).await;
        assert_eq!(dropped(&queue, Dropped::QueueFull), 70);
        assert_waits(&queue, 3, on_disk);
        assert_eq!(drain(&queue).await, [8, 9, 10]);
    }
    let files = std::fs::read_dir(folder(&dir)).unwrap().count();
    assert_eq!(files, 1, "the lock alone");
}

#[tokio::test]
async fn what_is_being_sent_is_not_dropped() {
    let dir = tempfile::tempdir().unwrap();
    for queue in [memory(3), disk(&dir, 3)] {
        queue.put(batches(1..4)).await;
        assert_eq!(queue.head().await, Some(batch(1)));
        queue.put(batches(4..6)).await;
        queue.release().await;
        assert_eq!(drain(&queue).await, [1, 4, 5]);
        assert_eq!(dropped(&queue, Dropped::QueueFull), 20);
    }
}

#[tokio::test]
async fn in_a_queue_that_is_too_small_the_newest_batch_stays() {
    let dir = tempfile::tempdir().unwrap();
    let room = Room { memory: 1024, spool: 1024 };
    let on_disk = Queue::on_disk(&folder(&dir), room, Arc::new(Stats::new("test"))).unwrap();
    for queue in [Queue::in_memory(1024, Arc::new(Stats::new("test"))), on_disk] {
        queue.put(batches(1..4)).await;
        assert_eq!(dropped(&queue, Dropped::QueueFull), 20);
        assert_eq!(queue.head().await, Some(batch(3)));
        queue.done().await;
        queue.put(batches(4..5)).await;
        assert_eq!(drain(&queue).await, [4]);
        assert_eq!(dropped(&queue, Dropped::QueueFull), 20);
    }
    // Nor is it dropped for a disk that fails.
    let queue = Queue::on_disk(&folder(&dir), room, Arc::new(Stats::new("test"))).unwrap();
    break_folder(&dir);
    queue.put(batches(1..3)).await;
    assert_eq!(drain(&queue).await, [2]);
}

#[tokio::test]
async fn what_was_being_sent_while_the_disk_came_back_is_saved_when_it_must_wait() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    break_folder(&dir);
    queue.put(batches(1..2)).await;
    assert_eq!(queue.head().await, Some(batch(1)));
    mend_folder(&dir);
    queue.put(batches(2..3)).await;
    assert_waits(&queue, 2, 1);
    queue.release().await;
    assert_waits(&queue, 2, 2);
    drop(queue);
    assert_eq!(drain(&disk(&dir, 9)).await, [1, 2]);
}

#[tokio::test]
async fn what_a_write_under_way_saves_at_the_end_is_not_counted_as_lost() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    // As when the end comes while the disk is slow.
    let slow = Arc::clone(&queue.saving);
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let disk_is_slow = std::thread::spawn(move || {
        let slow = lock(&slow);
        locked.send(()).unwrap();
        may_go.recv().unwrap();
        drop(slow);
    });
    is_locked.recv().unwrap();
    assert!(queue.put(batches(1..3)).now_or_never().is_none());
    let abandoned = tokio::join!(queue.abandon(), async { go.send(()).unwrap() });
    assert_eq!(abandoned, ((), ()));
    disk_is_slow.join().unwrap();
    assert_eq!(dropped(&queue, Dropped::Ended), 0);
    assert_waits(&queue, 2, 2);
    drop(queue);
    assert_eq!(drain(&disk(&dir, 9)).await, [1, 2]);
}

#[tokio::test]
async fn it_waits_for_what_comes() {
    let queue = Arc::new(memory(3));
    let taker = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.head().await }
    });
    tokio::task::yield_now().await;
    queue.put(batches(1..2)).await;
    assert_eq!(taker.await.unwrap(), Some(batch(1)));
}

#[tokio::test]
async fn what_a_killed_process_left_is_sent_first() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    queue.put(batches(1..5)).await;
    assert_eq!(queue.head().await, Some(batch(1)));
    queue.done().await;
    // In flight at the end: it may have arrived or not.
    assert_eq!(queue.head().await, Some(batch(2)));
    drop(queue);
    std::fs::write(folder(&dir).join("00000000000000000005.tmp"), "half a batch").unwrap();

    let queue = disk(&dir, 9);
    assert_eq!(queue.newest(), Some(4));
    assert_waits(&queue, 3, 3);
    queue.put(batches(5..7)).await;
    assert_eq!(drain(&queue).await, [2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn what_was_there_counts_for_the_room() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir, 9).put(batches(1..9)).await;
    let queue = disk(&dir, 3);
    assert_waits(&queue, 3, 3);
    assert_eq!(dropped(&queue, Dropped::QueueFull), 50);
    assert_eq!(drain(&queue).await, [6, 7, 8]);
}

#[tokio::test]
async fn damaged_files_are_skipped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    queue.put(batches(1..6)).await;
    let path = |number| folder(&dir).join(format!("{number:020}.batch"));
    let mut bytes = std::fs::read(path(2)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path(2), &bytes).unwrap();
    std::fs::remove_file(path(3)).unwrap();
    drop(queue);
    std::fs::write(path(5), "not a batch at all, of a length that would do").unwrap();

    let queue = disk(&dir, 9);
    assert_eq!(dropped(&queue, Dropped::Damaged), 1, "nobody knows how many were in it");
    assert_eq!(drain(&queue).await, [1, 4]);
    assert_eq!(dropped(&queue, Dropped::Damaged), 11);
    assert_waits(&queue, 0, 0);
    assert_eq!(std::fs::read_dir(folder(&dir)).unwrap().count(), 1, "the lock alone");
}

#[tokio::test]
async fn a_downgrade_leaves_what_a_newer_version_wrote() {
    let lines = Lines::listen();
    let dir = tempfile::tempdir().unwrap();
    disk(&dir, 9).put(batches(1..4)).await;
    let path = |number| folder(&dir).join(format!("{number:020}.batch"));
    let newer = [2, 3].map(|number| as_newer(&path(number)));

    // They take room for two of five.
    let queue = disk(&dir, 5);
    assert_eq!((lines.count("another version"), lines.count("damaged")), (1, 0));
    let bytes = newer.iter().map(Vec::len).sum::<usize>();
    assert_eq!(lines.count(&format!("files=2 bytes={bytes}")), 1);
    queue.put(batches(4..7)).await;
    assert_eq!(dropped(&queue, Dropped::QueueFull), 10);
    assert_eq!(drain(&queue).await, [4, 5, 6]);
    assert_eq!(dropped(&queue, Dropped::Damaged), 0);
    // However little is left, the newest is kept.
    drop(queue);
    let queue = disk(&dir, 1);
    queue.put(batches(7..9)).await;
    assert_eq!(drain(&queue).await, [8]);
    for (number, bytes) in [2, 3].into_iter().zip(newer) {
        assert_eq!(std::fs::read(path(number)).unwrap(), bytes, "{number}");
    }
}

#[tokio::test]
async fn what_a_newer_version_wrote_takes_no_more_than_a_queue_in_memory_leaves() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir, 9).put(batches(1..11)).await;
    let path = |number| folder(&dir).join(format!("{number:020}.batch"));
    for number in 3..7 {
        as_newer(&path(number));
    }
    // Six are of this version; the four of the newer one fill the room. Memory has room for three.
    let queue = disk(&dir, 4);
    assert_waits(&queue, 3, 3);
    queue.put(batches(11..12)).await;
    assert_waits(&queue, 3, 3);
    assert_eq!(drain(&queue).await, [9, 10, 11]);
    drop(queue);
    // Nor more than there is at all.
    let queue = disk(&dir, 2);
    queue.put(batches(12..15)).await;
    assert_eq!(drain(&queue).await, [13, 14]);
}

/// Makes of a batch's file one that a newer version wrote. Gives its bytes.
fn as_newer(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[4] += 1;
    let crc = crc32fast::hash(&bytes[..32]);
    bytes[32..36].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(path, &bytes).unwrap();
    bytes
}

/// Nothing can be written where the folder has become a file.
fn break_folder(dir: &TempDir) {
    std::fs::rename(folder(dir), dir.path().join("aside")).unwrap();
    std::fs::write(folder(dir), "").unwrap();
}

fn mend_folder(dir: &TempDir) {
    std::fs::remove_file(folder(dir)).unwrap();
    std::fs::rename(dir.path().join("aside"), folder(dir)).unwrap();
}

#[tokio::test]
async fn each_change_of_state_is_one_line() {
    let lines = Lines::listen();
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    break_folder(&dir);
    for number in 1..9 {
        queue.put(vec![batch(number)]).await;
    }
    assert_eq!((lines.count("cannot be written"), lines.count("queue is full")), (1, 1));
    mend_folder(&dir);
    for number in 9..12 {
        queue.put(vec![batch(number)]).await;
    }
    assert_eq!((lines.count("can be written again"), lines.count("room again")), (1, 0));
    assert_eq!(drain(&queue).await, [6, 7, 8, 9, 10, 11]);
    assert_eq!((lines.count("cannot be written"), lines.count("queue is full")), (1, 1));
    assert_eq!((lines.count("can be written again"), lines.count("room again")), (1, 1));
}

#[tokio::test]
async fn while_the_disk_fails_memory_holds_what_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    queue.put(batches(1..3)).await;
    break_folder(&dir);
    queue.put(batches(3..5)).await;
    assert_waits(&queue, 4, 2);
    queue.put(batches(5..8)).await;
    assert_waits(&queue, 5, 2);
    assert_eq!(dropped(&queue, Dropped::QueueFull), 20, "memory has room for three");
    mend_folder(&dir);
    queue.put(batches(8..10)).await;
    assert_waits(&queue, 7, 7);
    drop(queue);
    assert_eq!(drain(&disk(&dir, 9)).await, [1, 2, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn while_the_disk_fails_memory_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    break_folder(&dir);
    queue.put(batches(1..3)).await;
    assert_eq!(queue.head().await, Some(batch(1)));
    // In flight while the disk is mended and the rest goes there; then it is to be sent again.
    mend_folder(&dir);
    queue.put(batches(3..4)).await;
    assert_waits(&queue, 3, 2);
    queue.release().await;
    assert_eq!(drain(&queue).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_now_is_removed_later() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    queue.put(batches(1..3)).await;
    assert_eq!(queue.head().await, Some(batch(1)));
    break_folder(&dir);
    queue.done().await;
    mend_folder(&dir);
    queue.put(batches(3..4)).await;
    drop(queue);
    assert_eq!(drain(&disk(&dir, 9)).await, [2, 3]);
}

#[tokio::test]
async fn at_the_end_memory_is_lost_and_the_disk_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let queue = disk(&dir, 9);
    queue.put(batches(1..3)).await;
    break_folder(&dir);
    queue.put(batches(3..4)).await;
    queue.abandon().await;
    assert_eq!(dropped(&queue, Dropped::Ended), 10);
    assert_waits(&queue, 2, 2);

    let queue = memory(9);
    queue.put(batches(1..3)).await;
    queue.abandon().await;
    assert_eq!(dropped(&queue, Dropped::Ended), 20);
    assert_waits(&queue, 0, 0);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u32),
    Send,
    Fail,
    Break,
    Mend,
    /// As after a `kill -9`.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4_u32).prop_map(Step::Put),
        3 => Just(Step::Send),
        1 => Just(Step::Fail),
        1 => Just(Step::Break),
        1 => Just(Step::Mend),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happens: all batches come in order, and each one is sent or counted. (What is lost
    /// with the memory of a killed process was told of when the disk failed.)
    #[test]
    fn each_batch_is_sent_in_order_or_counted(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut queue = disk(&dir, 6);
            let (mut next, mut sent, mut lost, mut is_broken) = (1, Vec::new(), 0, false);
            for step in steps {
                match step {
                    Step::Put(count) => {
                        queue.put(batches(next..next + count)).await;
                        next += count;
                    }
                    // What lies on disk cannot be read while that is broken.
                    Step::Send | Step::Fail if queue.points() == 0 || is_broken => {}
                    Step::Fail => {
                        queue.head().await.unwrap();
                        queue.release().await;
                    }
                    Step::Send => {
                        sent.push(u32::try_from(queue.head().await.unwrap().time).unwrap());
                        queue.done().await;
                    }
                    Step::Break if !is_broken => {
                        break_folder(&dir);
                        is_broken = true;
                    }
                    Step::Mend if is_broken => {
                        mend_folder(&dir);
                        is_broken = false;
                        // The next pass: it also removes what could not be removed.
                        queue.put(Vec::new()).await;
                    }
                    Step::Restart if !is_broken => {
                        let Status { queued_bytes, spooled_bytes, .. } = queue.stats.status();
                        lost += (queued_bytes - spooled_bytes) / ONE;
                        lost += dropped(&queue, Dropped::QueueFull) / 10;
                        drop(queue);
                        queue = disk(&dir, 6);
                    }
                    Step::Break | Step::Mend | Step::Restart => {}
                }
                let Status { queued_bytes, spooled_bytes, .. } = queue.stats.status();
                prop_assert!(queued_bytes <= 6 * ONE);
                prop_assert!(queued_bytes - spooled_bytes <= 3 * ONE);
            }
            if is_broken {
                mend_folder(&dir);
            }
            queue.put(Vec::new()).await;
            sent.extend(drain(&queue).await);
            lost += dropped(&queue, Dropped::QueueFull) / 10;
            prop_assert!(sent.is_sorted_by(|one, next| one < next), "{sent:?}");
            prop_assert_eq!(sent.len() as u64 + lost, u64::from(next - 1));
            prop_assert_eq!(dropped(&queue, Dropped::Damaged), 0);
            Ok(())
        })?;
    }
}
