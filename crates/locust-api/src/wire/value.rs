//! One JSON value, read as the number or the text that is due, whatever it is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::kept::cut;
use super::mend::NOT_FINITE;
use crate::Rejected;

/// 2^64: no count is so large.
const LIMIT: f64 = 18_446_744_073_709_551_616.0;

/// Reads the next value of an object as a number. What is none is counted, but for null.
pub(super) fn number<'de, A: MapAccess<'de>>(
    map: &mut A,
    rejected: &mut Rejected,
) -> Result<Option<f64>, A::Error> {
    map.next_value_seed(Read(Number(rejected)))
}

/// Reads the next value of an object as a count, rounded. What is none, or negative, is counted
/// as rejected, but for null.
pub(super) fn count<'de, A: MapAccess<'de>>(
    map: &mut A,
    rejected: &mut Rejected,
) -> Result<Option<u64>, A::Error> {
    map.next_value_seed(Read(Count(rejected)))
}

/// Reads the next value of an object as a text, and makes something of it.
pub(super) fn text<'de, A: MapAccess<'de>, T>(
    map: &mut A,
    rejected: &mut Rejected,
    make: impl FnOnce(&str) -> T,
) -> Result<Option<T>, A::Error> {
    map.next_value_seed(Read(Text { rejected, make }))
}

/// Reads the values of a list as texts.
pub(super) fn texts<'de, A: SeqAccess<'de>>(
    mut seq: A,
    rejected: &mut Rejected,
) -> Result<Vec<String>, A::Error> {
    let mut texts = Vec::new();
    while let Some(text) =
        seq.next_element_seed(Read(Text { rejected: &mut *rejected, make: str::to_owned }))?
    {
        texts.extend(text);
    }
    Ok(texts)
}

/// Passes over the next value of an object.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// A finite number as a count, rounded. One that is negative, or more than a count can be, is left
/// out and counted.
pub(super) fn whole(number: f64, rejected: &mut Rejected) -> Option<u64> {
    if number < 0.0 {
        rejected.add(Rejected::NEGATIVE);
        return None;
    }
    let number = number.round();
    if number >= LIMIT {
        rejected.add(Rejected::TOO_LARGE);
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is neither negative nor too large"
    )]
    Some(number as u64)
}

/// What is made of a value of each type. Reading never fails because of the type.
pub(super) trait Due: Sized {
    type Value;

    fn null(self) -> Self::Value;

    fn count(self, value: u64) -> Self::Value;

    fn number(self, value: f64) -> Self::Value;

    fn text(self, value: &str) -> Self::Value;

    /// A boolean, a list or an object.
    fn other(self) -> Self::Value;
}

/// A number.
pub(super) struct Number<'r>(pub(super) &'r mut Rejected);

impl Due for Number<'_> {
    type Value = Option<f64>;

    fn null(self) -> Option<f64> {
        None
    }

    fn count(self, value: u64) -> Option<f64> {
        Some(value as f64)
    }

    fn number(self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            self.0.add(Rejected::NOT_FINITE);
        }
        value.is_finite().then_some(value)
    }

    fn text(self, value: &str) -> Option<f64> {
        self.0.add(if value == NOT_FINITE { Rejected::NOT_FINITE } else { Rejected::WRONG_TYPE });
        None
    }

    fn other(self) -> Option<f64> {
        self.0.add(Rejected::WRONG_TYPE);
        None
    }
}

/// A count.
pub(super) struct Count<'r>(pub(super) &'r mut Rejected);

impl Due for Count<'_> {
    type Value = Option<u64>;

    fn null(self) -> Option<u64> {
        None
    }

    fn count(self, value: u64) -> Option<u64> {
        Some(value)
    }

    fn number(self, value: f64) -> Option<u64> {
        let number = Number(&mut *self.0).number(value)?;
        whole(number, self.0)
    }

    fn text(self, value: &str) -> Option<u64> {
        Number(self.0).text(value);
        None
    }

    fn other(self) -> Option<u64> {
        Number(self.0).other();
        None
    }
}

/// A text; a number becomes its digits, since Locust lets names be numbers.
struct Text<'r, F> {
    rejected: &'r mut Rejected,
    make: F,
}

impl<T, F: FnOnce(&str) -> T> Due for Text<'_, F> {
    type Value = Option<T>;

    fn null(self) -> Option<T> {
        None
    }

    fn count(self, value: u64) -> Option<T> {
        Some((self.make)(&value.to_string()))
    }

    fn number(self, value: f64) -> Option<T> {
        Some((self.make)(&value.to_string()))
    }

    fn text(self, value: &str) -> Option<T> {
        Some((self.make)(cut(value)))
    }

    fn other(self) -> Option<T> {
        self.rejected.add(Rejected::WRONG_TYPE);
        None
    }
}

/// Reads a value as what is [`Due`].
pub(super) struct Read<D>(pub(super) D);

impl<'de, D: Due> DeserializeSeed<'de> for Read<D> {
    type Value = D::Value;

    fn deserialize<R: Deserializer<'de>>(self, deserializer: R) -> Result<D::Value, R::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, D: Due> Visitor<'de> for Read<D> {
    type Value = D::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<D::Value, E> {
        Ok(self.0.null())
    }

    fn visit_bool<E>(self, _: bool) -> Result<D::Value, E> {
        Ok(self.0.other())
    }

    fn visit_u64<E>(self, value: u64) -> Result<D::Value, E> {
        Ok(self.0.count(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<D::Value, E> {
        Ok(self.0.number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<D::Value, E> {
        Ok(self.0.number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<D::Value, E> {
        Ok(self.0.text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<D::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.0.other())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<D::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.0.other())
    }
}
