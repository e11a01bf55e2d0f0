//! How response times are distributed: from outside the summary that can be made from Locust's
//! statistics, from inside the histogram that was recorded.

use exposition::{Buckets, Classic, Histogram, Native, Quantile, Span, Summary};
use locust_model::{BucketSpan, Distribution, Durations, Endpoint, Millis, Percentile, Snapshot};

use crate::common::is_same_share;
use crate::out::Out;

/// A summary for every endpoint whose requests are counted.
pub(crate) fn summaries(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let mut quantiles = Vec::new();
    for endpoint in &snapshot.endpoints {
        let Some(count) = endpoint.requests else { continue };
        quantiles.clear();
        quantiles.extend(shown(endpoint).filter(|p| is_time(p.value)).map(in_seconds));
        // Locust gives them so; but a quantile out of order, or twice, would cost the whole row.
        quantiles.sort_by(|a: &Quantile, b| a.q.total_cmp(&b.q));
        quantiles.dedup_by(|a, b| is_same_share(a.q, b.q));
        let sum = sum(endpoint).filter(|sum| is_time(*sum)).map(Millis::seconds);
        out.put_summary(
            &[&endpoint.method, &endpoint.name],
            Summary { count, sum, quantiles: &quantiles },
            endpoint.since,
        );
    }
}

/// A histogram for every endpoint.
pub(crate) fn histograms(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let mut spans = Vec::new();
    for endpoint in &snapshot.endpoints {
        for durations in endpoint.durations.iter().filter(|it| it.status.is_none()) {
            let histogram = histogram(&durations.distribution, &mut spans);
            let labels = [&*endpoint.method, &endpoint.name];
            out.put_histogram(&labels, histogram, endpoint.since);
        }
    }
}

/// A histogram for every endpoint and status.
pub(crate) fn histograms_by_status(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let mut spans = Vec::new();
    for endpoint in &snapshot.endpoints {
        for Durations { status, distribution } in &endpoint.durations {
            let histogram = histogram(distribution, &mut spans);
            let labels = [&*endpoint.method, &endpoint.name, status.as_deref().unwrap_or("")];
            out.put_histogram(&labels, histogram, endpoint.since);
        }
    }
}

/// A histogram that borrows its buckets, and its spans from a buffer that is used again.
pub(crate) fn histogram<'a>(
    distribution: &'a Distribution,
    spans: &'a mut Vec<Span>,
) -> Histogram<'a> {
    let Distribution { bounds, counts, sum, native } = distribution;
    spans.clear();
    let native = native.as_ref().map(|native| {
        let as_span = |span: &BucketSpan| Span { offset: span.offset, length: span.length };
        spans.extend(native.spans.iter().map(as_span));
        Native {
            schema: native.schema,
            zero_threshold: native.zero_threshold,
            zero_count: native.zero_count,
            positive: Buckets { spans, counts: &native.counts },
            negative: Buckets::default(),
        }
    });
    let classic = Some(Classic { bounds, counts });
    Histogram { count: distribution.count(), sum: *sum, classic, native }
}

/// Endpoints whose summary lacks a value that Locust has, since it is not a time.
pub(crate) fn incomplete(snapshot: &Snapshot) -> u64 {
    let counted = snapshot.endpoints.iter().filter(|endpoint| endpoint.requests.is_some());
    let is_incomplete = |endpoint: &&Endpoint| {
        shown(endpoint).map(|p| p.value).chain(sum(endpoint)).any(|value| !is_time(value))
    };
    counted.filter(is_incomplete).count() as u64
}

/// An average times its count: what all together were. Nothing comes to 0.
pub(crate) fn whole(average: Option<f64>, count: Option<u64>) -> Option<f64> {
    match count? {
        0 => Some(0.0),
        count => average.map(|average| average * count as f64),
    }
}

/// The time that all requests together took.
fn sum(endpoint: &Endpoint) -> Option<Millis> {
    whole(endpoint.avg.map(Millis::millis), endpoint.requests).map(Millis)
}

/// The percentiles that Locust has. The median is one of them, unless it is there under its
/// number; after a reset an endpoint without requests shows zeros, which mean nothing.
fn shown(endpoint: &Endpoint) -> impl Iterator<Item = Percentile> {
    let any = endpoint.requests.is_some_and(|requests| requests > 0);
    let percentiles = if any { endpoint.percentiles.as_slice() } else { &[] };
    let has_median = percentiles.iter().any(|percentile| is_same_share(percentile.q, 0.5));
    let median = endpoint.median.filter(|_| any && !has_median);
    let median = median.map(|value| Percentile { q: 0.5, value });
    median.into_iter().chain(percentiles.iter().copied())
}

fn in_seconds(percentile: Percentile) -> Quantile {
    Quantile { q: percentile.q, value: percentile.value.seconds() }
}

/// Whether a response can have taken that long. A test may fire any number.
fn is_time(time: Millis) -> bool {
    time.millis().is_finite() && time.millis() >= 0.0
}
