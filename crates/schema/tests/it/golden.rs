//! Whole expositions, held against files. `UPDATE_GOLDEN=1 cargo test -p schema` writes them anew.

use std::fs;
use std::path::PathBuf;

use exposition::{Encoder, Families, Filter, Format, Options, Reject};
use locust_model::Snapshot;
use schema::Schema::{self, Boomer, Classic, Standard};
use schema::{Config, Sighting, View};

use crate::collect::{expose, schemas, schemas_inside};
use crate::snapshots::{
    down, inside, inside_by_status, local, missing, ready, running, sighting, stopped, within,
};
use crate::{protobuf, text};

fn check(name: &str, config: &Config, sightings: Vec<Sighting>) {
    check_text(name, &text::write(&expose(config, sightings)));
}

fn check_text(name: &str, written: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|wish| wish == "1") {
        fs::write(&path, written).expect("golden files can be written");
        return;
    }
    let expected = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; set UPDATE_GOLDEN=1", path.display()));
    let at = written.lines().zip(expected.lines()).position(|(now, then)| now != then);
    assert!(
        written == expected,
        "{} differs first at line {}; set UPDATE_GOLDEN=1 if that is meant\n{written}",
        path.display(),
        at.unwrap_or_else(|| written.lines().count().min(expected.lines().count())) + 1,
    );
}

fn check_one(name: &str, active: &[Schema], snapshot: Snapshot) {
    check(name, &schemas(active), vec![sighting(snapshot)]);
}

#[test]
fn a_running_distributed_test_under_each_schema() {
    check_one("running_standard.txt", &[Standard], running());
    check_one("running_classic.txt", &[Classic], running());
    check_one("running_boomer.txt", &[Boomer], running());
}

#[test]
fn a_running_distributed_test_under_all_schemas_at_once() {
    check_one("running_all.txt", &Schema::ALL, running());
}

#[test]
fn a_local_run() {
    check_one("local_all.txt", &Schema::ALL, local());
}

#[test]
fn a_master_before_its_first_test() {
    check_one("ready_all.txt", &Schema::ALL, ready());
}

#[test]
fn a_master_after_a_test() {
    check_one("stopped_all.txt", &Schema::ALL, stopped());
}

#[test]
fn a_web_ui_without_a_runner() {
    check_one("missing_all.txt", &Schema::ALL, missing());
}

#[test]
fn all_that_is_known_inside() {
    check("inside_all.txt", &schemas_inside(&Schema::ALL), vec![within(inside())]);
}

#[test]
fn what_is_known_inside_in_every_format() {
    let exposition = expose(&schemas_inside(&[Standard]), vec![within(small(inside()))]);
    check_text("inside_standard.txt", &encode(&exposition, Format::Text));
    check_text("inside_standard.openmetrics", &encode(&exposition, Format::OpenMetrics));
    check_text("inside_standard.protobuf", &encode(&exposition, Format::Protobuf));
}

#[test]
fn response_times_by_status_in_every_format() {
    let by_status = View::Inside { duration_by_status: true };
    let config = Config { view: by_status, ..schemas_inside(&[Standard]) };
    let exposition = expose(&config, vec![within(small(inside_by_status()))]);
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let name = format!("inside_by_status.{}", extension(format));
        check_text(&name, &encode_only(&exposition, format, &["locust_request_duration_seconds"]));
    }
}

#[test]
fn the_encoder_writes_what_is_known_inside_as_the_tests_do() {
    let exposition = expose(&schemas_inside(&Schema::ALL), vec![within(inside())]);
    assert_eq!(encode(&exposition, Format::Text), text::write(&exposition));
}

#[test]
fn a_locust_that_is_down_leaves_the_exporters_own_metrics() {
    check("down_all.txt", &schemas(&Schema::ALL), vec![down()]);
}

#[test]
fn several_targets_one_of_them_down_with_labels_and_a_service_under_another_namespace() {
    let config = Config {
        schemas: Schema::ALL.to_vec(),
        namespace: "load".to_owned(),
        labels: vec![
            ("team".to_owned(), "shop \"west\"".to_owned()),
            ("stage".to_owned(), "qa".to_owned()),
        ],
        service: Some("checkout".to_owned()),
        view: View::Outside,
        targets: true,
    };
    let at = |target: &str, sighting| Sighting { target: Some(target.into()), ..sighting };
    check(
        "targets_all.txt",
        &config,
        vec![
            at("http://a.example:8089", sighting(running())),
            at("http://b.example:8089", down()),
            at("http://c.example:8089", sighting(local())),
        ],
    );
}

#[test]
fn what_an_encoder_rejects_in_one_scrape_is_told_in_it() {
    let exposition = expose(&schemas(&[Standard]), vec![down()]);
    exposition.rejected(Reject::NotACount, 3);
    let text = text::write(&exposition);
    let told = r#"locust_exporter_rejected_rows_total{reason="not_a_count"} 3"#;
    assert!(text.lines().any(|line| line == told), "{text}");
    assert!(text.trim_end().lines().last().unwrap().contains("rejected_rows_total"), "{text}");
}

/// The same with two endpoints and without what else there is much of.
fn small(mut snapshot: Snapshot) -> Snapshot {
    snapshot.endpoints.truncate(2);
    let kept = snapshot.endpoints.clone();
    let is_kept = |name: &str| kept.iter().any(|endpoint| *endpoint.name == *name);
    snapshot.responses.iter_mut().for_each(|rows| rows.retain(|row| is_kept(&row.name)));
    snapshot.errors.truncate(1);
    snapshot
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Text => "txt",
        Format::OpenMetrics => "openmetrics",
        Format::Protobuf => "protobuf",
    }
}

fn encode(families: &dyn Families, format: Format) -> String {
    encode_only(families, format, &[])
}

/// These families, or all.
fn encode_only(families: &dyn Families, format: Format, names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut encoder = Encoder::new(format, Options { created: true });
    for part in 0..families.parts() {
        if names.is_empty() {
            families.visit(part, &mut encoder);
        } else {
            families.visit(part, &mut Filter::new(&names, &mut encoder));
        }
    }
    encoder.finish();
    assert!(encoder.rejections().is_empty(), "{:?}", encoder.rejections());
    match format {
        Format::Protobuf => protobuf::readable(encoder.written()),
        Format::Text | Format::OpenMetrics => {
            String::from_utf8(encoder.written().to_vec()).expect("text is text")
        }
    }
}
