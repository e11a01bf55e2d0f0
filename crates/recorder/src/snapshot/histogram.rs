//! Cells as a histogram, classic and native at once.

use std::sync::Arc;

use locust_model::{BucketSpan, Distribution, NativeBuckets};

use super::Buckets;
use crate::DistributionTotals;
use crate::partition::{NATIVE_SCHEMA, NEGATIVE, Partition, ZERO_THRESHOLD};

/// So many native buckets at most are given: what is more is made coarser.
const MOST_NATIVE: usize = 160;

/// The zero bucket: no other one is below it.
const ZERO: i32 = i32::MIN;

/// Makes histograms, with memory that is used again.
pub(super) struct Histograms<'a> {
    partition: &'a Partition,
    buckets: Buckets,
    native: Vec<(i32, u64)>,
    spans: Vec<BucketSpan>,
}

impl<'a> Histograms<'a> {
    pub(super) fn new(partition: &'a Partition, buckets: Buckets) -> Self {
        Self { partition, buckets, native: Vec::new(), spans: Vec::new() }
    }

    /// The buckets that are wanted over the same times: in seconds, negative ones left out.
    pub(super) fn of(&mut self, times: &DistributionTotals) -> Distribution {
        let ([(NEGATIVE, _), cells @ ..] | cells) = &*times.cells.0;
        let wants_native = self.buckets == Buckets::ClassicAndNative;
        Distribution {
            bounds: Arc::clone(self.partition.bounds()),
            counts: self.classic(cells),
            sum: times.sum / 1000.0,
            native: wants_native.then(|| self.native(cells)),
        }
    }

    fn classic(&self, cells: &[(u16, u64)]) -> Vec<u64> {
        let mut counts = vec![0; self.partition.bounds().len() + 1];
        let (mut last, mut sum) = (0, 0);
        let mut add = |bucket: u8, sum| {
            if let Some(count) = counts.get_mut(usize::from(bucket)) {
                *count += sum;
            }
        };
        for &(cell, count) in cells {
            let Some(piece) = self.partition.piece(cell) else { continue };
            if piece.classic != last {
                add(last, sum);
                (last, sum) = (piece.classic, 0);
            }
            sum += count;
        }
        add(last, sum);
        counts
    }

    fn native(&mut self, cells: &[(u16, u64)]) -> NativeBuckets {
        let zero_count = self.read_native(cells);
        let schema = join(&mut self.native);
        self.spans.clear();
        let mut end = 0;
        for &(bucket, _) in &self.native {
            match self.spans.last_mut() {
                Some(span) if bucket == end => span.length += 1,
                _ => self.spans.push(BucketSpan { offset: bucket - end, length: 1 }),
            }
            end = bucket + 1;
        }
        NativeBuckets {
            schema,
            zero_threshold: ZERO_THRESHOLD,
            zero_count,
            spans: self.spans.clone(),
            counts: self.native.iter().map(|&(_, count)| count).collect(),
        }
    }

    /// Puts cells of the same native bucket together, and answers the count of the zero bucket.
    fn read_native(&mut self, cells: &[(u16, u64)]) -> u64 {
        // There are no more buckets than cells, but the zero bucket, whose place is the first.
        self.native.clear();
        self.native.resize(cells.len() + 1, (ZERO, 0));
        let (mut at, mut last, mut sum) = (0, ZERO, 0);
        for &(cell, count) in cells {
            let Some(piece) = self.partition.piece(cell) else { continue };
            // Whether a cell is in the same bucket as the one before cannot be foretold: it is
            // reckoned, not decided.
            let bucket = piece.native.map_or(ZERO, i32::from);
            let is_next = bucket != last;
            at += usize::from(is_next);
            sum = count + if is_next { 0 } else { sum };
            last = bucket;
            if let Some(place) = self.native.get_mut(at) {
                *place = (bucket, sum);
            }
        }
        self.native.truncate(at + 1);
        self.native.remove(0).1
    }
}

/// Joins neighbours until there are few enough, each time two to one. Answers their schema.
fn join(native: &mut Vec<(i32, u64)>) -> i8 {
    let mut schema = NATIVE_SCHEMA;
    while native.len() > MOST_NATIVE {
        schema -= 1;
        for (bucket, _) in &mut *native {
            *bucket = (*bucket + 1) >> 1;
        }
        native.dedup_by(|(bucket, count), (kept, sum)| {
            let is_same = bucket == kept;
            if is_same {
                *sum += *count;
            }
            is_same
        });
    }
    schema
}
