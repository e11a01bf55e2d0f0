use std::sync::atomic::{AtomicU64, Ordering};

use exposition::{
    Emit, Families, Family, Kind, Label, LabelName, Labels, Meta, MetricName, Reject, Sample,
    Value, Visitor,
};

use super::*;
use crate::canned::{Asked, Backend, LONG, Reply};
use crate::config::{Method, Pushgateway};
use crate::fields::{Field, Fields, varint};
use crate::source::{Gathered, SourceFuture};

type Pairs = Vec<(String, String)>;

/// A counter with one sample, which has these labels, and another one, which is none.
#[derive(Default)]
struct Counter {
    base: &'static [(&'static str, &'static str)],
    own: &'static [(&'static str, &'static str)],
    value: f64,
    rejected: AtomicU64,
}

impl Families for Counter {
    fn parts(&self) -> usize {
        1
    }

    fn visit(&self, _: usize, visitor: &mut dyn Visitor) {
        let name = MetricName::new("things_total").unwrap();
        let meta = Meta::new(name, "Things.", None, Kind::Counter);
        let names: Vec<_> =
            self.own.iter().map(|(name, _)| LabelName::new(*name).unwrap()).collect();
        let values: Vec<_> = self.own.iter().map(|(_, value)| *value).collect();
        let base: Vec<_> = self
            .base
            .iter()
            .map(|(name, value)| Label {
                name: LabelName::new(*name).unwrap(),
                value: (*value).into(),
            })
            .collect();
        let labels = Labels { base: &base, values: &values };
        let samples = |emit: &mut Emit<'_>| {
            for value in [self.value, f64::NAN] {
                emit(&Sample { labels, value: Value::Number(value), created: None });
            }
        };
        visitor.family(&Family::new(&meta, &names, &samples));
    }

    fn rejected(&self, reason: Reject, count: u64) {
        assert_eq!(reason, Reject::NotACount);
        self.rejected.fetch_add(count, Ordering::Relaxed);
    }
}

/// Counts how often it was asked.
#[derive(Default)]
struct Asks(AtomicU64);

impl Source for Asks {
    fn gather(&self, _: std::time::Instant, native: bool) -> SourceFuture<'_> {
        assert!(native);
        let value = (self.0.fetch_add(1, Ordering::Relaxed) + 1) as f64;
        let families = Arc::new(Counter { value, ..Counter::default() });
        Box::pin(async move { Gathered { families, resource: Vec::new() } })
    }
}

/// Has a bug at first where it gathers, then where it is shown. Then it gives the same as [`Asks`].
#[derive(Default)]
struct Buggy(Asks);

struct Unshowable;

impl Families for Unshowable {
    fn parts(&self) -> usize {
        1
    }

    fn visit(&self, _: usize, _: &mut dyn Visitor) {
        panic!("as the test wants it");
    }
}

impl Source for Buggy {
    fn gather(&self, deadline: std::time::Instant, native: bool) -> SourceFuture<'_> {
        let Self(asks) = self;
        let gathering = asks.gather(deadline, native);
        let asked = asks.0.load(Ordering::Relaxed);
        Box::pin(async move {
            match asked {
                1 => panic!("as the test wants it"),
                2 => Gathered { families: Arc::new(Unshowable), resource: Vec::new() },
                _ => gathering.await,
            }
        })
    }
}

/// Takes all the time that it may, but not when it is asked first.
#[derive(Default)]
struct Slow(Asks);

impl Source for Slow {
    fn gather(&self, deadline: std::time::Instant, native: bool) -> SourceFuture<'_> {
        let Self(asks) = self;
        let is_first = asks.0.load(Ordering::Relaxed) == 0;
        let gathering = asks.gather(deadline, native);
        Box::pin(async move {
            if !is_first {
                tokio::time::sleep_until(deadline.into()).await;
            }
            gathering.await
        })
    }
}

/// Labels and value of the one sample in a pushed body.
fn sample(mut body: &[u8]) -> (Pairs, f64) {
    let length = varint(&mut body).unwrap();
    assert_eq!(body.len() as u64, length, "one family");
    let family = Fields::of(body);
    assert_eq!(family.bytes(1), b"things_total");
    let metric = Fields::of(family.bytes(4));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let labels = metric.clone().filter_map(|field| match field.unwrap() {
        (1, Field::Bytes(label)) => {
            let label = Fields::of(label);
            Some((text(label.bytes(1)), text(label.bytes(2))))
        }
        _ => None,
    });
    let mut value = Fields::of(metric.bytes(3));
    let Some(Ok((1, Field::Fixed64(bits)))) = value.next() else { panic!() };
    (labels.collect(), f64::from_bits(bits))
}

fn labels(key: &[&str], base: &'static [(&str, &str)], own: &'static [(&str, &str)]) -> Pairs {
    let families = Counter { base, own, ..Counter::default() };
    let key: Vec<_> = key.iter().map(|name| (*name).to_owned()).collect();
    let body = Body::of(&families, &key);
    assert_eq!((body.points(), families.rejected.into_inner()), (1, 1));
    let (mut labels, _) = sample(&body.bytes());
    labels.sort();
    labels
}

#[test]
fn labels_that_the_grouping_key_would_hide_get_other_names() {
    let pairs = |pairs: &[(&str, &str)]| -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    for (key, base, own, wanted) in [
        (
            &["job"][..],
            &[("a", "1")][..],
            &[("instance", "2")][..],
            &[("a", "1"), ("instance", "2")][..],
        ),
        (&["job"], &[("job", "1")], &[("x", "2")], &[("exported_job", "1"), ("x", "2")]),
        (
            &["job", "instance"],
            &[("exported_job", "1")],
            &[("job", "2"), ("instance", "3")],
            &[("exported_exported_job", "1"), ("exported_instance", "3"), ("exported_job", "2")],
        ),
        (
            &["job"],
            &[],
            &[("job", "1"), ("exported_job", "2")],
            &[("exported_exported_job", "1"), ("exported_job", "2")],
        ),
    ] {
        assert_eq!(labels(key, base, own), pairs(wanted));
    }
}

struct Setup {
    backend: Backend,
    config: Pushgateway,
    source: Arc<dyn Source>,
    stats: Arc<Stats>,
    end: Stop,
}

impl Setup {
    async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let backend = Backend::new(replies).await;
        let config = Pushgateway {
            target: backend.target("/", "--pushgateway.tls"),
            job: "locust".to_owned(),
            grouping: vec![("instance".to_owned(), "ci".to_owned())],
            interval: LONG,
            method: Method::Put,
            delete_on_exit: false,
        };
        let stats = Arc::new(Stats::new("pushgateway"));
        let source = Arc::new(Asks::default());
        Self { backend, config, source, stats, end: Stop::default() }
    }

    /// Runs until it ends by itself.
    fn run(&self, timeout: Duration, final_timeout: Duration) -> tokio::task::JoinHandle<()> {
        let gateway = Gateway::new(&self.config, timeout, "tester/1").unwrap();
        let (source, stats) = (Arc::clone(&self.source), Arc::clone(&self.stats));
        tokio::spawn(run(gateway, source, stats, final_timeout, self.end.clone()))
    }

    /// Waits until so many requests have come. Their answers may still be on their way.
    async fn asked(&self, requests: usize) -> Vec<Asked> {
        until(|| self.backend.asked().len() >= requests).await;
        self.backend.asked()
    }

    /// Waits until so many pushes have been answered well, and counted.
    async fn sent(&self, points: u64) {
        until(|| self.stats.status().sent_points >= points).await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let come = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, come).await.unwrap();
}

fn values(asked: &[Asked]) -> Vec<f64> {
    asked.iter().map(|asked| sample(&asked.body).1).collect()
}

#[tokio::test]
async fn it_pushes_at_once_and_once_more_at_the_end() {
    let setup = Setup::new([Reply::new(200)]).await;
    let running = setup.run(LONG, LONG);
    setup.sent(1).await;
    setup.end.tell();
    running.await.unwrap();
    let asked = setup.backend.asked();
    assert_eq!(values(&asked), [1.0, 2.0]);
    for asked in asked {
        assert_eq!((&*asked.method, &*asked.path), ("PUT", "/metrics/job/locust/instance/ci"));
        assert_eq!(asked.header("content-type"), PROTOBUF);
    }
    let status = setup.stats.status();
    assert_eq!((status.sent_points, status.failures), (2, 0));
    assert!(status.last_success.is_some());
}

const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

#[tokio::test]
async fn each_interval_brings_what_is_newest_then() {
    let mut setup = Setup::new([Reply::new(202)]).await;
    setup.config.interval = Duration::from_millis(50);
    setup.config.method = Method::Post;
    let running = setup.run(LONG, LONG);
    let asked = setup.asked(3).await;
    assert_eq!(values(&asked)[..3], [1.0, 2.0, 3.0]);
    assert_eq!(asked[0].method, "POST");
    setup.end.tell();
    running.await.unwrap();
}

#[tokio::test]
async fn a_failure_is_tried_again_before_the_interval_is_over_with_what_is_newest_then() {
    for failure in [Reply::new(503), Reply::new(401), Reply::new(400)] {
        let setup = Setup::new([failure, Reply::new(200)]).await;
        let running = setup.run(LONG, LONG);
        setup.sent(1).await;
        assert_eq!(values(&setup.backend.asked()), [1.0, 2.0]);
        setup.end.tell();
        running.await.unwrap();
        let status = setup.stats.status();
        assert_eq!((status.sent_points, status.failures), (2, 1));
    }
}

#[tokio::test]
async fn the_group_is_deleted_after_the_last_push() {
    let mut setup = Setup::new([Reply::new(200)]).await;
    setup.config.delete_on_exit = true;
    let running = setup.run(LONG, LONG);
    setup.asked(1).await;
    setup.end.tell();
    running.await.unwrap();
    let asked = setup.backend.asked();
    let methods: Vec<_> = asked.iter().map(|asked| &*asked.method).collect();
    assert_eq!(methods, ["PUT", "PUT", "DELETE"]);
    assert_eq!(asked[2].path, "/metrics/job/locust/instance/ci");
}

#[tokio::test]
async fn a_slow_last_gathering_leaves_time_for_the_push_and_the_deletion() {
    let mut setup = Setup::new([Reply::new(200)]).await;
    setup.config.delete_on_exit = true;
    setup.source = Arc::new(Slow::default());
    let running = setup.run(LONG, Duration::from_secs(4));
    setup.sent(1).await;
    setup.end.tell();
    running.await.unwrap();
    let asked = setup.backend.asked();
    let methods: Vec<_> = asked.iter().map(|asked| &*asked.method).collect();
    assert_eq!(methods, ["PUT", "PUT", "DELETE"]);
    assert_eq!((setup.stats.status().sent_points, setup.stats.status().failures), (2, 0));
}

#[tokio::test]
async fn a_last_push_that_is_not_answered_leaves_time_for_the_deletion() {
    let mut setup = Setup::new([Reply::new(200), Reply::silence(), Reply::new(200)]).await;
    setup.config.delete_on_exit = true;
    let running = setup.run(LONG, Duration::from_secs(2));
    setup.sent(1).await;
    setup.end.tell();
    running.await.unwrap();
    let asked = setup.backend.asked();
    let methods: Vec<_> = asked.iter().map(|asked| &*asked.method).collect();
    assert_eq!(methods, ["PUT", "PUT", "DELETE"]);
    assert_eq!(setup.stats.status().failures, 0, "the group could be deleted");
}

#[tokio::test]
async fn a_panic_while_gathering_or_encoding_costs_that_push_alone() {
    let mut setup = Setup::new([Reply::new(200)]).await;
    setup.config.interval = Duration::from_millis(50);
    setup.source = Arc::new(Buggy::default());
    let running = setup.run(LONG, LONG);
    setup.sent(1).await;
    assert_eq!(values(&setup.backend.asked())[..1], [3.0]);
    assert_eq!(setup.stats.status().failures, 2);
    setup.end.tell();
    running.await.unwrap();
}

#[tokio::test]
async fn the_end_waits_for_a_silent_gateway_no_longer_than_it_may() {
    let setup = Setup::new([Reply::silence()]).await;
    let running = setup.run(LONG, Duration::from_millis(200));
    setup.asked(1).await;
    setup.end.tell();
    tokio::time::timeout(LONG / 2, running).await.unwrap().unwrap();
    let status = setup.stats.status();
    assert!(status.dropped.contains(&(Dropped::Ended, 1)), "{status:?}");
}

#[tokio::test]
async fn the_last_push_is_tried_again_if_that_may_help() {
    let setup = Setup::new([Reply::new(200), Reply::new(503), Reply::new(200)]).await;
    let running = setup.run(LONG, LONG);
    setup.asked(1).await;
    setup.end.tell();
    running.await.unwrap();
    assert_eq!(values(&setup.backend.asked()), [1.0, 2.0, 2.0]);
    assert_eq!(setup.stats.status().failures, 1);

    let setup = Setup::new([Reply::new(200), Reply::new(400)]).await;
    let running = setup.run(LONG, LONG);
    setup.asked(1).await;
    setup.end.tell();
    running.await.unwrap();
    assert_eq!(setup.backend.asked().len(), 2);
    assert!(setup.stats.status().dropped.contains(&(Dropped::Ended, 1)));
}

#[test]
fn waits_grow_with_each_failure() {
    let wait = |failures| {
        let target = outgoing::Target {
            url: "http://localhost:1".parse().unwrap(),
            credentials: outgoing::Credentials::None,
            headers: Vec::new(),
            tls: outgoing::Tls::default(),
            tls_flags: "--pushgateway.tls",
        };
        let config = Pushgateway {
            target,
            job: "locust".to_owned(),
            grouping: Vec::new(),
            interval: LONG,
            method: Method::Put,
            delete_on_exit: false,
        };
        let gateway = Gateway::new(&config, LONG, "tester/1").unwrap();
        let stats = Arc::new(Stats::new("pushgateway"));
        Pusher { gateway, source: Arc::new(Asks::default()), stats, failures }.wait().as_secs()
    };
    assert_eq!([wait(1), wait(2), wait(4), wait(u32::MAX)], [1, 2, 8, 1 << 16]);
}
