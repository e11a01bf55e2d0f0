//! What is told of sinks that metrics are pushed to.

use std::sync::Arc;

use schema::{Catalog, Exposition, Own, Pushed, Schema};

use crate::collect::{own, schemas, schemas_inside};
use crate::snapshots::{at, down};
use crate::text;

fn pushed() -> Pushed {
    Pushed {
        sink: "remote_write",
        queued_points: 120,
        queued_bytes: 4096,
        spooled_bytes: 2048,
        sent_points: 1_000,
        failures: 3,
        clamped_times: 2,
        dropped: vec![("queue_full", 7), ("refused", 0)],
        last_success: Some(at(2.5)),
    }
}

fn lines(own: Arc<Own>, config: &schema::Config) -> Vec<String> {
    let catalog = Arc::new(Catalog::new(config).unwrap());
    let exposition = Exposition::new(catalog, own, vec![Arc::new(down())]);
    let text = text::write(&exposition);
    let ours = text.lines().filter_map(|line| line.strip_prefix("locust_exporter_push_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn each_sink_is_told_of_under_every_schema_from_inside_and_outside() {
    for config in Schema::ALL.into_iter().flat_map(|one| [schemas(&[one]), schemas_inside(&[one])])
    {
        let own = own();
        let other = Pushed { sink: "otlp", last_success: None, dropped: vec![], ..pushed() };
        own.tells_pushed(move || vec![pushed(), other.clone()]);
        assert_eq!(
            lines(own, &config),
            [
                r#"queued_points{sink="remote_write"} 120"#,
                r#"queued_points{sink="otlp"} 120"#,
                r#"queued_bytes{sink="remote_write"} 4096"#,
                r#"queued_bytes{sink="otlp"} 4096"#,
                r#"spool_bytes{sink="remote_write"} 2048"#,
                r#"spool_bytes{sink="otlp"} 2048"#,
                r#"sent_points_total{sink="remote_write"} 1000"#,
                r#"sent_points_total{sink="otlp"} 1000"#,
                r#"failures_total{sink="remote_write"} 3"#,
                r#"failures_total{sink="otlp"} 3"#,
                r#"clamped_times_total{sink="remote_write"} 2"#,
                r#"clamped_times_total{sink="otlp"} 2"#,
                r#"dropped_points_total{sink="remote_write",reason="queue_full"} 7"#,
                r#"dropped_points_total{sink="remote_write",reason="refused"} 0"#,
                r#"last_success_timestamp_seconds{sink="remote_write"} 1767225602.5"#,
            ]
        );
    }
}

#[test]
fn where_nothing_is_pushed_nothing_is_told_of_it() {
    assert_eq!(lines(own(), &schemas(&Schema::ALL)), [""; 0]);
}
