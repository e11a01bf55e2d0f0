//! Every environment variable by which `cargo xtask test` speaks to the end-to-end tests.

/// The exporter's binary. Without it, the tests build one with `cargo build`.
pub const EXPORTER: &str = "E2E_EXPORTER";

/// The folder from which Python imports the package `locust_exporter`, its Rust half included.
pub const PACKAGE: &str = "E2E_PACKAGE";

/// A `python3` that can make environments, and whose pip reaches an index.
pub const PYTHON: &str = "E2E_PYTHON";

/// The `locust` command of Locust 2.47.0. Its `python` stands beside it and has
/// `prometheus_client`.
pub const LOCUST_2_47_0: &str = "E2E_LOCUST_2_47_0";

/// The `locust` command of Locust 2.43.0.
pub const LOCUST_2_43_0: &str = "E2E_LOCUST_2_43_0";

/// The `locust` command of Locust 2.32.0, the oldest that the package inside supports.
pub const LOCUST_2_32_0: &str = "E2E_LOCUST_2_32_0";

/// The `locust` command of Locust 2.20.1.
pub const LOCUST_2_20_1: &str = "E2E_LOCUST_2_20_1";

/// The `prometheus` server, 3.5 or newer.
pub const PROMETHEUS: &str = "E2E_PROMETHEUS";

/// The `promtool` command of the same version.
pub const PROMTOOL: &str = "E2E_PROMTOOL";

/// The `prometheus-pushgateway` server, 1.11 or newer.
pub const PUSHGATEWAY: &str = "E2E_PUSHGATEWAY";

/// The `victoria-metrics` server, 1.145 or newer.
pub const VICTORIA_METRICS: &str = "E2E_VICTORIA_METRICS";

/// The `rotel-agent` server, an OpenTelemetry collector.
pub const COLLECTOR: &str = "E2E_COLLECTOR";

/// How long the outages of the test of outages last, in seconds, if not 10.
pub const OUTAGE_SECONDS: &str = "E2E_OUTAGE_SECONDS";

/// `1`: a test whose tool is absent fails. Otherwise it says so and passes.
pub const REQUIRE_ALL: &str = "E2E_REQUIRE_ALL";

/// A file to which a test that leaves itself out adds a line that tells why.
pub const LEFT_OUT: &str = "E2E_LEFT_OUT";

/// All of them.
pub const ALL: &[&str] = &[
    EXPORTER,
    PACKAGE,
    PYTHON,
    LOCUST_2_47_0,
    LOCUST_2_43_0,
    LOCUST_2_32_0,
    LOCUST_2_20_1,
    PROMETHEUS,
    PROMTOOL,
    PUSHGATEWAY,
    VICTORIA_METRICS,
    COLLECTOR,
    OUTAGE_SECONDS,
    REQUIRE_ALL,
    LEFT_OUT,
];
