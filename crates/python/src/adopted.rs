//! A worker's options beside those of its master.

use locust_exporter::inside::{Given, flag};

/// An option, by its name, as it was given.
pub(crate) type Set = (String, Given);

/// Those of how is recorded: they must be the same in all processes of a test.
const SHARED: [&str; 5] = [
    "metrics.buckets",
    "metrics.duration-by-status",
    "metrics.max-names",
    "metrics.max-errors",
    "metrics.max-label-bytes",
];

/// Those of how is shown what is recorded: a worker's own hold where it is scraped or pushes itself.
const SHOWN: [&str; 5] =
    ["locust.namespace", "metrics.schema", "metrics.created", "label", "testplan"];

/// The one of what only a master does.
const OF_MASTERS: &str = "last-scrape-timeout";

/// A worker's options with those of its master's that must be the same everywhere.
pub(crate) fn adopted(own: &[Set], masters: &[Set]) -> Vec<Set> {
    let is_shared = |(name, _): &&Set| SHARED.contains(&name.as_str());
    let kept = own.iter().filter(|option| !is_shared(option));
    kept.chain(masters.iter().filter(is_shared)).cloned().collect()
}

/// What to say of a worker's own options that do nothing, since its master's hold. One that its
/// master has alike was given to all.
pub(crate) fn without_effect(own: &[Set], masters: &[Set], is_shown: bool) -> Option<String> {
    let is_idle = |name: &str| {
        SHARED.contains(&name) || name == OF_MASTERS || !is_shown && SHOWN.contains(&name)
    };
    let idle = own.iter().filter(|option| is_idle(&option.0) && !masters.contains(option));
    let idle: Vec<_> = idle.map(|(name, given)| written(name, given)).collect();
    if idle.is_empty() {
        return None;
    }
    let idle = idle.join(" ");
    Some(format!(
        "these options of this worker do nothing, since its master's hold: {idle}; give them to the \
         master"
    ))
}

/// An option as on a command line.
fn written(name: &str, given: &Given) -> String {
    let flag = flag(name);
    match given {
        Given::Switch(_) => flag,
        Given::Texts(values) => format!("{flag}={}", values.join(",")),
    }
}
