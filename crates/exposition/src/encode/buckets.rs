//! Native buckets in protobuf. Their messages are the same wherever Prometheus has them: in its
//! exposition format and in both versions of remote write.

use crate::histogram::Buckets;
use crate::wire;

/// Writes spans, and the differences between the counts of consecutive buckets, as fields of these
/// numbers. The counts are those of a histogram that [`validate`](crate::validate) lets through.
pub fn write_buckets(out: &mut Vec<u8>, [spans, deltas]: [u32; 2], buckets: &Buckets<'_>) {
    for s in buckets.spans {
        span(out, spans, s.offset, s.length);
    }
    if buckets.counts.is_empty() {
        return;
    }
    wire::message(out, deltas, |out| {
        let mut before = 0_u64;
        for count in buckets.counts {
            // Both are below 2^63: validation saw to it.
            wire::zigzag(out, count.wrapping_sub(before).cast_signed());
            before = *count;
        }
    });
}

pub(super) fn span(out: &mut Vec<u8>, field: u32, offset: i32, length: u32) {
    wire::message(out, field, |out| {
        wire::signed(out, 1, i64::from(offset));
        wire::unsigned(out, 2, u64::from(length));
    });
}
