//! What is recorded, and how finely.

use locust_model::Bounds;

/// The default upper bounds of the classic buckets, in seconds. `tests/it/bounds_error.rs` measures
/// how far quantiles are from the truth with them. A name costs about 20 series with these 12, and
/// one more for each further bound.
const DEFAULT_BUCKETS: [f64; 12] =
    [0.004, 0.0065, 0.025, 0.075, 0.15, 0.3, 0.5, 1.0, 2.5, 5.0, 20.0, 120.0];

/// Endpoints that keep their names by default. Each has a histogram of about 30 series.
const DEFAULT_NAMES: usize = 5_000;

/// What is recorded, and how finely.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Inclusive upper bounds of the classic buckets in seconds, ascending and finite.
    pub buckets: Vec<f64>,
    /// Whether response times are kept apart by status.
    pub by_status: bool,
    /// How much is kept apart.
    pub bounds: Bounds,
    /// How Locust computes its statistics when the recorder begins.
    pub locust: LocustSettings,
}

/// How Locust computes its own statistics. A test can change it at any time.
#[derive(Clone, Debug, PartialEq)]
pub struct LocustSettings {
    /// The percentiles of response times, 0 to 1.
    pub percentiles: Vec<f64>,
    /// The percentiles of the response times of the last seconds, of all requests together.
    pub current_percentiles: Vec<f64>,
    /// Length of those last seconds (`CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW`).
    pub current_window: u64,
    /// How both are computed.
    pub formulas: Formulas,
}

/// Locust's window of current response times, in seconds.
const DEFAULT_WINDOW: u64 = 10;

/// Where the formulas of Locust's `StatsEntry` differ between its versions. By default they are those
/// of 2.47.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formulas {
    /// Of two response times in the middle the median is the lower one, not the upper one: so up to
    /// 2.43 (`median_from_dict`).
    pub lower_median: bool,
    /// Percentiles are shares of all requests, also of those without a response time: so up to 2.43.
    /// Here the current percentiles are of those with one alone in every version.
    pub percentiles_of_all: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            buckets: DEFAULT_BUCKETS.to_vec(),
            by_status: false,
            bounds: Bounds { names: DEFAULT_NAMES, ..Bounds::default() },
            locust: LocustSettings::default(),
        }
    }
}

impl Default for LocustSettings {
    fn default() -> Self {
        Self {
            percentiles: vec![0.9, 0.95, 0.99],
            current_percentiles: vec![0.5, 0.95],
            current_window: DEFAULT_WINDOW,
            formulas: Formulas::default(),
        }
    }
}

/// Why nothing can be recorded so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// There are no buckets, or too many.
    #[error("{count} buckets: give 1 to {most}", most = Config::MOST_BUCKETS)]
    BucketCount {
        /// How many there are.
        count: usize,
    },
    /// A bound cannot be one.
    #[error("bucket bound {bound}: give finite numbers of seconds above 0, in ascending order")]
    Bucket {
        /// The bound.
        bound: f64,
    },
}

impl Config {
    /// So many classic buckets at most.
    pub const MOST_BUCKETS: usize = 100;

    /// Whether the buckets can be used.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the bound that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let count = self.buckets.len();
        if count == 0 || count > Self::MOST_BUCKETS {
            return Err(ConfigError::BucketCount { count });
        }
        let mut last = 0.0;
        for &bound in &self.buckets {
            if !bound.is_finite() || bound <= last {
                return Err(ConfigError::Bucket { bound });
            }
            last = bound;
        }
        Ok(())
    }
}
