//! Classic and native buckets over the same times.

use std::time::SystemTime;

use locust_model::NativeBuckets;
use proptest::prelude::*;
use recorder::{Buckets, Config};

use crate::support::{NOW, key, look, only, record, start, start_with};

/// Each bucket's index and count.
fn spread(native: &NativeBuckets) -> Vec<(i32, u64)> {
    let mut index = 0;
    let mut counts = native.counts.iter();
    let mut spread = Vec::new();
    for span in &native.spans {
        index += span.offset;
        for _ in 0..span.length {
            spread.push((index, *counts.next().expect("a count for each bucket")));
            index += 1;
        }
    }
    assert_eq!(counts.next(), None, "a bucket for each count");
    spread
}

#[test]
fn a_classic_bound_is_in_its_bucket() {
    let (mut writer, reader) =
        start_with(Config { buckets: vec![0.1, 0.25, 1.0], ..Config::default() });
    for millis in [0.0, 100.0, 100.0_f64.next_up(), 250.0, 1000.0, 1000.1, 1e9] {
        record(&mut writer, &key("GET", "/"), millis);
    }
    let snapshot = look(&reader);
    let times = &only(&snapshot).durations[0].distribution;
    assert_eq!(times.bounds[..], [0.1, 0.25, 1.0]);
    assert_eq!(times.counts, [2, 2, 1, 2]);
}

#[test]
fn native_buckets_are_upper_inclusive() {
    let (mut writer, reader) = start();
    for millis in [0.0, 0.0005, 1000.0, 1000.1, 2000.0] {
        record(&mut writer, &key("GET", "/"), millis);
    }
    let snapshot = look(&reader);
    let native = only(&snapshot).durations[0].distribution.native.as_ref().expect("native");
    assert_eq!((native.schema, native.zero_count), (5, 2));
    assert_eq!(native.zero_threshold.to_bits(), 2.0_f64.powi(-20).to_bits());
    assert_eq!(spread(native), [(0, 1), (1, 1), (32, 1)]);
}

#[test]
fn native_buckets_that_nobody_wants_are_not_made() {
    let (mut writer, reader) = start();
    for millis in [-1.0, 0.0, 3.0, 7.0, 1e9] {
        record(&mut writer, &key("GET", "/"), millis);
    }
    let mut both = look(&reader);
    let classic = reader.snapshot(NOW, SystemTime::UNIX_EPOCH, Buckets::Classic);
    let native = both.endpoints[0].durations[0].distribution.native.take();
    assert!(native.is_some());
    assert_eq!(classic, both);
}

#[test]
fn too_many_native_buckets_are_made_coarser() {
    let (mut writer, reader) = start();
    let times: Vec<_> = (0..2000).map(|step| 0.01 * 1.01_f64.powi(step)).collect();
    for &millis in &times {
        record(&mut writer, &key("GET", "/"), millis);
    }
    let snapshot = look(&reader);
    let ours = &only(&snapshot).durations[0].distribution;
    let native = ours.native.as_ref().expect("native");
    assert!(native.schema < 5 && native.counts.len() <= 160, "{native:?}");
    assert!(native.counts.len() > 80, "no coarser than it must be");
    assert_eq!(native.counts.iter().sum::<u64>() + native.zero_count, ours.count());
    let base = f64::exp2(-f64::from(native.schema)).exp2();
    for (index, count) in spread(native) {
        let (low, high) = (base.powi(index - 1), base.powi(index));
        let there = times.iter().filter(|&millis| (low..high).contains(&(millis / 1000.0)));
        assert_eq!(count, there.count() as u64, "bucket {index}");
    }
}

proptest! {
    #[test]
    fn both_kinds_of_buckets_hold_every_time_where_it_belongs(
        times in prop::collection::vec(prop_oneof![0.0..2000.0, (-5.0..20.0).prop_map(f64::exp2)], 1..300),
    ) {
        let (mut writer, reader) = start();
        for &millis in &times {
            record(&mut writer, &key("GET", "/"), millis);
        }
        let snapshot = look(&reader);
        let ours = &only(&snapshot).durations[0].distribution;
        let seconds: Vec<_> = times.iter().map(|millis| millis / 1000.0).collect();
        let mut below = 0;
        for (bound, count) in ours.bounds.iter().zip(&ours.counts) {
            below += count;
            let expected = seconds.iter().filter(|&time| time <= bound).count() as u64;
            prop_assert_eq!(below, expected, "up to {} s", bound);
        }
        prop_assert_eq!(ours.count(), times.len() as u64);
        let native = ours.native.as_ref().expect("native");
        let base = f64::exp2(-f64::from(native.schema)).exp2();
        let mut held = native.zero_count;
        for (index, count) in spread(native) {
            held += count;
            // Bounds are looked at from afar: exactness is tested where they are made.
            let (low, high) = (base.powi(index - 1) * (1.0 - 1e-9), base.powi(index) * (1.0 + 1e-9));
            let there = seconds.iter().filter(|&&time| low < time && time <= high).count() as u64;
            prop_assert!(count > 0 && count <= there, "bucket {}", index);
        }
        prop_assert_eq!(held, times.len() as u64);
        let sum: f64 = times.iter().sum();
        prop_assert_eq!(ours.sum.to_bits(), (sum / 1000.0).to_bits());
    }
}
