//! A reader in another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{NOW, key, start, took};

const TIME: f64 = 8.0;

/// A reader that took less has not lost its patience with a writer that the system had stopped.
const PATIENT: Duration = Duration::from_millis(500);

#[test]
fn a_row_is_of_one_moment_while_it_is_written() {
    let (mut writer, reader) = start();
    let names: Vec<_> = (0..50).map(|row| format!("/{row}")).collect();
    let done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) || looks == 0 {
                let began = Instant::now();
                let rows = reader.totals(NOW).endpoints;
                if began.elapsed() >= PATIENT {
                    continue;
                }
                for row in rows {
                    let requests: u64 =
                        row.responses.iter().map(|response| response.requests).sum();
                    let times: u64 =
                        row.distributions.iter().flat_map(|d| &d.cells.0).map(|c| c.1).sum();
                    assert_eq!(times, requests, "{row:?}");
                    assert_eq!(row.sum.to_bits(), (requests as f64 * TIME).to_bits(), "{row:?}");
                    assert_eq!((row.response_bytes, row.request_bytes), (requests * 10, requests));
                }
                looks += 1;
            }
            looks
        });
        for event in 0..300_000 {
            if event == 150_000 {
                writer.reset(NOW);
            }
            let series = writer.series(&key("GET", &names[event % 50 * (event % 7) % 50]), NOW);
            writer.request(series, &took(TIME));
        }
        done.store(true, Ordering::Relaxed);
        looks.join().expect("the reader")
    });
    assert!(looks > 0);
    let total: u64 = reader.totals(NOW).endpoints.iter().map(|row| row.response_bytes).sum();
    assert_eq!(total, 1_500_000, "since the reset");
}
