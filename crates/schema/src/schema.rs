//! The three sets of names.

use std::fmt;
use std::str::FromStr;

/// A set of names under which Locust's numbers are exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Schema {
    /// Prometheus's conventions: base units, counters, one meaning for each name.
    Standard,
    /// The names of the Go exporters, for dashboards and alerts that know these.
    Classic,
    /// The names of the web-UI collector that comes with boomer.
    Boomer,
}

impl Schema {
    /// Every schema, in the order in which their families stand in an exposition.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Classic, Self::Boomer];

    /// The schema's name in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Classic => "classic",
            Self::Boomer => "boomer",
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Schema {
    type Err = UnknownSchema;

    fn from_str(name: &str) -> Result<Self, UnknownSchema> {
        Self::ALL
            .into_iter()
            .find(|schema| schema.as_str() == name)
            .ok_or_else(|| UnknownSchema { name: name.to_owned() })
    }
}

/// No schema has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema {name:?} is not known: use standard, classic or boomer")]
pub struct UnknownSchema {
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_read_by_its_own_name() {
        for schema in Schema::ALL {
            assert_eq!(schema.as_str().parse(), Ok(schema));
        }
    }

    #[test]
    fn an_unknown_schema_is_named_with_those_that_exist() {
        let error = "Standard".parse::<Schema>().unwrap_err().to_string();
        assert_eq!(error, r#"schema "Standard" is not known: use standard, classic or boomer"#);
    }
}
