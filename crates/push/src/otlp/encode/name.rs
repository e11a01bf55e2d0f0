//! What families are called in OTLP.

use std::collections::HashMap;

use exposition::{Kind, Meta, Unit};

/// Families whose names are kept. There are never as many at a time.
const MOST: usize = 20_000;

/// Name and unit of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The name.
    pub(super) name: Box<str>,
    /// The unit in UCUM; empty if there is none.
    pub(super) unit: &'static str,
}

/// Gives names, none to two families, and to a family the same as long as that is possible.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By the family's full name.
    chosen: HashMap<Box<str>, (Said, Name)>,
    /// Which family has (or keeps for itself) a name: the family's full name.
    owners: HashMap<Box<str>, Box<str>>,
}

/// What of a family its name depends on.
type Said = (Kind, Kind, Option<Unit>);

impl Names {
    /// The name of a family.
    pub(super) fn name(&mut self, meta: &Meta) -> Name {
        let full = meta.name.as_str();
        let said = (meta.kind, meta.openmetrics, meta.unit);
        if let Some((known, name)) = self.chosen.get(full)
            && *known == said
        {
            return name.clone();
        }
        self.own(full);
        let name = self.choose(meta);
        self.owners.insert(name.name.clone(), full.into());
        self.chosen.insert(full.into(), (said, name.clone()));
        name
    }

    /// Forgets all names, if there are too many. Called between two passes.
    pub(super) fn bound(&mut self) {
        if self.chosen.len() > MOST {
            *self = Self::default();
        }
    }

    /// Keeps a family's full name for it: whoever bears it as a short one has to give it back.
    fn own(&mut self, full: &str) {
        if let Some(before) = self.owners.insert(full.into(), full.into())
            && *before != *full
        {
            self.chosen.remove(&before);
        }
    }

    /// The shortest name from which a receiver makes the family's full one.
    fn choose(&self, meta: &Meta) -> Name {
        let full = meta.name.as_str();
        let unit = meta.unit.map_or("", ucum);
        let without_total = meta.openmetrics_name();
        let suffix = meta.unit.map(Unit::as_str);
        let without_unit = suffix
            .and_then(|suffix| without_total.strip_suffix(suffix)?.strip_suffix('_'))
            .filter(|rest| !rest.is_empty());
        let forms = [
            without_unit.map(|name| (name, unit)),
            Some((without_total, unit)),
            Some((full, unit)),
        ];
        let is_free = |name: &str| self.owners.get(name).is_none_or(|owner| **owner == *full);
        forms
            .into_iter()
            .flatten()
            .chain([(full, "")])
            .find(|(name, unit)| is_free(name) && as_prometheus(name, unit, meta.kind) == full)
            .map_or_else(|| whole(meta), |(name, unit)| Name { name: name.into(), unit })
    }
}

/// The name of a family to which no receiver gives its full one.
fn whole(meta: &Meta) -> Name {
    Name { name: meta.name.as_str().into(), unit: meta.unit.map_or("", ucum) }
}

/// The unit in UCUM, as `prometheus_and_openmetrics.md` of OpenTelemetry's specification says.
fn ucum(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Ratio => "1",
    }
}

/// What Prometheus calls a metric: `normalizeName` of `prometheus/otlptranslator`, as far as our
/// units go. `VictoriaMetrics` does the same, if told to.
fn as_prometheus(name: &str, unit: &str, kind: Kind) -> String {
    let mut words: Vec<_> = name.split('_').filter(|word| !word.is_empty()).collect();
    let mut end_in = |word| {
        words.retain(|other| *other != word);
        words.push(word);
    };
    match (unit, kind) {
        ("s", _) if !name.split('_').any(|word| word == "seconds") => end_in("seconds"),
        ("By", _) if !name.split('_').any(|word| word == "bytes") => end_in("bytes"),
        ("1", Kind::Gauge | Kind::Unknown) => end_in("ratio"),
        _ => {}
    }
    if kind == Kind::Counter {
        end_in("total");
    }
    words.join("_")
}

#[cfg(test)]
mod tests {
    use exposition::{MetricName, settle};

    use super::*;

    fn meta(name: &str, unit: Option<Unit>, kind: Kind) -> Meta {
        Meta::new(MetricName::new(name).unwrap(), "", unit, kind)
    }

    /// The names given, with units, after two passes over the families.
    fn names(families: &[(&str, Option<Unit>, Kind)]) -> Vec<(String, &'static str)> {
        let mut metas: Vec<_> = families.iter().map(|(n, u, k)| meta(n, *u, *k)).collect();
        settle(&mut metas.iter_mut().collect::<Vec<_>>()).unwrap();
        let mut names = Names::default();
        for meta in &metas {
            names.name(meta);
        }
        let name = |meta| {
            let Name { name, unit } = names.name(meta);
            (name.into_string(), unit)
        };
        metas.iter().map(name).collect()
    }

    #[test]
    fn what_a_receiver_adds_is_left_out() {
        for (full, unit, kind, wanted) in [
            ("up", None, Kind::Gauge, ("up", "")),
            ("requests_total", None, Kind::Counter, ("requests", "")),
            ("duration_seconds", Some(Unit::Seconds), Kind::Histogram, ("duration", "s")),
            ("start_time_seconds", Some(Unit::Seconds), Kind::Gauge, ("start_time", "s")),
            ("duration_seconds", Some(Unit::Seconds), Kind::Unknown, ("duration", "s")),
            ("length_bytes_total", Some(Unit::Bytes), Kind::Counter, ("length", "By")),
            ("cpu_usage_ratio", Some(Unit::Ratio), Kind::Gauge, ("cpu_usage", "1")),
            ("bytes", Some(Unit::Bytes), Kind::Gauge, ("bytes", "By")),
        ] {
            assert_eq!(names(&[(full, unit, kind)]), [(wanted.0.to_owned(), wanted.1)]);
            assert_eq!(as_prometheus(wanted.0, wanted.1, kind), full);
        }
    }

    #[test]
    fn what_a_receiver_would_not_add_stays() {
        let seconds = Some(Unit::Seconds);
        for (full, unit, kind, wanted) in [
            // A ratio is added to gauges alone.
            ("share_ratio", Some(Unit::Ratio), Kind::Histogram, "1"),
            // A unit whose word is there already is not added.
            ("seconds_ahead_seconds", seconds, Kind::Gauge, "s"),
            // But a ratio's is moved to the end: then there is no unit.
            ("a_ratio_b_ratio", Some(Unit::Ratio), Kind::Gauge, ""),
        ] {
            assert_eq!(names(&[(full, unit, kind)]), [(full.to_owned(), wanted)]);
            assert_eq!(as_prometheus(full, wanted, kind), full);
        }
    }

    #[test]
    fn a_counter_without_total_keeps_its_name() {
        assert_eq!(names(&[("carts", None, Kind::Counter)]), [("carts".to_owned(), "")]);
        assert_eq!(names(&[("total_scrapes", None, Kind::Counter)])[0].0, "total_scrapes");
    }

    #[test]
    fn no_two_families_have_one_name_whichever_comes_first() {
        let seconds = Some(Unit::Seconds);
        let mut families = vec![
            ("users", None, Kind::Gauge),
            ("users_total", None, Kind::Counter),
            ("wait_seconds", seconds, Kind::Histogram),
            ("wait", None, Kind::Gauge),
            ("wait_bytes", Some(Unit::Bytes), Kind::Gauge),
            ("work_seconds_total", seconds, Kind::Counter),
            ("work_seconds", seconds, Kind::Gauge),
        ];
        for _ in 0..families.len() {
            let given = names(&families);
            let mut alone: Vec<_> = given.iter().map(|(name, _)| name).collect();
            alone.sort_unstable();
            alone.dedup();
            assert_eq!(alone.len(), families.len(), "{given:?}");
            for ((name, unit), (full, _, kind)) in given.iter().zip(&families) {
                assert_eq!(as_prometheus(name, unit, *kind), *full);
            }
            families.rotate_left(1);
        }
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        for i in 0..=MOST {
            names.name(&meta(&format!("m{i}"), None, Kind::Gauge));
        }
        names.bound();
        assert!(names.chosen.is_empty() && names.owners.is_empty());
    }
}
