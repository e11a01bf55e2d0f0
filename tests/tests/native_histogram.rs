//! Prometheus reads our native and classic histograms, and its quantiles are as near to the truth
//! as the buckets allow.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::prometheus::{Job, Prometheus};
use e2e::{net, place, tool, vars};

use exposition::{
    Buckets, Classic, Emit, Encoder, Family, Format, Histogram, Kind, Labels, Meta, MetricName,
    Native, Options, Sample, Span, Unit, Value, Visitor as _,
};

const SCHEMA: i8 = 5;

/// Buckets of this schema are so much wider at the top than at the bottom: 2^(2^-5) - 1 = 2.2 %.
const ERROR: f64 = 0.022;

const BOUNDS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

const QUANTILES: [f64; 5] = [0.05, 0.5, 0.9, 0.95, 0.99];

/// Seconds from 2 ms to 8 s, in ascending order, denser where they are small.
fn observations() -> Vec<f64> {
    (0..1000).map(|step| 0.002 * 4000_f64.powf(f64::from(step) / 999.0)).collect()
}

/// The index of the native bucket of `value`: `(base^(i-1), base^i]` with `base = 2^(2^-5)`.
#[expect(clippy::cast_possible_truncation, reason = "an index is small")]
fn bucket(value: f64) -> i32 {
    (value.log2() * 32.0).ceil() as i32
}

/// A protobuf exposition of one histogram with the observations, classic and native.
fn exposition(observations: &[f64]) -> Result<Vec<u8>> {
    let first = bucket(observations[0]);
    let last = bucket(observations[observations.len() - 1]);
    let native: Vec<u64> = (first..=last)
        .map(|index| observations.iter().filter(|value| bucket(**value) == index).count() as u64)
        .collect();
    let mut classic = vec![0_u64; BOUNDS.len() + 1];
    for value in observations {
        classic[BOUNDS.partition_point(|bound| bound < value)] += 1;
    }
    let spans = [Span { offset: first, length: u32::try_from(native.len())? }];
    let histogram = Histogram {
        count: observations.len() as u64,
        sum: observations.iter().sum(),
        classic: Some(Classic { bounds: &BOUNDS, counts: &classic }),
        native: Some(Native {
            schema: SCHEMA,
            zero_threshold: 0.0,
            zero_count: 0,
            positive: Buckets { spans: &spans, counts: &native },
            negative: Buckets::default(),
        }),
    };
    let name = MetricName::new("answer_seconds")?;
    let meta = Meta::new(name, "Time to answer.", Some(Unit::Seconds), Kind::Histogram);
    let samples = |emit: &mut Emit<'_>| {
        emit(&Sample {
            labels: Labels::default(),
            value: Value::Histogram(histogram),
            created: None,
        });
    };
    let mut encoder = Encoder::new(Format::Protobuf, Options::default());
    encoder.family(&Family::new(&meta, &[], &samples));
    encoder.finish();
    Ok(encoder.take())
}

/// Answers every request with `body`, as long as the test lasts.
fn serve(body: Vec<u8>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A scraper that goes away asks again.
            let _ = answer(&stream, &body);
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, body: &[u8]) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    for line in BufReader::new(stream).lines() {
        if line?.is_empty() {
            break;
        }
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.google.protobuf; \
         proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}

#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is a small whole number"
)]
fn prometheus_computes_quantiles_within_the_error_of_the_buckets() -> Result<()> {
    let Some(binary) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let observations = observations();
    let address = serve(exposition(&observations)?)?;
    let logs = place::logs("native-histogram")?;
    let jobs = [Job { name: "histogram", address, protocol: "PrometheusProto" }];
    let prometheus = Prometheus::start(&binary, &jobs, &logs)?;
    net::wait_for("Prometheus has scraped the histogram", Duration::from_secs(20), || {
        let errors = prometheus.scrape_errors()?;
        ensure!(errors.is_empty(), "the scrape fails: {errors:?}");
        Ok((prometheus.promql.value("histogram_count(answer_seconds)")? == Some(1000.0))
            .then_some(()))
    })?;
    prometheus.promql.wait_for_value("answer_seconds_count", 1000.0)?;
    prometheus.promql.wait_for_value("answer_seconds_bucket{le=\"+Inf\"}", 1000.0)?;

    let ask = |expression: &str| {
        prometheus.promql.value(expression)?.with_context(|| format!("{expression} gives nothing"))
    };
    for q in QUANTILES {
        let truth = observations[(q * observations.len() as f64).ceil() as usize - 1];
        let native = ask(&format!("histogram_quantile({q}, answer_seconds)"))?;
        let error = (native / truth - 1.0).abs();
        ensure!(error <= ERROR, "native {q}: {native}, the truth is {truth}");

        let classic = ask(&format!("histogram_quantile({q}, answer_seconds_bucket)"))?;
        let above = BOUNDS.partition_point(|bound| *bound < truth);
        let below = BOUNDS[above - 1];
        let within = below <= classic && classic <= BOUNDS[above];
        ensure!(within, "classic {q}: {classic} is not in the bucket of {truth}");
    }
    Ok(())
}
