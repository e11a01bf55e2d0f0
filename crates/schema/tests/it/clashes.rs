//! Schemas beside each other, in all seven combinations.

use std::collections::HashSet;

use exposition::Kind;
use schema::Schema::{Boomer, Classic, Standard};
use schema::{Catalog, CatalogError, Config, Schema};

use crate::collect::{collect, combinations, expose, lines, schemas_inside};
use crate::snapshots::{inside, running, within};

fn catalog(active: &[Schema]) -> Catalog {
    Catalog::new(&schemas_inside(active)).expect("schemas fit together")
}

/// The type in `OpenMetrics` of a metric, with its type in the text format.
fn kinds(active: &[Schema], name: &str) -> (Kind, Kind) {
    let catalog = catalog(active);
    let found = catalog.describe().find(|it| it.name == name).expect("the metric is there");
    (found.kind, found.openmetrics)
}

#[test]
fn no_combination_gives_a_name_twice() {
    for active in combinations() {
        let catalog = catalog(&active);
        let mut names = HashSet::new();
        for metric in catalog.describe() {
            assert!(names.insert(metric.name.to_owned()), "{} under {active:?}", metric.name);
        }
    }
}

#[test]
fn no_combination_gives_a_series_twice() {
    for active in combinations() {
        for family in collect(&expose(&schemas_inside(&active), vec![within(inside())])) {
            let mut seen = HashSet::new();
            for mut series in family.samples {
                series.labels.sort();
                let name = &family.meta.name;
                assert!(seen.insert(series.labels.clone()), "{name} {series:?} under {active:?}");
            }
        }
    }
}

#[test]
fn a_schema_loses_no_metric_beside_others() {
    for active in combinations() {
        let all = catalog(&active);
        let names: HashSet<_> = all.describe().map(|metric| metric.name).collect();
        for schema in &active {
            for metric in catalog(&[*schema]).describe() {
                assert!(names.contains(metric.name), "{} under {active:?}", metric.name);
            }
        }
    }
}

#[test]
fn labels_of_a_series_differ_among_themselves() {
    for active in combinations() {
        let catalog = catalog(&active);
        for metric in catalog.describe() {
            let labels: HashSet<_> = metric.labels.iter().collect();
            assert_eq!(labels.len(), metric.labels.len(), "{metric:?}");
            assert!(!labels.contains(&"target") && !labels.contains(&"service"), "{metric:?}");
        }
    }
}

#[test]
fn a_name_ends_in_its_unit() {
    for metric in catalog(&Schema::ALL).describe() {
        let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
        let named = ["_seconds", "_bytes", "_ratio"].into_iter().find(|unit| name.ends_with(unit));
        assert_eq!(
            metric.unit.map(|unit| format!("_{}", unit.as_str())).as_deref(),
            named,
            "{name}"
        );
    }
}

#[test]
fn in_standard_counters_and_they_alone_end_in_total() {
    for metric in catalog(&[Standard]).describe() {
        assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{metric:?}");
    }
}

#[test]
fn users_and_users_total_keep_their_names_in_openmetrics() {
    assert_eq!(kinds(&[Standard], "locust_users_total"), (Kind::Counter, Kind::Counter));
    let both = [Standard, Classic];
    assert_eq!(kinds(&both, "locust_users_total"), (Kind::Counter, Kind::Unknown));
    assert_eq!(kinds(&both, "locust_users"), (Kind::Gauge, Kind::Gauge));
}

#[test]
fn counters_without_total_are_unknown_in_openmetrics() {
    assert_eq!(kinds(&[Classic], "locust_total_scrapes"), (Kind::Counter, Kind::Unknown));
    for name in ["locust_stats_num_requests", "locust_stats_num_failures"] {
        assert_eq!(kinds(&[Boomer], name), (Kind::Counter, Kind::Unknown));
    }
}

#[test]
fn other_counters_stay_counters_in_openmetrics() {
    for active in combinations() {
        for metric in catalog(&active).describe().filter(|it| it.kind == Kind::Counter) {
            let must_be_unknown = !metric.name.ends_with("_total")
                || metric.name == "locust_users_total" && active.contains(&Classic);
            let expected = if must_be_unknown { Kind::Unknown } else { Kind::Counter };
            assert_eq!(metric.openmetrics, expected, "{} under {active:?}", metric.name);
        }
    }
}

#[test]
fn errors_of_classic_and_boomer_are_one_series_with_name_and_path() {
    let mut snapshot = running();
    snapshot.errors.truncate(1);
    let errors = |active: &[Schema]| lines(active, snapshot.clone(), &["errors"]);
    let text = r#"error="ConnectionRefusedError(111, 'Connection refused')""#;
    assert_eq!(errors(&[Classic]), [format!(r#"errors{{method="GET",name="/cart",{text}}} 10"#)]);
    assert_eq!(errors(&[Boomer]), [format!(r#"errors{{path="/cart",method="GET",{text}}} 10"#)]);
    let both = [format!(r#"errors{{method="GET",name="/cart",{text},path="/cart"}} 10"#)];
    assert_eq!(errors(&[Classic, Boomer]), both);
    assert_eq!(errors(&Schema::ALL), both);
    assert_eq!(errors(&[Standard]), [""; 0]);
}

#[test]
fn the_state_stands_in_standards_form_whenever_standard_is_active() {
    let state = |active: &[Schema]| lines(active, running(), &["state"]);
    assert_eq!(state(&[Boomer]), [r#"state{state="running"} 1"#]);
    assert_eq!(state(&[Classic, Boomer]), [r#"state{state="running"} 1"#]);
    assert_eq!(state(&[Classic]), [""; 0]);
    let standard = [
        r#"state{state="ready"} 0"#,
        r#"state{state="spawning"} 0"#,
        r#"state{state="running"} 1"#,
        r#"state{state="cleanup"} 0"#,
        r#"state{state="stopping"} 0"#,
        r#"state{state="stopped"} 0"#,
        r#"state{state="missing"} 0"#,
    ];
    assert_eq!(state(&[Standard]), standard);
    assert_eq!(state(&[Standard, Boomer]), standard);
    assert_eq!(state(&Schema::ALL), standard);
}

#[test]
fn a_shared_metric_belongs_to_all_schemas_that_have_it() {
    let catalog = catalog(&Schema::ALL);
    let of = |name: &str| catalog.describe().find(|it| it.name == name).unwrap().schemas.to_vec();
    assert_eq!(of("locust_up"), Schema::ALL);
    assert_eq!(of("locust_state"), [Standard, Boomer]);
    assert_eq!(of("locust_errors"), [Classic, Boomer]);
    assert_eq!(of("locust_requests_total"), [Standard]);
}

#[test]
fn the_order_of_schemas_and_repetitions_mean_nothing() {
    let names = |active: &[Schema]| -> Vec<String> {
        catalog(active).describe().map(|metric| metric.name.to_owned()).collect()
    };
    assert_eq!(names(&[Boomer, Standard, Boomer]), names(&[Standard, Boomer]));
}

#[test]
fn without_a_schema_there_is_no_catalog() {
    let error = Catalog::new(&Config { schemas: Vec::new(), ..Config::default() }).unwrap_err();
    assert_eq!(error, CatalogError::NoSchema);
}
