//! Response times.

/// A time in milliseconds, as Locust keeps and shows it.
///
/// It stays in milliseconds because a number that users compare with Locust's must be the same
/// number: dividing by 1,000 is exact to the last bit of an `f64`, coming back from seconds is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Millis(pub f64);

impl Millis {
    /// The time in seconds.
    pub fn seconds(self) -> f64 {
        self.0 / 1000.0
    }

    /// The time in milliseconds.
    pub fn millis(self) -> f64 {
        self.0
    }
}
