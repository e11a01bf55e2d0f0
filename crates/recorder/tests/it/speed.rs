//! What recording and reading cost. Nothing is asserted: run it to look, in release.
//!
//! `cargo test --release -p recorder --test it speed -- --ignored --nocapture`

use std::hint::black_box;
use std::time::{Instant, SystemTime};

use recorder::{Buckets, Config, Key, Process, Request, SeriesId, Writer, recorder, snapshot};

const EVENTS: u32 = 2_000_000;
const ROUNDS: usize = 51;
/// More bytes than caches hold.
const CACHES: usize = 64 << 20;
const NOW: f64 = 1_790_000_000.0;

/// Numbers that a branch predictor does not foresee.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Times between 40 and 147 ms, which are in about 60 native buckets.
    fn time(&mut self) -> f64 {
        40.0 * (self.next() as f64 / u64::MAX as f64 * 1.3).exp()
    }
}

fn series(writer: &mut Writer, count: usize) -> Vec<SeriesId> {
    let id = |row| {
        let name = format!("/some/path/of/an/endpoint/{row}");
        let key = Key { method: "GET", name: &name, status: Some(200), exception: "" };
        writer.series(&key, NOW)
    };
    (0..count).map(id).collect()
}

fn record(writer: &mut Writer, ids: &[SeriesId], random: &mut Random) -> f64 {
    let length = ids.len() as u64;
    let inputs: Vec<_> = (0..EVENTS)
        .map(|event| {
            let id = ids[usize::try_from(random.next() % length).expect("an index")];
            let now = NOW + f64::from(event) * 1e-5;
            let request =
                Request { time: Some(random.time()), response_bytes: 10, request_bytes: 1, now };
            (id, request)
        })
        .collect();
    let start = Instant::now();
    for (id, request) in &inputs {
        writer.request(*id, request);
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(EVENTS)
}

/// How long it takes when all else of a few seconds lies between: the least, of an undisturbed
/// round, and the median.
fn rounds<T>(mut work: impl FnMut() -> T) -> String {
    let mut elsewhere = vec![0_u64; CACHES / size_of::<u64>()];
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            elsewhere.fill(black_box(1));
            black_box(&elsewhere);
            let start = Instant::now();
            let made = black_box(work());
            let time = start.elapsed();
            drop(made);
            time
        })
        .collect();
    times.sort_unstable();
    format!("{:.1?} ({:.1?})", times[0], times[times.len() / 2])
}

#[expect(clippy::print_stdout, reason = "figures to look at")]
#[test]
#[ignore = "a measurement"]
fn what_a_request_and_a_look_cost() {
    for count in [1, 100, 5_000] {
        let (mut writer, reader) = recorder(Config::default(), NOW).expect("a configuration");
        let ids = series(&mut writer, count);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        record(&mut writer, &ids, &mut random);
        let costs = [(); 3].map(|()| record(&mut writer, &ids, &mut random));
        println!("{count} series: {costs:.1?} ns a request");
        for _ in 0..3 {
            let start = Instant::now();
            let totals = black_box(reader.totals(NOW + 30.0));
            let read = start.elapsed();
            let made = black_box(snapshot(
                &totals,
                &Config::default(),
                SystemTime::UNIX_EPOCH,
                Buckets::ClassicAndNative,
            ));
            let both = start.elapsed();
            let start = Instant::now();
            let direct = black_box(reader.snapshot(
                NOW + 30.0,
                SystemTime::UNIX_EPOCH,
                Buckets::ClassicAndNative,
            ));
            let snapshot = start.elapsed();
            drop(direct);
            let native = made.endpoints[0].durations[0].distribution.native.as_ref();
            let buckets = native.map_or(0, |native| native.counts.len());
            println!(
                "  totals {read:.1?}, with snapshot {both:.1?}, snapshot alone {snapshot:.1?}, {buckets} native buckets"
            );
        }
        let looks = rounds(|| {
            reader.snapshot(NOW + 30.0, SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative)
        });
        let process = Process::default();
        let reports = rounds(|| writer.report(&process, NOW + 30.0, true));
        println!("  {looks} a snapshot, {reports} a full report");
        let start = Instant::now();
        writer.reset(NOW + 40.0);
        println!("  reset {:.1?}", start.elapsed());
    }
}
