//! What the exporter tells of itself, under every schema.

use exposition::Unit::{Bytes, Ratio, Seconds};

use crate::label;
use crate::row::Read::{Own, Sighting, Snapshot};
use crate::row::Row;
use crate::row::Source::{Inside, Outside};

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::gauge(
        "up",
        "Whether Locust could be asked: 1 if so, 0 if not.",
        Sighting(|sighting, out| out.put(&[], sighting.snapshot.is_some())),
    ),
    Row::gauge(
        "scrape_duration_seconds",
        "How long it took to ask Locust.",
        Sighting(|sighting, out| out.put(&[], sighting.took)),
    )
    .unit(Seconds),
    Row::gauge(
        "scrape_collector_success",
        "Whether this part of Locust's web API answered: 1 if so, 0 if not.",
        Sighting(|sighting, out| {
            for collector in &sighting.collectors {
                out.put(&[collector.name], collector.success);
            }
        }),
    )
    .labels(label::COLLECTOR)
    .source(Outside),
    Row::gauge(
        "scrape_collector_duration_seconds",
        "How long this part of Locust's web API took.",
        Sighting(|sighting, out| {
            for collector in &sighting.collectors {
                out.put(&[collector.name], collector.took);
            }
        }),
    )
    .unit(Seconds)
    .labels(label::COLLECTOR)
    .source(Outside),
    Row::gauge(
        "stats_truncated_rows",
        "Rows that Locust has but that could not be had.",
        Snapshot(|snapshot, out| out.put(&[], snapshot.truncated_rows)),
    )
    .source(Outside),
    Row::gauge(
        "exporter_total_requests_difference",
        "Exported requests minus Locust's own total; 0 if they are equal.",
        Snapshot(|snapshot, out| {
            out.put(&[], snapshot.difference.map(|difference| difference.requests as f64));
        }),
    )
    .source(Inside),
    Row::gauge(
        "exporter_total_failures_difference",
        "Exported failed requests minus Locust's own total; 0 if they are equal.",
        Snapshot(|snapshot, out| {
            out.put(&[], snapshot.difference.map(|difference| difference.failures as f64));
        }),
    )
    .source(Inside),
    Row::gauge(
        "exporter_foreign_workers",
        "Workers that run without the exporter; their requests are counted from Locust's own reports.",
        Snapshot(|snapshot, out| out.put(&[], snapshot.foreign.map(|foreign| foreign.workers))),
    )
    .source(Inside),
    Row::gauge(
        "exporter_foreign_requests_ratio",
        "Share of requests, 0 to 1, counted from Locust's own reports: without status and exception, and with rounded response times.",
        Snapshot(|snapshot, out| out.put(&[], foreign_ratio(snapshot))),
    )
    .unit(Ratio)
    .source(Inside),
    Row::gauge(
        "exporter_build_info",
        "How this exporter was built.",
        Own(|own, out| {
            let build = own.build();
            out.put(&[build.version, build.revision, build.rustc, build.os, build.arch], 1.0);
        }),
    )
    .labels(label::BUILD),
    Row::gauge(
        "exporter_push_queued_points",
        "Points that wait to be pushed.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put(&[pushed.sink], pushed.queued_points);
            }
        }),
    )
    .labels(label::SINK),
    Row::gauge(
        "exporter_push_queued_bytes",
        "Bytes that wait to be pushed, in memory and on disk.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put(&[pushed.sink], pushed.queued_bytes);
            }
        }),
    )
    .unit(Bytes)
    .labels(label::SINK),
    Row::gauge(
        "exporter_push_spool_bytes",
        "Bytes on disk that wait to be pushed.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put(&[pushed.sink], pushed.spooled_bytes);
            }
        }),
    )
    .unit(Bytes)
    .labels(label::SINK),
    Row::counter(
        "exporter_push_sent_points_total",
        "Points that a backend has taken.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put_since(&[pushed.sink], pushed.sent_points, own.since());
            }
        }),
    )
    .labels(label::SINK),
    Row::counter(
        "exporter_push_failures_total",
        "Attempts to push that failed.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put_since(&[pushed.sink], pushed.failures, own.since());
            }
        }),
    )
    .labels(label::SINK),
    Row::counter(
        "exporter_push_clamped_times_total",
        "Pushes whose points have the time 1970 or 9999, since the system's clock was out of these years.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put_since(&[pushed.sink], pushed.clamped_times, own.since());
            }
        }),
    )
    .labels(label::SINK),
    Row::counter(
        "exporter_push_dropped_points_total",
        "Points that no backend will ever get.",
        Own(|own, out| {
            for pushed in own.pushed() {
                for (reason, count) in &pushed.dropped {
                    out.put_since(&[pushed.sink, reason], *count, own.since());
                }
            }
        }),
    )
    .labels(label::SINK_REASON),
    Row::gauge(
        "exporter_push_last_success_timestamp_seconds",
        "When a backend last took something.",
        Own(|own, out| {
            for pushed in own.pushed() {
                out.put(&[pushed.sink], pushed.last_success);
            }
        }),
    )
    .unit(Seconds)
    .labels(label::SINK),
    Row::counter(
        "exporter_folded_series_total",
        "Rows of Locust, and series of the test's own metrics, that were put together under the name other.",
        Own(|own, out| {
            for (reason, count) in own.folded_counts() {
                out.put_since(&[reason], count, own.since());
            }
        }),
    )
    .labels(label::REASON),
    Row::counter(
        "exporter_cut_label_values_total",
        "Label values that were too long and were cut, counted each time that one was seen.",
        Own(|own, out| out.put_since(&[], own.cut_labels(), own.since())),
    ),
    Row::counter(
        "exporter_rejected_rows_total",
        "Rows of Locust, or values of rows or events, that were left out because they make no sense.",
        Own(|own, out| {
            for (reason, count) in own.rejected_counts() {
                out.put_since(&[reason], count, own.since());
            }
        }),
    )
    .labels(label::REASON),
];

/// The share of requests that are counted from Locust's own reports; 0 where there are no requests.
fn foreign_ratio(snapshot: &locust_model::Snapshot) -> Option<f64> {
    let foreign = snapshot.foreign?.requests;
    let all = snapshot.total.as_ref()?.requests?;
    Some(if all == 0 { 0.0 } else { foreign as f64 / all as f64 })
}
