//! Some families instead of all.

use crate::family::{Family, Meta, Visitor};

/// Lets only named families through to another visitor, as `?name[]=` asks.
///
/// A family is named by its `PromQL` name, or by that of a sample it writes: `x_count` lets the
/// whole histogram `x` through. A name that no family has asks for nothing.
pub struct Filter<'v> {
    names: &'v [String],
    next: &'v mut dyn Visitor,
}

impl<'v> Filter<'v> {
    /// A filter that lets families of these names through to `next`.
    pub fn new(names: &'v [String], next: &'v mut dyn Visitor) -> Self {
        Self { names, next }
    }
}

impl Visitor for Filter<'_> {
    fn family(&mut self, family: &Family<'_>) {
        if self.names.iter().any(|name| is_named(family.meta, name)) {
            self.next.family(family);
        }
    }
}

fn is_named(meta: &Meta, name: &str) -> bool {
    match name.strip_prefix(meta.name.as_str()) {
        Some("") => true,
        Some(suffix) => meta.suffixes().contains(&suffix),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::{Emit, Kind};
    use crate::name::MetricName;

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Visitor for Seen {
        fn family(&mut self, family: &Family<'_>) {
            self.0.push(family.meta.name.as_str().to_owned());
        }
    }

    fn seen(names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut seen = Seen::default();
        let mut filter = Filter::new(&names, &mut seen);
        for (name, kind) in [
            ("x", Kind::Histogram),
            ("x_total", Kind::Counter),
            ("s", Kind::Summary),
            ("g", Kind::Gauge),
        ] {
            let meta = Meta::new(MetricName::new(name).unwrap(), "", None, kind);
            filter.family(&Family::new(&meta, &[], &|_: &mut Emit<'_>| {}));
        }
        seen.0
    }

    #[test]
    fn a_family_is_named_by_its_name() {
        assert_eq!(seen(&["x"]), ["x"]);
        assert_eq!(seen(&["g", "x_total", "nothing"]), ["x_total", "g"]);
        assert!(seen(&[]).is_empty());
    }

    #[test]
    fn a_family_is_named_by_the_samples_it_writes() {
        assert_eq!(seen(&["x_bucket"]), ["x"]);
        assert_eq!(seen(&["s_sum", "s_count"]), ["s"]);
        assert!(seen(&["s_bucket", "g_count", "x_", "xx"]).is_empty());
    }
}
