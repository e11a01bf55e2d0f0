use std::path::Path;

use super::*;
use crate::batch::Batch;
use crate::canned;
use crate::config::{
    self, Histograms, Identity, Method, NativeHistograms, Pushgateway, Spool, Version,
};
use crate::queue::{LAST_WRITE, Room};
use crate::scripted::{Asked, Backend, Does, Gives, InWords, Lines, breaks, later, refuse, words};
use crate::source::Gathered;
use crate::stats::Dropped;

const INTERVAL: Duration = Duration::from_secs(10);
const FINAL: Duration = Duration::from_secs(5);

fn lane(backend: &Arc<Backend>, folder: Option<&Path>) -> Lane {
    let stats = Arc::new(Stats::new("test"));
    let room = Room { memory: 1 << 20, spool: 1 << 20 };
    let queue = match folder {
        Some(folder) => Queue::on_disk(folder, room, Arc::clone(&stats)).unwrap(),
        None => Queue::in_memory(room.memory, Arc::clone(&stats)),
    };
    Lane {
        encoder: Box::new(InWords::default()),
        queue: Arc::new(queue),
        transport: Box::new(Arc::clone(backend)),
        stats,
    }
}

fn push(lanes: Vec<Lane>) -> Push {
    Push { lanes, gateway: None, interval: INTERVAL, final_timeout: FINAL }
}

/// Runs it for so long, and then to its end. Gives how long that took.
async fn run_for(push: Push, source: Arc<dyn Source>, time: Duration) -> Duration {
    let stop = Stop::default();
    let running = tokio::spawn(push.run(source, stop.clone()));
    tokio::time::sleep(time).await;
    stop.tell();
    let end = tokio::time::Instant::now();
    running.await.unwrap();
    end.elapsed()
}

fn ended(stats: &Stats) -> u64 {
    stats.status().dropped(Dropped::Ended)
}

fn assert_times_grow(batches: &[Batch]) {
    let times: Vec<_> = batches.iter().map(|batch| batch.time).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_pass_is_at_once_and_the_last_one_says_that_all_ends() {
    let (one, other) = (Backend::after([]), Backend::after([later(None), later(None)]));
    let source = Asked::new(&[]);
    let push = push(vec![lane(&one, None), lane(&other, None)]);
    run_for(push, source.clone(), Duration::from_secs(25)).await;
    for backend in [one, other] {
        let taken = backend.taken();
        assert_eq!(words(&taken), ["asked 1;", "asked 2;", "asked 3;", "asked 4;", "asked ended;"]);
        assert_times_grow(&taken);
        assert_eq!(taken[4].time, taken[3].time + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_of_one_run_ends_before_the_next_is_told_of() {
    let backend = Backend::after([]);
    let source =
        Asked::new(&[Gives::Numbers, Gives::OfRun("a"), Gives::OfRun("a"), Gives::OfRun("b")]);
    run_for(push(vec![lane(&backend, None)]), source.clone(), Duration::from_secs(25)).await;
    let taken = backend.taken();
    let wanted = [
        "asked 1;",
        "asked ended;",
        "a: asked 2;",
        "a: asked 3;",
        "a: asked ended;",
        "b: asked 4;",
        "b: asked ended;",
    ];
    assert_eq!(words(&taken), wanted);
    assert_times_grow(&taken);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_at_once_still_has_its_final_numbers() {
    let backend = Backend::after([]);
    let push = push(vec![lane(&backend, None)]);
    let stop = Stop::default();
    stop.tell();
    push.run(Asked::new(&[]), stop).await;
    assert_eq!(words(&backend.taken()), ["asked 1;", "asked ended;"]);
}

/// The thread had been encoding a large pass for seconds: the end came so much later than it might.
#[tokio::test(start_paused = true)]
async fn the_time_of_the_last_push_counts_from_the_telling_however_late_that_is_heard() {
    let push = push(vec![lane(&Backend::new([], Does::Hang), None)]);
    let stop = Stop::default();
    stop.tell();
    let told = tokio::time::Instant::now();
    tokio::time::advance(FINAL / 2).await;
    push.run(Asked::new(&[]), stop).await;
    let took = told.elapsed();
    assert!((FINAL..FINAL + Duration::from_millis(10)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_never_answers_holds_up_no_pass_and_no_end() {
    let (deaf, good) = (Backend::new([], Does::Hang), Backend::after([]));
    let source = Asked::new(&[]);
    let push = push(vec![lane(&deaf, None), lane(&good, None)]);
    let stats = push.stats();
    let took = run_for(push, source.clone(), Duration::from_secs(25)).await;
    assert!((FINAL..FINAL + Duration::from_millis(10)).contains(&took), "{took:?}");
    assert_eq!(source.times(), 4);
    assert_eq!(good.taken().len(), 5);
    assert_eq!((ended(&stats[0]), ended(&stats[1])), (5, 0));
    assert_eq!(stats[0].status().queued_points, 0);
}

/// Needs two seconds for its numbers; whoever gives it less gets none, as of a Locust that is down.
struct Slow(Arc<Asked>);

impl Source for Slow {
    fn gather(
        &self,
        deadline: std::time::Instant,
        native: bool,
    ) -> crate::source::SourceFuture<'_> {
        Box::pin(async move {
            let gathering = self.0.gather(deadline, native);
            let wanted = Duration::from_secs(2);
            let within = deadline.saturating_duration_since(std::time::Instant::now());
            tokio::time::sleep(wanted.min(within)).await;
            if within >= wanted { gathering.await } else { nothing() }
        })
    }
}

fn nothing() -> Gathered {
    struct Nothing;
    impl exposition::Families for Nothing {
        fn parts(&self) -> usize {
            0
        }
        fn visit(&self, _: usize, _: &mut dyn exposition::Visitor) {}
    }
    Gathered { families: Arc::new(Nothing), resource: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn a_source_slower_than_the_interval_has_its_numbers_in_each_pass_and_at_the_end() {
    let backend = Backend::after([]);
    let push = Push { interval: Duration::from_secs(1), ..push(vec![lane(&backend, None)]) };
    run_for(push, Arc::new(Slow(Asked::new(&[]))), Duration::from_millis(5_500)).await;
    // The third one was under way.
    assert_eq!(words(&backend.taken()), ["asked 1;", "asked 2;", "asked 3;", "asked ended;"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_holds_up_no_end() {
    let backend = Backend::after([]);
    let source = Asked::new(&[Gives::Numbers, Gives::Nothing, Gives::Nothing]);
    let push = push(vec![lane(&backend, None)]);
    let took = run_for(push, source.clone(), Duration::from_secs(25)).await;
    assert!((FINAL..FINAL + Duration::from_millis(10)).contains(&took), "{took:?}");
    assert_eq!(words(&backend.taken()), ["asked 1;"]);
    assert_eq!(source.times(), 3, "what was under way is given up for the last word");
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_pass_costs_that_pass_alone() {
    let backend = Backend::after([]);
    let source = Asked::new(&[Gives::Numbers, Gives::Panic]);
    run_for(push(vec![lane(&backend, None)]), source.clone(), Duration::from_secs(25)).await;
    assert_eq!(words(&backend.taken()), ["asked 1;", "asked 3;", "asked 4;", "asked ended;"]);
}

#[tokio::test(start_paused = true)]
async fn what_remains_is_sent_first_when_it_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sink");
    let deaf = Backend::new([Does::Answer(crate::transport::Outcome::WHOLE)], Does::Hang);
    let first = push(vec![lane(&deaf, Some(&folder))]);
    let stats = first.stats();
    run_for(first, Asked::new(&[]), Duration::from_secs(15)).await;
    assert_eq!((ended(&stats[0]), stats[0].status().queued_points), (0, 3));

    // This one is killed.
    let second = push(vec![lane(&deaf, Some(&folder))]);
    let killed = second.run(Asked::new(&[]), Stop::default());
    assert!(tokio::time::timeout(Duration::from_secs(5), killed).await.is_err());
    // Its tasks go, and with them its lock.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let good = Backend::after([]);
    let third = push(vec![lane(&good, Some(&folder))]);
    run_for(third, Asked::new(&[]), Duration::from_secs(5)).await;
    let mut all = deaf.taken();
    all.extend(good.taken());
    assert_eq!(
        words(&all),
        [
            "asked 1;",
            "asked 2;",
            "asked 3;",
            "asked ended;", // the first
            "asked 1;",     // the second
            "asked 1;",
            "asked 2;",
            "asked ended;", // the third
        ]
    );
    assert_times_grow(&all);
}

#[tokio::test(start_paused = true)]
async fn the_last_words_say_what_kept_the_rest_from_being_sent() {
    let whole = || Does::Answer(crate::transport::Outcome::WHOLE);
    for (script, cause) in [
        (vec![breaks("connection refused"); 99], "connection refused"),
        (vec![breaks("no answer within 10s"), Does::Hang], "no answer within 10s"),
        (vec![Does::Hang], "no answer came in time"),
        (vec![later(None), whole()], "no answer came in time"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for (folder, left) in [(None, "are lost"), (Some(dir.path()), "kept on disk")] {
            let lines = Lines::listen();
            let backend = Backend::new(script.clone(), Does::Hang);
            run_for(push(vec![lane(&backend, folder)]), Asked::new(&[]), INTERVAL * 2).await;
            let last = lines.all().pop().unwrap();
            assert!(last.contains(left) && last.contains(&format!("cause={cause:?}")), "{last}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_in_all_is_said_once_at_the_end() {
    let lines = Lines::listen();
    let backend = Backend::after([refuse(), refuse(), Does::Answer(partly_refused())]);
    let one = push(vec![lane(&backend, None), lane(&Backend::after([]), None)]);
    run_for(one, Asked::new(&[]), Duration::from_secs(35)).await;
    let all = lines.all();
    let told: Vec<_> = all.iter().filter(|line| line.contains("in this run")).collect();
    // Of five passes and the end, each a point, the first three.
    assert_eq!(told.len(), 1, "{all:?}");
    assert!(told[0].contains("points=3 taken=3 why=\"too old\""), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn disks_that_hang_hold_up_the_end_but_once_and_no_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let lines = Lines::listen();
    let backend = Backend::new([], refuse());
    let both = ["one", "other"].map(|sink| lane(&backend, Some(&dir.path().join(sink))));
    for lane in &both {
        lane.queue.hang();
    }
    let stop = Stop::default();
    let running = tokio::spawn(push(both.into()).run(Asked::new(&[]), stop.clone()));
    tokio::time::sleep(INTERVAL / 2).await;
    stop.tell();
    tokio::time::sleep(LAST_WRITE / 2).await;
    assert_eq!((running.is_finished(), lines.count("in this run")), (false, 2));
    tokio::time::sleep(LAST_WRITE * 3 / 4).await;
    assert!(running.is_finished());
}

fn partly_refused() -> crate::transport::Outcome {
    crate::transport::Outcome::Delivered { refused: 1, why: Some("too old".to_owned()) }
}

fn of_no_sink(spool: &Path) -> Config {
    Config {
        interval: Duration::from_millis(100),
        timeout: canned::LONG,
        final_timeout: canned::LONG,
        queue_bytes: 1 << 20,
        spool: Some(Spool { path: spool.to_owned(), max_bytes: 1 << 20 }),
        identity: Identity {
            job: "a job".to_owned(),
            instance: "here".to_owned(),
            program: ("tested", "1.2.3"),
        },
        remote_write: None,
        otlp: None,
        pushgateway: None,
    }
}

fn remote_write(receiver: &canned::Backend) -> RemoteWrite {
    RemoteWrite {
        target: receiver.target("/api/v1/write", "--push.remote-write.tls"),
        version: Version::Auto,
        external_labels: Vec::new(),
        native_histograms: NativeHistograms::Never,
    }
}

#[tokio::test]
async fn what_lies_there_of_a_sink_that_is_not_configured_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = canned::Backend::new([canned::Reply::new(204)]).await;
    let without = of_no_sink(dir.path());
    let with = Config { remote_write: Some(remote_write(&receiver)), ..without.clone() };
    let told = |config| {
        let lines = Lines::listen();
        let push = Push::new(config).unwrap();
        (lines.all().into_iter().find(|line| line.contains("not configured")), push)
    };
    assert_eq!(told(&without).0, None, "there is nothing");
    drop(told(&with));
    assert_eq!(told(&without).0, None, "there is an empty folder");
    let folder = dir.path().join("remote-write");
    std::fs::write(folder.join(format!("{:020}.batch", 1)), [0; 1234]).unwrap();
    let line = told(&without).0.unwrap();
    assert!(line.contains(&format!("folder={} bytes=1234", folder.display())), "{line}");
    std::fs::write(folder.join(format!("{:020}.batch", 1)), "damaged").unwrap();
    let (line, _another) = told(&with);
    assert_eq!(line, None, "it is configured");
    std::fs::write(folder.join(format!("{:020}.batch", 1)), [0; 1234]).unwrap();
    assert_eq!(told(&without).0, None, "another exporter pushes there");
}

#[tokio::test]
async fn a_folder_that_cannot_be_looked_into_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("otlp"), "a file").unwrap();
    let lines = Lines::listen();
    Push::new(&of_no_sink(dir.path())).unwrap();
    let all = lines.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].contains("cannot be seen") && all[0].contains("sink=\"otlp\""), "{all:?}");
}

#[test]
fn what_lies_in_a_spool_is_summed_up_unless_an_exporter_has_it() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(left_in_spool(dir.path()).unwrap(), 0);
    for (sink, bytes) in [("remote-write", 5), ("otlp", 7)] {
        let folder = dir.path().join(sink);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("lock"), "").unwrap();
        std::fs::write(folder.join(format!("{:020}.batch", 1)), vec![0; bytes]).unwrap();
    }
    assert_eq!(left_in_spool(dir.path()).unwrap(), 12);
    let lock = std::fs::File::open(dir.path().join("otlp/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(left_in_spool(dir.path()).unwrap(), 5);
}

/// Every real part, from the configuration to the requests.
#[tokio::test]
async fn as_configured() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = canned::Backend::new([canned::Reply::new(415), canned::Reply::new(204)]).await;
    let collector = canned::Backend::new([canned::Reply::new(503), canned::Reply::new(200)]).await;
    let gateway = canned::Backend::new([canned::Reply::new(200)]).await;
    let config = Config {
        remote_write: Some(remote_write(&receiver)),
        otlp: Some(Otlp {
            target: collector.target("/v1/metrics", "--push.otlp.tls"),
            protocol: config::Protocol::Http,
            timeout: None,
            gzip: true,
            resource: Vec::new(),
            histograms: Histograms::Explicit,
        }),
        pushgateway: Some(Pushgateway {
            target: gateway.target("", "--pushgateway.tls"),
            job: "a job".to_owned(),
            grouping: Vec::new(),
            interval: canned::LONG,
            method: Method::Put,
            delete_on_exit: true,
        }),
        ..of_no_sink(dir.path())
    };
    let push = Push::new(&config).unwrap();
    assert!(matches!(Push::new(&config), Err(Error::Spool(SpoolError::InUse(_)))));
    let stats = push.stats();
    let (source, stop) = (Asked::new(&[]), Stop::default());
    let running = tokio::spawn(push.run(source.clone(), stop.clone()));
    let all_have = async {
        while stats.iter().any(|stats| stats.status().sent_points < 1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(canned::LONG, all_have).await.unwrap();
    stop.tell();
    running.await.unwrap();

    let asked: Vec<_> = gateway.asked().iter().map(|asked| asked.method.clone()).collect();
    assert_eq!(asked, ["PUT", "PUT", "DELETE"], "at once, at the end, and then it goes");
    // Each numbers a source gave are a point of each sink; an end is one more.
    let points = (source.times() - 2) as u64 + 1;
    assert!(points >= 3, "{points}");
    let told: Vec<_> = stats.iter().map(|stats| stats.status()).collect();
    assert_eq!(told[0].sink, "remote_write");
    assert_eq!(told[1].sink, "otlp");
    assert_eq!((told[2].sink, told[2].sent_points), ("pushgateway", 2));
    for status in &told[..2] {
        assert_eq!((status.sent_points, status.queued_points), (points, 0), "{status:?}");
        assert!(status.dropped.iter().all(|(_, points)| *points == 0), "{status:?}");
    }
    // One more was asked in 2.0, the other at a bad moment.
    assert_eq!(receiver.asked().len() as u64, points + 1);
    assert_eq!(collector.asked().len() as u64, points + 1);
    assert_eq!(told[1].failures, 1);
    assert_eq!(receiver.asked()[1].header("x-prometheus-remote-write-version"), "0.1.0");
    for asked in receiver.asked().iter().chain(&collector.asked()).chain(&gateway.asked()) {
        assert_eq!(asked.header("user-agent"), "tested/1.2.3");
    }
    let files = |sink| std::fs::read_dir(dir.path().join(sink)).unwrap().count();
    assert_eq!((files("remote-write"), files("otlp")), (1, 1), "the locks alone");
}
