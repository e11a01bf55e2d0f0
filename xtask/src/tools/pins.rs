//! Which tools, in which version: the only place that says so.

use e2e::vars;

/// A Python environment.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Its folder in `target/tools/`.
    pub(crate) name: &'static str,
    /// What pip is told to install.
    pub(crate) packages: &'static [&'static str],
    /// The variable that names its `locust` to the end-to-end tests.
    pub(crate) variable: &'static str,
}

/// The newest Locust. Its Python also runs the strict `OpenMetrics` parser of `prometheus_client`.
pub(crate) const LOCUST: Environment = Environment {
    name: "locust-2.47.0",
    packages: &["locust==2.47.0", "prometheus-client==0.26.0"],
    variable: vars::LOCUST_2_47_0,
};

/// Every Locust that the end-to-end tests run: the newest; the last before the totals changed
/// their meaning (2.43.4); one before the statistics' keys were renamed (2.21).
pub(crate) const LOCUSTS: &[Environment] = &[
    LOCUST,
    Environment {
        name: "locust-2.43.0",
        packages: &["locust==2.43.0"],
        variable: vars::LOCUST_2_43_0,
    },
    Environment {
        name: "locust-2.20.1",
        packages: &["locust==2.20.1"],
        variable: vars::LOCUST_2_20_1,
    },
];

/// The Debian suite that has Prometheus 3.5 or newer.
pub(crate) const PROMETHEUS_SUITE: &str = "forky";

/// The packages of that suite.
pub(crate) const PROMETHEUS_PACKAGES: &[&str] = &["prometheus", "promtool"];

/// What checks Python files. The types of Locust come from [`LOCUST`].
pub(crate) const PYTHON_LINT: Environment =
    Environment { name: "python-lint", packages: &["mypy==2.4.1", "ruff==0.17.5"], variable: "" };

/// cargo-deny.
pub(crate) const CARGO_DENY: &str = "0.20.2";
