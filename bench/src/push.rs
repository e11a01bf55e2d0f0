//! What a push costs before anything is sent: 100,000 series become requests.

mod series;

use std::process::{Command, Stdio};
use std::time::Instant;

use ::push::bench::Encoding;
use ::push::{Histograms, Identity, NativeHistograms, Otlp, Protocol, RemoteWrite, Version};
use anyhow::{Context as _, Result, bail, ensure};
use outgoing::{Credentials, Target, Tls};
use serde::{Deserialize, Serialize};

use self::series::Series;
use crate::case::median;
use crate::process::Status;
use crate::section::{Means, Written};

/// The word with which this program starts itself, before the name of a wire.
pub(crate) const ENCODE: &str = "encode";

/// Passes, of which the median is told.
const PASSES: usize = 30;

/// Time between two passes, in milliseconds.
const INTERVAL: i64 = 15_000;

/// Wires, with their names in the table.
const WIRES: [(&str, &str); 5] = [
    ("none", "none: the timeline alone"),
    ("remote-write-1", "remote write 1.0, snappy"),
    ("remote-write-2", "remote write 2.0, snappy"),
    ("otlp", "OTLP"),
    ("otlp-gzip", "OTLP, gzip"),
];

const PREFACE: &str = "\
One pass of 5,000 histograms of 16 buckets each and 10,000 counters: 100,000 series as Prometheus
counts them, and as many native histograms as classic ones beside them (OTLP has one of the two: the
native one). Checking, labels in order, start times, encoding and compression, but no sending; one
thread, the median of the passes. Compression alone is the same bytes compressed once more. Memory
is what the process holds at its peak beyond the families themselves: most of it is what the timeline
remembers of each series.

| Encoding | Points | Requests | Bytes | Compressed | Time | Compression alone | Memory |
|---|---:|---:|---:|---:|---:|---:|---:|
";

/// What one wire costs.
#[derive(Default, Serialize, Deserialize)]
struct Figures {
    points: u64,
    requests: usize,
    bytes: usize,
    compressed: usize,
    pass_ms: f64,
    compression_ms: Option<f64>,
    memory_bytes: u64,
}

/// Measures every wire, each in a process of its own.
pub(crate) fn measure(_: &Means) -> Result<Written> {
    let mut text = PREFACE.to_owned();
    let mut all = serde_json::Map::new();
    for (wire, name) in WIRES {
        let mut command = Command::new(std::env::current_exe()?);
        let output = command.args([ENCODE, wire]).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{wire}: {}", output.status);
        let figures: Figures = serde_json::from_slice(&output.stdout).context(wire)?;
        text.push_str(&figures.row(name));
        all.insert(wire.to_owned(), serde_json::to_value(figures)?);
    }
    Ok(Written { text, figures: all.into() })
}

impl Figures {
    fn row(&self, name: &str) -> String {
        let compression = self.compression_ms.map(|ms| format!("{ms:.1} ms")).unwrap_or_default();
        format!(
            "| {name} | {} | {} | {:.2} MB | {:.2} MB | {:.1} ms | {compression} | {:.1} MB |\n",
            self.points,
            self.requests,
            self.bytes as f64 / 1e6,
            self.compressed as f64 / 1e6,
            self.pass_ms,
            self.memory_bytes as f64 / 1e6,
        )
    }
}

/// Measures one wire, and prints its figures.
pub(crate) fn encode(wire: &str) -> Result<()> {
    let mut encoding = encoding(wire)?;
    let mut series = Series::new()?;
    let before = status()?.anon;
    let mut figures = Figures::default();
    let mut times = Vec::with_capacity(PASSES);
    for pass in 0..PASSES {
        series.go_on();
        (figures.points, figures.requests, figures.compressed) = (0, 0, 0);
        let time = 1_700_000_000_000 + INTERVAL * i64::try_from(pass)?;
        let began = Instant::now();
        encoding.pass(&series, time, &mut |points, body| {
            figures.points += points;
            figures.requests += 1;
            figures.compressed += body.len();
        });
        times.push(1e3 * began.elapsed().as_secs_f64());
    }
    figures.pass_ms = median(times.into_iter());
    let after = status()?;
    figures.memory_bytes = (after.peak.saturating_sub(after.file)).saturating_sub(before);
    // Only now: this takes memory itself.
    let mut bodies = Vec::new();
    let time = 1_700_000_000_000 + INTERVAL * i64::try_from(PASSES)?;
    encoding.pass(&series, time, &mut |_, body| bodies.push(body.to_vec()));
    if wire.starts_with("remote-write") {
        let mut decoder = snap::raw::Decoder::new();
        let raw: Vec<_> =
            bodies.iter().map(|body| decoder.decompress_vec(body)).collect::<Result<_, _>>()?;
        figures.bytes = raw.iter().map(Vec::len).sum();
        figures.compression_ms = Some(compression(&raw)?);
    } else {
        figures.bytes = bodies.iter().map(|body| uncompressed(wire, body)).sum();
    }
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// Milliseconds that snappy alone takes.
fn compression(requests: &[Vec<u8>]) -> Result<f64> {
    let mut encoder = snap::raw::Encoder::new();
    let most = requests.iter().map(Vec::len).max().unwrap_or_default();
    let mut out = vec![0; snap::raw::max_compress_len(most)];
    let mut times = Vec::with_capacity(PASSES);
    for _ in 0..PASSES {
        let began = Instant::now();
        for request in requests {
            encoder.compress(request, &mut out)?;
        }
        times.push(1e3 * began.elapsed().as_secs_f64());
    }
    Ok(median(times.into_iter()))
}

/// Bytes of a body of OTLP before compression; gzip's last four bytes tell.
fn uncompressed(wire: &str, body: &[u8]) -> usize {
    match body.last_chunk() {
        Some(last) if wire.ends_with("gzip") => u32::from_le_bytes(*last) as usize,
        _ => body.len(),
    }
}

fn status() -> Result<Status> {
    Status::of(std::process::id())
}

fn encoding(wire: &str) -> Result<Encoding> {
    let identity = Identity {
        job: "locust".to_owned(),
        instance: "load-generator-1:9646".to_owned(),
        program: ("bench", "0"),
    };
    let target = Target {
        url: "http://localhost/".parse()?,
        credentials: Credentials::None,
        headers: Vec::new(),
        tls: Tls::default(),
        tls_flags: "",
    };
    let remote_write = |version| {
        let target = target.clone();
        let external_labels = vec![("cluster".to_owned(), "load-test".to_owned())];
        let config = RemoteWrite {
            target,
            version,
            external_labels,
            native_histograms: NativeHistograms::Always,
        };
        Encoding::remote_write(&config, &identity)
    };
    let otlp = |gzip| {
        let config = Otlp {
            target: target.clone(),
            protocol: Protocol::Http,
            timeout: None,
            gzip,
            resource: vec![("cluster".to_owned(), "load-test".to_owned())],
            histograms: Histograms::Exponential,
        };
        Encoding::otlp(&config, &identity)
    };
    Ok(match wire {
        "none" => Encoding::none(),
        "remote-write-1" => remote_write(Version::V1),
        "remote-write-2" => remote_write(Version::V2),
        "otlp" => otlp(false),
        "otlp-gzip" => otlp(true),
        other => bail!("no wire is called {other}"),
    })
}
