//! Namespaces, the user's labels, targets and services.

use schema::Schema::{Boomer, Classic, Standard};
use schema::{Catalog, Config, Schema, Sighting};

use crate::collect::{collect, expose, schemas};
use crate::snapshots::{running, sighting};

fn with_labels(active: &[Schema], labels: &[(&str, &str)]) -> Config {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config { labels: labels.collect(), ..schemas(active) }
}

fn error(config: &Config) -> String {
    Catalog::new(config).expect_err("an invalid configuration").to_string()
}

#[test]
fn a_namespace_that_cannot_begin_a_name_is_refused() {
    for bad in ["", "9lives", "a-b", "a:b", "größe", "a b"] {
        let message = error(&Config { namespace: bad.to_owned(), ..Config::default() });
        assert!(message.starts_with(&format!("namespace {bad:?} cannot begin")), "{message}");
    }
}

#[test]
fn a_namespace_begins_every_name() {
    let config = Config { namespace: "load".to_owned(), ..schemas(&Schema::ALL) };
    for metric in Catalog::new(&config).unwrap().describe() {
        assert!(metric.name.starts_with("load_"), "{}", metric.name);
    }
}

#[test]
fn a_label_that_a_metric_has_is_refused_by_name() {
    let message = error(&with_labels(&[Standard], &[("team", "a"), ("method", "b")]));
    assert_eq!(
        message,
        "label \"method\" cannot be added to every series: \
         locust_requests_total sets it; use another name"
    );
}

#[test]
fn labels_of_inactive_schemas_are_free() {
    assert!(Catalog::new(&with_labels(&[Standard, Classic], &[("path", "a")])).is_ok());
    assert!(Catalog::new(&with_labels(&[Boomer], &[("path", "a")])).is_err());
}

#[test]
fn target_and_service_are_refused_even_where_they_are_not_in_use() {
    for name in ["target", "service"] {
        let message = error(&with_labels(&[Standard], &[(name, "x")]));
        assert!(message.starts_with(&format!("label {name:?} cannot be added")), "{message}");
    }
}

#[test]
fn malformed_reserved_and_repeated_labels_are_refused_by_name() {
    for (bad, why) in [
        ("a-b", "is not valid"),
        ("", "is not valid"),
        ("le", "is reserved"),
        ("__x", "is reserved"),
    ] {
        let message = error(&with_labels(&[Standard], &[(bad, "x")]));
        assert!(message.contains(&format!("{bad:?} {why}")), "{message}");
    }
    let message = error(&with_labels(&[Standard], &[("team", "a"), ("team", "a")]));
    assert_eq!(message, r#"label "team" is given twice: a series can have it only once"#);
}

#[test]
fn the_users_labels_are_on_every_series() {
    let config = with_labels(&Schema::ALL, &[("team", "shop")]);
    let mut count = 0;
    for family in collect(&expose(&config, vec![sighting(running())])) {
        for series in &family.samples {
            assert_eq!(series.labels[0], ("team".to_owned(), "shop".to_owned()));
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn only_the_exporters_own_counters_have_no_target() {
    let config = Config { targets: true, ..schemas(&Schema::ALL) };
    let seen = Sighting { target: Some("http://a".into()), ..sighting(running()) };
    let mut without = Vec::new();
    for family in collect(&expose(&config, vec![seen])) {
        let targets = |series: &crate::collect::Series| {
            series.labels.iter().filter(|(name, _)| name == "target").count()
        };
        match family.samples.iter().map(targets).collect::<Vec<_>>() {
            counts if counts.iter().all(|count| *count == 1) => {}
            counts if counts.iter().all(|count| *count == 0) => {
                without.push(family.meta.name.to_string());
            }
            counts => panic!("{}: {counts:?}", family.meta.name),
        }
    }
    assert_eq!(
        without,
        [
            "locust_exporter_build_info",
            "locust_exporter_folded_series_total",
            "locust_exporter_cut_label_values_total",
            "locust_exporter_rejected_rows_total",
            "locust_total_scrapes",
        ]
    );
}

#[test]
fn with_one_locust_no_series_has_a_target() {
    let seen = Sighting { target: Some("http://a".into()), ..sighting(running()) };
    for family in collect(&expose(&schemas(&Schema::ALL), vec![seen])) {
        assert!(!family.samples.iter().flat_map(|it| &it.labels).any(|(name, _)| name == "target"));
    }
}

#[test]
fn a_locust_without_a_target_has_no_empty_one_among_several() {
    let config = Config {
        targets: true,
        service: Some("shop".to_owned()),
        ..with_labels(&Schema::ALL, &[("team", "a")])
    };
    for family in collect(&expose(&config, vec![sighting(running())])) {
        for series in &family.samples {
            assert_eq!(series.labels[0], ("team".to_owned(), "a".to_owned()));
            assert!(series.labels.iter().all(|(name, _)| name != "target"), "{series:?}");
        }
    }
}

#[test]
fn the_service_is_on_boomers_series_alone() {
    let config = Config { service: Some("shop".to_owned()), ..schemas(&Schema::ALL) };
    let catalog = Catalog::new(&config).unwrap();
    let exposed = collect(&expose(&config, vec![sighting(running())]));
    for (family, metric) in exposed.iter().zip(catalog.describe()) {
        let is_own = metric.schemas.len() == Schema::ALL.len();
        let is_boomers = metric.schemas.contains(&Boomer) && !is_own;
        for series in &family.samples {
            let service = series.labels.iter().find(|(name, _)| name == "service");
            assert_eq!(service.is_some(), is_boomers, "{}", metric.name);
        }
    }
}

#[test]
fn an_empty_service_is_none() {
    let config = Config { service: Some(String::new()), ..schemas(&[Boomer]) };
    for family in collect(&expose(&config, vec![sighting(running())])) {
        assert!(
            !family.samples.iter().flat_map(|it| &it.labels).any(|(name, _)| name == "service")
        );
    }
}
