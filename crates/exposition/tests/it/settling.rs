//! Families that stand in one exposition.

use exposition::{Clash, Kind, Meta, MetricName, settle};

/// The names that families have in `OpenMetrics`, with their types there.
fn settled(families: &[(&str, Kind)]) -> Result<Vec<(String, Kind)>, Clash> {
    let meta =
        |(name, kind): &(&str, Kind)| Meta::new(MetricName::new(*name).unwrap(), "", None, *kind);
    let mut metas = families.iter().map(meta).collect::<Vec<_>>();
    settle(&mut metas.iter_mut().collect::<Vec<_>>())?;
    Ok(metas.iter().map(|m| (m.openmetrics_name().to_owned(), m.openmetrics)).collect())
}

fn owned(families: &[(&str, Kind)]) -> Vec<(String, Kind)> {
    families.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

#[test]
fn a_counter_gives_way_to_a_gauge_of_its_name() {
    let wanted = owned(&[("locust_users", Kind::Gauge), ("locust_users_total", Kind::Unknown)]);
    let found = settled(&[("locust_users", Kind::Gauge), ("locust_users_total", Kind::Counter)]);
    assert_eq!(found.unwrap(), wanted);
    let found = settled(&[("locust_users_total", Kind::Counter), ("locust_users", Kind::Gauge)]);
    assert_eq!(found.unwrap(), wanted.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_counter_alone_stays_one() {
    let found = settled(&[("x_total", Kind::Counter), ("y", Kind::Gauge), ("z", Kind::Counter)]);
    assert_eq!(
        found.unwrap(),
        owned(&[("x", Kind::Counter), ("y", Kind::Gauge), ("z", Kind::Unknown)])
    );
}

#[test]
fn a_counter_gives_way_where_its_created_time_would_clash() {
    let found = settled(&[("x_total", Kind::Counter), ("x_created", Kind::Gauge)]);
    assert_eq!(found.unwrap(), owned(&[("x_total", Kind::Unknown), ("x_created", Kind::Gauge)]));
    let found = settled(&[("x_total", Kind::Counter), ("x_created_total", Kind::Counter)]);
    assert_eq!(found.unwrap(), owned(&[("x", Kind::Counter), ("x_created_total", Kind::Unknown)]));
}

#[test]
fn a_counter_gives_way_to_a_sample_of_its_family_name() {
    let found = settled(&[("x", Kind::Histogram), ("x_count_total", Kind::Counter)]);
    assert_eq!(found.unwrap(), owned(&[("x", Kind::Histogram), ("x_count_total", Kind::Unknown)]));
    let found = settled(&[("x_total", Kind::Counter), ("x_total_total", Kind::Counter)]);
    assert_eq!(found.unwrap(), owned(&[("x", Kind::Counter), ("x_total_total", Kind::Unknown)]));
}

#[test]
fn a_histogram_clashes_with_a_family_named_as_its_sample() {
    let clash = settled(&[("x", Kind::Histogram), ("x_count", Kind::Gauge)]).unwrap_err();
    let wanted = Clash { first: "x".into(), second: "x_count".into(), sample: "x_count".into() };
    assert_eq!(clash, wanted);
    assert_eq!(
        clash.to_string(),
        "metric x_count would give samples named x_count, as metric x does"
    );
    assert!(settled(&[("x_sum", Kind::Gauge), ("x", Kind::Summary)]).is_err());
}

#[test]
fn two_families_of_one_name_clash() {
    assert!(settled(&[("x", Kind::Gauge), ("x", Kind::Counter)]).is_err());
}
