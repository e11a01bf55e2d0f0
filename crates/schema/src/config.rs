//! What is decided about names at the start.

use crate::Schema;

/// How metrics are to be named and labelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The active schemas; at least one. Their order, and a schema given twice, mean nothing.
    pub schemas: Vec<Schema>,
    /// The first word of every metric's name, without the underscore behind it.
    pub namespace: String,
    /// Labels that every series has, as names and values.
    pub labels: Vec<(String, String)>,
    /// The value of the label `service` on the series of [`Schema::Boomer`], where wanted.
    pub service: Option<String>,
    /// From where Locust is seen.
    pub view: View,
    /// Whether several Locusts are watched: then every series of a Locust has the label `target`,
    /// where its [sighting](crate::Sighting::target) has one.
    pub targets: bool,
}

/// From where Locust is seen: not every metric can be known from everywhere, and some say more, with
/// more labels or another type, the nearer one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Through its web API.
    #[default]
    Outside,
    /// From within: every request is seen.
    Inside {
        /// Whether response times are kept apart by status.
        duration_by_status: bool,
    },
}

impl View {
    /// Whether Locust is seen from within.
    pub fn is_inside(self) -> bool {
        self != Self::Outside
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schemas: vec![Schema::Standard, Schema::Classic],
            namespace: "locust".to_owned(),
            labels: Vec::new(),
            service: None,
            view: View::default(),
            targets: false,
        }
    }
}
