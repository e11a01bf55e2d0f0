//! What the user decides about names.

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
    /// Whether several Locusts are watched: then every series of a Locust has the label `target`,
    /// where its [sighting](crate::Sighting::target) has one.
    pub targets: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schemas: vec![Schema::Standard, Schema::Classic],
            namespace: "locust".to_owned(),
            labels: Vec::new(),
            service: None,
            targets: false,
        }
    }
}
