use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::batch::Format;
use crate::point::Millis;
use crate::queue::Room;
use crate::scripted::{Backend, Does, Lines, breaks, had, later, refuse};
use crate::stats::Dropped;

fn batch(number: u32) -> Batch {
    Batch {
        format: Format::RemoteWrite1,
        time: i64::from(number),
        samples: 10,
        histograms: 0,
        body: Bytes::from(format!("batch {number}")),
    }
}

struct Scene {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    backend: Arc<Backend>,
    sender: Sender,
}

async fn scene(batches: u32, backend: Arc<Backend>) -> Scene {
    let stats = Arc::new(Stats::new("test"));
    let queue = Arc::new(Queue::in_memory(1 << 20, Arc::clone(&stats)));
    queue.put((1..=batches).map(batch).collect()).await;
    let transport = Box::new(Arc::clone(&backend));
    let sender = Sender::new(Arc::clone(&queue), transport, Arc::clone(&stats));
    Scene { queue, stats, backend, sender }
}

fn times(batches: &[Batch]) -> Vec<Millis> {
    batches.iter().map(|batch| batch.time).collect()
}

fn refused(stats: &Stats) -> u64 {
    stats.status().dropped(Dropped::Refused)
}

#[tokio::test(start_paused = true)]
async fn all_is_sent_in_order_and_counted() {
    let Scene { queue, stats, backend, sender } = scene(5, Backend::after([])).await;
    assert_eq!(stats.status().last_success, None);
    queue.close();
    sender.run().await;
    assert_eq!(times(&backend.taken()), [1, 2, 3, 4, 5]);
    let status = stats.status();
    assert_eq!((status.sent_points, status.queued_points, status.failures), (50, 0, 0));
    assert!(status.last_success.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_for_longer_and_longer_whatever_comes_meanwhile() {
    let outage = std::iter::repeat_n(later(None), 8);
    let Scene { queue, stats, backend, sender } = scene(1, Backend::after(outage)).await;
    let sending = tokio::spawn(sender.run());
    for number in 2..200 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        queue.put(vec![batch(number)]).await;
    }
    queue.close();
    sending.await.unwrap();

    let attempts = backend.attempts();
    let whole = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0];
    for (two, whole) in attempts.windows(2).zip(whole) {
        let waited = (two[1].1 - two[0].1).as_secs_f64();
        // The clock of a test goes in whole milliseconds.
        assert!((whole / 2.0..=whole + 0.002).contains(&waited), "{waited} of {whole}");
        assert_eq!(two[1].0, batch(1));
    }
    assert!(times(&backend.taken()).into_iter().eq(1..200));
    assert_eq!(stats.status().failures, 8);
}

#[tokio::test(start_paused = true)]
async fn it_starts_from_the_first_delay_after_each_outage() {
    let script = [later(None), later(None), Does::Answer(Outcome::WHOLE), later(None)];
    let Scene { backend, sender, queue, .. } = scene(2, Backend::after(script)).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_mins(1)).await;
    queue.close();
    sending.await.unwrap();
    let attempts = backend.attempts();
    assert!(attempts[4].1 - attempts[3].1 <= Duration::from_millis(1_002));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_asks_for_patience_gets_it_but_for_one_attempt_at_the_end() {
    let asks = [later(Some(70)), later(Some(70)), later(Some(70))];
    let Scene { queue, backend, sender, .. } = scene(1, Backend::after(asks)).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_secs(80)).await;
    queue.close();
    sending.await.unwrap();
    let attempts = backend.attempts();
    let waits = [1, 2, 3].map(|i| (attempts[i].1 - attempts[i - 1].1).as_secs());
    assert_eq!(waits, [70, 10, 70]);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_it_tries_at_once_and_then_begins_anew() {
    let outage = std::iter::repeat_n(later(None), 9);
    let Scene { queue, backend, sender, .. } = scene(1, Backend::after(outage)).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_mins(1)).await;
    let (before, end) = (backend.attempts().len(), Instant::now());
    queue.close();
    sending.await.unwrap();
    let waited: Vec<_> = backend.attempts()[before..].iter().map(|(_, at)| *at - end).collect();
    assert!(waited[0] <= Duration::from_millis(1), "{waited:?}");
    assert!(waited[1] <= Duration::from_millis(1_004), "{waited:?}");
    assert!(waited[1] >= Duration::from_millis(500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_counted_and_holds_up_nothing() {
    let partly = |refused| Outcome::Delivered { refused, why: Some("too old".to_owned()) };
    let script = [refuse(), Does::Answer(partly(3)), Does::Panic, Does::Answer(partly(99))];
    let Scene { queue, stats, backend, sender } = scene(5, Backend::after(script)).await;
    queue.close();
    sender.run().await;
    assert_eq!(times(&backend.taken()), [2, 4, 5]);
    let status = stats.status();
    assert_eq!((status.sent_points, refused(&stats)), (7 + 10, 10 + 3 + 10 + 10));
    assert_eq!((status.failures, status.queued_points), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_stays_in_the_queue() {
    let Scene { queue, backend, sender, .. } = scene(2, Backend::after([Does::Hang])).await;
    let sending = tokio::time::timeout(Duration::from_mins(1), sender.run());
    assert!(sending.await.is_err());
    assert_eq!(backend.attempts().len(), 1);
    assert_eq!(queue.head().await, Some(batch(1)));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_two_lines_and_so_is_a_time_of_refusals() {
    let lines = Lines::listen();
    let whole = || Does::Answer(Outcome::WHOLE);
    let mut script = vec![later(None); 20];
    script.extend([whole(), refuse(), whole(), refuse(), whole(), whole()]);
    let Scene { queue, stats, sender, .. } = scene(5, Backend::after(script)).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!((lines.count("cannot push now"), lines.count("can push again")), (1, 1));
    assert_eq!((refused(&stats), lines.count("refuses points")), (20, 1));
    assert_eq!(lines.count("takes all points again"), 0, "it is not known yet");
    queue.put(vec![batch(6)]).await;
    queue.close();
    sending.await.unwrap();
    assert_eq!(lines.count("takes all points again"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_exporter_overtook_is_lost_and_said() {
    let lines = Lines::listen();
    let Scene { queue, stats, sender, .. } = scene(50, Backend::new([], had(0))).await;
    queue.close();
    sender.run().await;
    let status = stats.status();
    assert_eq!((status.sent_points, refused(&stats), status.last_success), (0, 500, None));
    assert_eq!(lines.count("refuses points"), 1);
}

#[tokio::test(start_paused = true)]
async fn of_what_was_had_only_what_was_not_taken_is_lost() {
    let Scene { queue, stats, sender, .. } = scene(1, Backend::after([had(7)])).await;
    queue.close();
    sender.run().await;
    assert_eq!((stats.status().sent_points, refused(&stats)), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn what_arrived_before_its_answer_was_lost_is_delivered_without_remark() {
    let lines = Lines::listen();
    // The doubt is of one batch alone, and patience that is asked for leaves none.
    let script = [breaks("time-out"), later(None), had(0), later(None), had(0)];
    let Scene { queue, stats, sender, .. } = scene(2, Backend::after(script)).await;
    queue.close();
    sender.run().await;
    assert_eq!((stats.status().sent_points, refused(&stats)), (10, 10));
    assert_eq!(lines.count("refuses points"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_may_have_arrived() {
    let dir = tempfile::tempdir().unwrap();
    let disk = || {
        let stats = Arc::new(Stats::new("test"));
        let room = Room { memory: 1 << 20, spool: 1 << 20 };
        (Arc::new(Queue::on_disk(dir.path(), room, Arc::clone(&stats)).unwrap()), stats)
    };
    disk().0.put(vec![batch(1), batch(2)]).await;
    let (queue, stats) = disk();
    queue.put(vec![batch(3)]).await;
    queue.close();
    let transport = Box::new(Backend::new([], had(0)));
    Sender::new(queue, transport, Arc::clone(&stats)).run().await;
    assert_eq!((stats.status().sent_points, refused(&stats)), (20, 10));
}

#[tokio::test(start_paused = true)]
async fn a_warning_of_a_backend_that_took_all_is_told_once() {
    let lines = Lines::listen();
    let warn = |why: &str| Outcome::Delivered { refused: 0, why: Some(why.to_owned()) };
    let script = ["old names", "old names", "other"].map(|why| Does::Answer(warn(why)));
    let Scene { queue, stats, sender, .. } = scene(9, Backend::after(script)).await;
    queue.close();
    sender.run().await;
    assert_eq!((stats.status().sent_points, refused(&stats)), (90, 0));
    assert_eq!((lines.count("but warns"), lines.count("refuses")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_alternates_is_worth_no_line() {
    let lines = Lines::listen();
    let script = (0..200).flat_map(|_| [later(None), Does::Answer(Outcome::WHOLE)]);
    let Scene { queue, stats, sender, .. } = scene(200, Backend::after(script)).await;
    queue.close();
    sender.run().await;
    let status = stats.status();
    assert_eq!((status.sent_points, status.failures), (2_000, 200));
    assert_eq!((lines.count("cannot push"), lines.count("can push again")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_down_again_and_again_is_one_pair_of_lines_a_minute() {
    let lines = Lines::listen();
    let script = (0..200).flat_map(|_| [later(Some(6)), Does::Answer(Outcome::WHOLE)]);
    let Scene { queue, sender, .. } = scene(200, Backend::after(script)).await;
    queue.close();
    sender.run().await;
    assert_eq!((lines.count("cannot push now"), lines.count("can push again")), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_hard_outage_is_said_within_seconds() {
    for (script, within) in [(later(None), 2), (later(Some(60)), 0)] {
        let lines = Lines::listen();
        let Scene { sender, .. } = scene(1, Backend::new([], script)).await;
        let sending = tokio::spawn(sender.run());
        tokio::time::sleep(Duration::from_secs(within) + Duration::from_millis(1)).await;
        assert_eq!(lines.count("cannot push now"), 1);
        sending.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn another_cause_of_an_outage_is_told_but_not_each_time() {
    let lines = Lines::listen();
    let mut script = vec![breaks("connection refused"); 4];
    script.push(breaks("401"));
    let Scene { sender, .. } = scene(1, Backend::new(script, breaks("401"))).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(lines.count("cannot push now"), 1);
    assert_eq!(lines.count("another cause"), 1);
    sending.abort();

    let lines = Lines::listen();
    let script = (0..1_000).map(|number| breaks(&format!("connection {number} broke")));
    let Scene { sender, .. } = scene(1, Backend::after(script)).await;
    let sending = tokio::spawn(sender.run());
    tokio::time::sleep(Duration::from_mins(30)).await;
    let told = lines.count("another cause");
    assert!((15..=31).contains(&told), "{told}");
    sending.abort();
}

proptest! {
    #[test]
    fn every_batch_arrives_in_order(
        script in proptest::collection::vec(
            prop_oneof![
                Just(later(None)),
                Just(later(Some(7))),
                Just(Does::Answer(Outcome::WHOLE)),
            ],
            0..60,
        ),
        batches in 0..30_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let Scene { queue, stats, backend, sender } =
                scene(batches, Backend::after(script)).await;
            queue.close();
            sender.run().await;
            prop_assert!(times(&backend.taken()).into_iter().eq(1..=i64::from(batches)));
            prop_assert_eq!(stats.status().sent_points, u64::from(batches) * 10);
            Ok(())
        })?;
    }
}
