//! How far quantiles that Prometheus computes from the default classic buckets are from the truth.
//!
//! `docs/histograms.md` holds the tables that this prints:
//! `cargo test -p recorder --test it bounds_error -- --ignored --nocapture`

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks and steps are small and positive"
)]

use std::f64::consts::TAU;

use locust_model::Distribution;
use recorder::Config;

use crate::support::{key, look, only, record, start_with};

/// The default of version 0.1: 15 bounds.
const OLD: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// What `docs/histograms.md` recommends where series are cheap: 30 bounds.
const FINE: [f64; 30] = [
    0.001, 0.002, 0.0035, 0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.055, 0.075, 0.1, 0.14,
    0.2, 0.28, 0.4, 0.55, 0.75, 1.0, 1.4, 2.0, 2.8, 4.0, 5.5, 7.5, 10.0, 20.0, 60.0, 120.0,
];
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// The tolerance where the distribution is one point or two, and where it is wide.
const OF_POINTS: f64 = 0.3;
const OF_WIDE: f64 = 0.15;

/// Response times in seconds, ascending.
struct Known {
    name: &'static str,
    times: Vec<f64>,
    tolerance: f64,
}

/// As many times as a distribution is sampled with.
const TIMES: u32 = 10_000;

fn points(name: &'static str, at: impl Fn(f64) -> f64) -> Known {
    Known { name, times: by_share(at), tolerance: OF_POINTS }
}

fn wide(name: &'static str, mut times: Vec<f64>) -> Known {
    times.sort_by(f64::total_cmp);
    Known { name, times, tolerance: OF_WIDE }
}

/// The times whose shares below them are evenly spaced.
fn by_share(at: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..TIMES).map(|index| at((f64::from(index) + 0.5) / f64::from(TIMES))).collect()
}

/// Normal deviates by Box and Muller, over an even grid instead of random numbers.
fn normal() -> impl Iterator<Item = f64> {
    let grid = || (0..100).map(|index| (f64::from(index) + 0.5) / 100.0);
    grid().flat_map(move |a| grid().map(move |b| (-2.0 * a.ln()).sqrt() * (TAU * b).cos()))
}

/// A Pareto distribution cut at `most`.
fn pareto(least: f64, shape: f64, most: f64) -> Vec<f64> {
    let (low, high) = (least.powf(-shape), most.powf(-shape));
    by_share(|share| (low - share * (low - high)).powf(-1.0 / shape))
}

fn distributions() -> [Known; 8] {
    [
        points("constant 5 ms", |_| 0.005),
        points("constant 123 ms", |_| 0.123),
        points("constant 2.1 s", |_| 2.1),
        points("5 ms (80 %) or 400 ms (20 %)", |share| if share < 0.8 { 0.005 } else { 0.4 }),
        wide("normal, 50 ms ± 10 ms", normal().map(|z| 0.05 + 0.01 * z).collect()),
        wide(
            "log-normal, median 120 ms, σ 0.6",
            normal().map(|z| 0.12 * (0.6 * z).exp()).collect(),
        ),
        wide("uniform, 0 to 1 s", by_share(|share| share)),
        wide("Pareto, 50 ms to 90 s, α 1", pareto(0.05, 1.0, 90.0)),
    ]
}

/// What the recorder makes of these times with these bounds.
fn recorded(times: &[f64], bounds: &[f64]) -> Distribution {
    let (mut writer, reader) = start_with(Config { buckets: bounds.to_vec(), ..Config::default() });
    for time in times {
        record(&mut writer, &key("GET", "/"), time * 1000.0);
    }
    only(&look(&reader)).durations[0].distribution.clone()
}

/// Prometheus's `histogram_quantile` of classic buckets: linear within a bucket, and the greatest
/// bound for what is above it.
fn histogram_quantile(q: f64, classic: &Distribution) -> f64 {
    let rank = q * classic.count() as f64;
    let (mut below, mut lower) = (0.0, 0.0);
    for (&upper, &count) in classic.bounds.iter().zip(&classic.counts) {
        let count = count as f64;
        if below + count >= rank {
            return lower + (upper - lower) * (rank - below) / count;
        }
        (below, lower) = (below + count, upper);
    }
    lower
}

/// The relative error of each quantile.
fn errors(times: &[f64], bounds: &[f64]) -> [f64; 3] {
    let classic = recorded(times, bounds);
    QUANTILES.map(|q| {
        let rank = (q * times.len() as f64).ceil() as usize;
        histogram_quantile(q, &classic) / times[rank.max(1) - 1] - 1.0
    })
}

fn worst(errors: [f64; 3]) -> f64 {
    errors.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// The worst error over response times that are all the same, of times within a range.
fn worst_of_points(from: f64, to: f64, bounds: &[f64]) -> f64 {
    let steps = (f64::ln(to / from) / 0.02) as u32;
    let times = (0..=steps).map(|step| from * (0.02 * f64::from(step)).exp());
    times.map(|time| worst(errors(&[time], bounds))).fold(0.0, f64::max)
}

#[test]
fn quantiles_of_known_distributions_are_near_the_truth_with_the_default_bounds() {
    let bounds = Config::default().buckets;
    assert!(bounds.len() <= 30, "{} bounds", bounds.len());
    for Known { name, times, tolerance } in distributions() {
        let errors = errors(&times, &bounds);
        assert!(worst(errors) <= tolerance, "{name}: {errors:.3?}");
    }
}

#[test]
fn a_constant_123_ms_does_not_read_as_242_ms() {
    let times = [0.123; 100];
    assert!(worst(errors(&times, &OLD)) > 0.9, "the bounds it did with");
    assert!(worst(errors(&times, &Config::default().buckets)) < 0.25);
}

#[test]
fn the_worst_error_is_lower_than_with_the_bounds_before() {
    let worst_of = |bounds: &[f64]| {
        let all = distributions().map(|known| worst(errors(&known.times, bounds)));
        all.into_iter().fold(0.0, f64::max)
    };
    assert!(worst_of(&Config::default().buckets) < worst_of(&OLD) / 3.0);
}

#[test]
fn times_above_60_s_do_not_all_read_60_s() {
    let bounds = Config::default().buckets;
    let median = |time: f64| histogram_quantile(0.5, &recorded(&[time; 10], &bounds));
    assert!(median(90.0) > 60.0, "{}", median(90.0));
    assert!((histogram_quantile(0.5, &recorded(&[90.0; 10], &OLD)) - 60.0).abs() < 1e-9);
}

#[test]
fn thirty_bounds_keep_every_constant_time_between_5_ms_and_10_s_within_50_percent() {
    assert!(worst_of_points(0.005, 10.0, &FINE) < 0.5);
    assert!(worst_of_points(0.005, 10.0, &Config::default().buckets) > 0.5, "the default does not");
}

#[expect(clippy::print_stdout, reason = "tables to look at")]
#[test]
#[ignore = "it prints the tables of docs/histograms.md"]
fn print_the_tables() {
    let default = Config::default().buckets;
    let sets = [&OLD[..], &default, &FINE];
    println!(
        "| Distribution | 15 bounds before | the {} of the default | 30 bounds |",
        default.len()
    );
    println!("|---|---:|---:|---:|");
    for Known { name, times, .. } in distributions() {
        let cell = |bounds: &&[f64]| {
            let errors = errors(&times, bounds).map(|error| format!("{:+.0} %", error * 100.0));
            errors.join(", ")
        };
        println!("| {name} | {} |", sets.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    println!("\n| Constant times from, to | 15 bounds before | the default | 30 bounds |");
    println!("|---|---:|---:|---:|");
    for (from, to) in [(0.001, 0.01), (0.01, 0.1), (0.1, 1.0), (1.0, 10.0), (10.0, 60.0)] {
        let cell = |bounds: &&[f64]| format!("{:.0} %", worst_of_points(from, to, bounds) * 100.0);
        println!(
            "| {from} s, {to} s | {} |",
            sets.iter().map(cell).collect::<Vec<_>>().join(" | ")
        );
    }
}
