//! What the exporter tells of itself, under every schema.

use exposition::Unit::Seconds;

use crate::label;
use crate::row::Read::{Own, Sighting, Snapshot};
use crate::row::Row;
use crate::row::Source::Outside;

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
        "exporter_build_info",
        "How this exporter was built.",
        Own(|own, out| {
            let build = own.build();
            out.put(&[build.version, build.revision, build.rustc, build.os, build.arch], 1.0);
        }),
    )
    .labels(label::BUILD),
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
        "exporter_rejected_rows_total",
        "Rows of Locust, or values of rows, that were left out because they make no sense.",
        Own(|own, out| {
            for (reason, count) in own.rejected_counts() {
                out.put_since(&[reason], count, own.since());
            }
        }),
    )
    .labels(label::REASON),
];
