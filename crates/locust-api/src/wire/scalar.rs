//! One JSON value, read without judging.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::mend::NOT_FINITE;
use crate::Rejected;

/// One JSON value where a number or a text is due. Reading never fails because of its type.
pub(super) enum Scalar<'a> {
    Null,
    Count(u64),
    Number(f64),
    Text(Cow<'a, str>),
    /// A boolean, a list or an object.
    Other,
}

impl Scalar<'_> {
    /// The value as a number. What is none is counted, but for null.
    pub(super) fn number(self, rejected: &mut Rejected) -> Option<f64> {
        match self {
            Self::Null => return None,
            Self::Count(count) => return Some(count as f64),
            Self::Number(number) if number.is_finite() => return Some(number),
            Self::Number(_) => rejected.add(Rejected::NOT_FINITE),
            Self::Text(text) if text == NOT_FINITE => rejected.add(Rejected::NOT_FINITE),
            Self::Text(_) | Self::Other => rejected.add(Rejected::WRONG_TYPE),
        }
        None
    }

    /// The value as a count, rounded. A negative one is left out and counted.
    pub(super) fn count(self, rejected: &mut Rejected) -> Option<u64> {
        if let Self::Count(count) = self {
            return Some(count);
        }
        self.number(rejected).and_then(|number| whole(number, rejected))
    }
}

impl<'a> Scalar<'a> {
    /// The value as a text; a number becomes its digits, since Locust lets names be numbers.
    pub(super) fn text(self, rejected: &mut Rejected) -> Option<Cow<'a, str>> {
        match self {
            Self::Null => None,
            Self::Count(count) => Some(count.to_string().into()),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Text(text) => Some(text),
            Self::Other => {
                rejected.add(Rejected::WRONG_TYPE);
                None
            }
        }
    }
}

/// A finite number as a count, rounded. A negative one is left out and counted.
pub(super) fn whole(number: f64, rejected: &mut Rejected) -> Option<u64> {
    if number < 0.0 {
        rejected.add(Rejected::NEGATIVE);
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and a count beyond 2^64 may saturate"
    )]
    Some(number.round() as u64)
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Count(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
