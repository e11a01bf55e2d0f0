//! Which tools, in which version: the only place that says so.

use e2e::vars;

/// A Python environment.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Its folder in `target/tools/`.
    pub(crate) name: &'static str,
    /// What pip is told to install.
    pub(crate) packages: &'static [&'static str],
    /// The variable that names its program (`locust`, say) to the end-to-end tests.
    pub(crate) variable: &'static str,
}

/// The newest Locust. Its Python also runs the strict `OpenMetrics` parser of `prometheus_client`,
/// the tests of the Python package, and the benchmarks inside Locust.
pub(crate) const LOCUST: Environment = Environment {
    name: "locust-2.47.0",
    packages: &["locust==2.47.0", PROMETHEUS_CLIENT, PYTEST],
    variable: vars::LOCUST_2_47_0,
};

const PROMETHEUS_CLIENT: &str = "prometheus-client==0.26.0";
const PYTEST: &str = "pytest==9.2.0";

/// Every Locust that the end-to-end tests run: the newest; the last before the totals changed
/// their meaning (2.43.4); the oldest that the package inside supports; one before the statistics'
/// keys were renamed (2.21).
pub(crate) const LOCUSTS: &[Environment] = &[
    LOCUST,
    Environment {
        name: "locust-2.43.0",
        packages: &["locust==2.43.0"],
        variable: vars::LOCUST_2_43_0,
    },
    Environment {
        name: "locust-2.32.0",
        packages: &["locust==2.32.0"],
        variable: vars::LOCUST_2_32_0,
    },
    Environment {
        name: "locust-2.20.1",
        packages: &["locust==2.20.1"],
        variable: vars::LOCUST_2_20_1,
    },
];

/// An OpenTelemetry collector in one binary, which prints what it receives.
pub(crate) const COLLECTOR: Environment = Environment {
    name: "rotel-0.0.1a15",
    packages: &["rotel==0.0.1a15"],
    variable: vars::COLLECTOR,
};

/// A program from a Debian package.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its file in `usr/bin`, and its name on PATH.
    pub(crate) name: &'static str,
    /// The package that has it.
    pub(crate) package: &'static str,
    /// The variable that names it to the end-to-end tests.
    pub(crate) variable: &'static str,
    /// What to get without Debian's packages.
    pub(crate) elsewhere: &'static str,
}

/// The Debian suite whose packages are new enough.
pub(crate) const DEBIAN_SUITE: &str = "forky";

/// What is taken from that suite: 97 MB to download, 220 MB kept.
pub(crate) const DEBIAN: &[Program] = &[
    Program {
        name: "prometheus",
        package: "prometheus",
        variable: vars::PROMETHEUS,
        elsewhere: "get 3.5 or newer from https://prometheus.io/download/",
    },
    Program {
        name: "promtool",
        package: "promtool",
        variable: vars::PROMTOOL,
        elsewhere: "get it with Prometheus from https://prometheus.io/download/",
    },
    Program {
        name: "prometheus-pushgateway",
        package: "prometheus-pushgateway",
        variable: vars::PUSHGATEWAY,
        elsewhere: "get pushgateway 1.11 or newer from https://prometheus.io/download/",
    },
    Program {
        name: "victoria-metrics",
        package: "victoria-metrics",
        variable: vars::VICTORIA_METRICS,
        elsewhere: "get 1.145 or newer from \
                    https://github.com/VictoriaMetrics/VictoriaMetrics/releases",
    },
];

/// What checks Python files: in one environment with Locust and whatever else is imported, since
/// mypy's stubtest imports what it checks.
pub(crate) const PYTHON_LINT: Environment = Environment {
    name: "python-lint",
    packages: &[
        "mypy==2.4.1",
        "ruff==0.17.5",
        "locust==2.47.0",
        PROMETHEUS_CLIENT,
        PYTEST,
        "types-gevent==26.9.0.20261006",
        "types-psutil==7.2.2.20261111",
        "types-requests==2.33.0.20261030",
    ],
    variable: "",
};

/// cargo-deny.
pub(crate) const CARGO_DENY: &str = "0.20.2";

/// cargo-fuzz.
pub(crate) const CARGO_FUZZ: &str = "0.13.2";
