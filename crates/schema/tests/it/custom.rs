//! Metrics of the test's own.

use std::collections::HashSet;

use exposition::{Families, Kind};
use locust_model::{CustomKind, CustomMetric, CustomSeries, CustomValue, Snapshot};
use schema::Schema::{Boomer, Classic, Standard};
use schema::{Catalog, Config, Schema, Sighting};

use crate::collect::{collect, combinations, expose, lines_of, schemas, schemas_inside};
use crate::snapshots::{custom, empty, inside, sighting, within};
use crate::text;

const KINDS: [CustomKind; 3] = [CustomKind::Counter, CustomKind::Gauge, CustomKind::Histogram];
const NO_LABELS: [&str; 0] = [];

fn catalog(config: &Config) -> Catalog {
    Catalog::new(config).unwrap()
}

fn refusal(config: &Config, name: &str, kind: CustomKind, labels: &[&str]) -> String {
    catalog(config).admit(name, kind, labels, []).expect_err(name).to_string()
}

/// A gauge with one series.
fn gauge(name: &str, labels: &[&str], value: f64) -> CustomMetric {
    let values = labels.iter().map(|_| "x".into()).collect();
    let series = CustomSeries { values, value: CustomValue::Number(value), since: None };
    CustomMetric { series: vec![series], ..custom(name, CustomKind::Gauge, labels) }
}

fn with(custom: Vec<CustomMetric>) -> Snapshot {
    Snapshot { custom, ..empty() }
}

/// The test's own metrics in the exposition, and how many were left out for this reason.
fn shown(custom: Vec<CustomMetric>, reason: &str) -> (Vec<String>, String) {
    let text = text::write(&expose(&schemas_inside(&[Standard]), vec![within(with(custom))]));
    let start = format!(r#"locust_exporter_rejected_rows_total{{reason="{reason}"}} "#);
    let count = text.lines().find_map(|line| line.strip_prefix(&start)).expect("it is told");
    let own = text.lines().filter(|line| !line.starts_with("locust_") && !line.starts_with('#'));
    (own.map(str::to_owned).collect(), count.to_owned())
}

#[test]
fn they_stand_between_locusts_and_the_exporters_own() {
    for active in combinations() {
        let config = schemas_inside(&active);
        let families = collect(&expose(&config, vec![within(inside())]));
        let names: Vec<_> = families.iter().map(|family| family.meta.name.as_str()).collect();
        let first = names.iter().position(|name| *name == "orders_total").unwrap();
        let given = ["orders_total", "carts", "queue", "checkout_seconds", "unused"];
        assert_eq!(names[first..first + 5], given);
        assert_eq!(names[first + 5], "locust_exporter_build_info");
        assert_eq!(names.len(), catalog(&config).describe().count() + 5);
    }
}

#[test]
fn every_part_is_one_metric_and_beyond_the_last_there_is_none() {
    let exposition = expose(&schemas_inside(&[Standard]), vec![within(inside())]);
    assert_eq!(collect(&exposition).len(), exposition.parts());
    let mut seen = HashSet::new();
    for family in collect(&exposition) {
        assert!(seen.insert(family.meta.name.to_string()), "{}", family.meta.name);
    }
}

#[test]
fn they_have_the_users_labels_and_the_target_but_no_service() {
    let config = Config {
        labels: vec![("team".to_owned(), "shop".to_owned())],
        service: Some("s".to_owned()),
        targets: true,
        ..schemas_inside(&[Boomer])
    };
    let seen = Sighting { target: Some("here".into()), ..within(inside()) };
    let families = collect(&expose(&config, vec![seen]));
    let orders = families.iter().find(|it| it.meta.name.as_str() == "orders_total").unwrap();
    let labels: Vec<_> = orders.samples[0].labels.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(labels, ["target", "team", "region", "kind"]);
}

#[test]
fn one_metric_of_two_locusts_is_one_family() {
    let config = Config { targets: true, ..schemas_inside(&[Standard]) };
    let at = |target: &str, value| Sighting {
        target: Some(target.into()),
        ..within(with(vec![gauge("depth", &[], value)]))
    };
    let text = text::write(&expose(&config, vec![at("a", 1.0), at("b", 2.0)]));
    let lines: Vec<_> = text.lines().filter(|line| line.contains("depth")).collect();
    assert_eq!(
        lines,
        [
            "# HELP depth Of the test.",
            "# TYPE depth gauge",
            r#"depth{target="a"} 1"#,
            r#"depth{target="b"} 2"#,
        ]
    );
}

#[test]
fn a_counter_keeps_its_name_and_is_unknown_to_openmetrics_without_total() {
    let families = collect(&expose(&schemas_inside(&[Standard]), vec![within(inside())]));
    let kind = |name: &str| {
        let found = families.iter().find(|it| it.meta.name.as_str() == name).unwrap();
        (found.meta.kind, found.meta.openmetrics)
    };
    assert_eq!(kind("orders_total"), (Kind::Counter, Kind::Counter));
    assert_eq!(kind("carts"), (Kind::Counter, Kind::Unknown));
}

/// Workers may bring both. They stood side by side, and the counter lost its type in `OpenMetrics`.
#[test]
fn of_two_metrics_of_one_name_in_openmetrics_the_second_is_left_out() {
    let counter = custom("depth_total", CustomKind::Counter, &[]);
    for (other, kind) in [
        (custom("depth", CustomKind::Counter, &[]), Kind::Unknown),
        (gauge("depth", &[], 1.0), Kind::Gauge),
    ] {
        for (both, stands) in [
            (vec![counter.clone(), other.clone()], ("depth_total", Kind::Counter)),
            (vec![other.clone(), counter.clone()], ("depth", kind)),
        ] {
            assert_eq!(shown(both.clone(), "custom_clash").1, "1");
            let families = collect(&expose(&schemas_inside(&[Standard]), vec![within(with(both))]));
            let metas = families.iter().map(|it| (it.meta.name.as_str(), it.meta.openmetrics));
            let depths: Vec<_> = metas.filter(|(name, _)| name.starts_with("depth")).collect();
            assert_eq!(depths, [stands]);
        }
    }
}

#[test]
fn a_name_of_ours_is_refused_under_every_schema_and_from_everywhere() {
    for config in [schemas(&[Boomer]), schemas_inside(&[Classic]), schemas_inside(&[Standard])] {
        for view in [schemas(&Schema::ALL), schemas_inside(&Schema::ALL)] {
            for metric in catalog(&view).describe() {
                for kind in KINDS {
                    let message = refusal(&config, metric.name, kind, &[]);
                    assert!(message.contains("as metric locust_"), "{message}");
                }
            }
        }
    }
}

#[test]
fn a_name_that_would_give_samples_of_ours_or_that_ours_give_is_refused() {
    let config = schemas_inside(&[Standard]);
    for (name, kind) in [
        ("locust_request_duration_seconds_bucket", CustomKind::Gauge),
        ("locust_request_duration_seconds_sum", CustomKind::Counter),
        ("locust_request_duration_seconds_created", CustomKind::Gauge),
        // Of a schema that is not active.
        ("locust_stats_num_requests", CustomKind::Gauge),
        // `…_count` of a histogram of that name is a metric of ours.
        ("locust_slave", CustomKind::Histogram),
        // What the counters' families, and times, are called in OpenMetrics.
        ("locust_requests", CustomKind::Gauge),
        ("locust_requests_created", CustomKind::Gauge),
        ("locust_up_total", CustomKind::Counter),
    ] {
        refusal(&config, name, kind, &[]);
    }
    for (name, kind) in [
        ("locust_slave", CustomKind::Gauge),
        ("locust_up_total", CustomKind::Gauge),
        ("locust_request_duration_seconds_total", CustomKind::Gauge),
        ("locust_orders_total", CustomKind::Counter),
        ("orders", CustomKind::Histogram),
    ] {
        assert_eq!(catalog(&config).admit(name, kind, &NO_LABELS, []), Ok(()), "{name}");
    }
}

#[test]
fn the_namespace_decides_which_names_are_ours() {
    let config = Config { namespace: "load".to_owned(), ..schemas_inside(&[Standard]) };
    assert_eq!(catalog(&config).admit("locust_up", CustomKind::Gauge, &NO_LABELS, []), Ok(()));
    assert_eq!(
        refusal(&config, "load_up", CustomKind::Gauge, &[]),
        "metric \"load_up\" would give samples named load_up, as metric load_up does; \
         use another name"
    );
}

#[test]
fn a_name_is_taken_only_by_what_is_active() {
    let standard = catalog(&schemas_inside(&[Standard]));
    assert!(standard.taken("locust_requests_total", Kind::Counter));
    assert!(standard.taken("locust_requests", Kind::Gauge));
    assert!(!standard.taken("locust_user_count", Kind::Gauge));
    assert!(!standard.taken("not a name", Kind::Gauge));
    assert!(catalog(&schemas_inside(&[Boomer])).taken("locust_user_count", Kind::Gauge));
}

#[test]
fn names_and_labels_that_cannot_be_are_refused_by_name() {
    let config = Config {
        labels: vec![("team".to_owned(), "shop".to_owned())],
        ..schemas_inside(&[Standard])
    };
    for (name, labels, why) in [
        ("a-b", &[][..], "metric name \"a-b\" is not valid"),
        ("depth", &["a-b"], "label name \"a-b\" is not valid"),
        ("depth", &["le"], "label name \"le\" is reserved"),
        ("depth", &["a", "a"], "metric \"depth\" has the label \"a\" twice"),
        ("depth", &["team"], "metric \"depth\" cannot have the label \"team\": every series"),
        ("depth", &["target"], "metric \"depth\" cannot have the label \"target\": every series"),
    ] {
        let message = refusal(&config, name, CustomKind::Gauge, labels);
        assert!(message.starts_with(why), "{message}");
    }
}

#[test]
fn what_cannot_be_shown_is_counted_and_the_rest_is_shown() {
    let good = || gauge("depth", &["a"], 1.0);
    let line = vec![r#"depth{a="x"} 1"#.to_owned()];
    for (bad, reason) in [
        (gauge("a b", &[], 1.0), "custom_name"),
        (gauge("other", &["é"], 1.0), "custom_name"),
        (gauge("other", &["b", "b"], 1.0), "custom_label"),
        (gauge("other", &["target"], 1.0), "custom_label"),
        (gauge("locust_up", &[], 1.0), "custom_clash"),
        (good(), "custom_clash"),
        (custom("depth", CustomKind::Histogram, &["a"]), "custom_clash"),
    ] {
        assert_eq!(shown(vec![good(), bad], reason), (line.clone(), "1".to_owned()), "{reason}");
    }
    assert_eq!(shown(vec![good()], "custom_clash"), (line, "0".to_owned()));
}

#[test]
fn values_that_do_not_fit_are_left_out_one_by_one() {
    let mut metric = gauge("depth", &["a"], 1.0);
    metric.series.push(CustomSeries {
        values: Vec::new(),
        value: CustomValue::Number(2.0),
        since: None,
    });
    let mut encoder =
        exposition::Encoder::new(exposition::Format::Text, exposition::Options::default());
    let families = expose(&schemas_inside(&[Standard]), vec![within(with(vec![metric]))]);
    for part in 0..families.parts() {
        families.visit(part, &mut encoder);
    }
    let rejections: Vec<_> = encoder.rejections().iter().collect();
    assert_eq!(rejections, [(exposition::Reject::Labels, 1)]);
    let text = String::from_utf8(encoder.take()).unwrap();
    assert!(text.contains("\ndepth{a=\"x\"} 1\n"), "{text}");
}

#[test]
fn from_outside_there_are_none() {
    let text = text::write(&expose(&schemas(&Schema::ALL), vec![sighting(inside())]));
    assert!(!text.contains("orders_total") && !text.contains("custom_"), "{text}");
    let inside = lines_of(&schemas_inside(&[Standard]), inside(), &["up"]);
    assert_eq!(inside, ["up 1"]);
}

/// Such a metric was left out of every scrape with nothing but a count.
#[test]
fn a_metric_that_would_write_another_ones_samples_is_refused() {
    use CustomKind::{Counter, Gauge, Histogram};
    let catalog = catalog(&schemas_inside(&[Standard]));
    let admit = |name, kind, other| catalog.admit(name, kind, &NO_LABELS, [other]);
    for (name, kind, other) in [
        ("items_count", Gauge, ("items", Histogram)),
        ("items_sum", Counter, ("items", Histogram)),
        ("items", Histogram, ("items_bucket", Gauge)),
        // What a counter's family, and time, are called in OpenMetrics.
        ("orders_total", Counter, ("orders", Counter)),
        ("orders", Counter, ("orders_total", Counter)),
        ("orders", Gauge, ("orders_total", Counter)),
        ("orders_total", Counter, ("orders", Histogram)),
        ("orders_created", Gauge, ("orders_total", Counter)),
        ("orders_created_total", Counter, ("orders_total", Counter)),
        ("items_count_total", Counter, ("items", Histogram)),
    ] {
        let error = admit(name, kind, other).expect_err(name).to_string();
        assert!(error.contains("use another name"), "{error}");
        assert!(error.contains(other.0), "{error}");
    }
    assert_eq!(
        admit("ex_total", Counter, ("ex", Counter)).expect_err("both are ex").to_string(),
        "metric \"ex_total\" would use the name ex in OpenMetrics, as metric ex does; \
         use another name"
    );
    // A counter keeps the name it is given, and the same name is another matter.
    assert_eq!(admit("orders_total", Gauge, ("orders", Counter)), Ok(()));
    assert_eq!(admit("orders_info", Gauge, ("orders_total", Counter)), Ok(()));
    assert_eq!(admit("orders_created", Gauge, ("orders", Counter)), Ok(()));
    assert_eq!(admit("items", Histogram, ("items", Histogram)), Ok(()));
}
