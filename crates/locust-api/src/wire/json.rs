//! Walking through JSON whose shape is not to be trusted.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;
use serde_json::error::Category;

use super::Malformed;
use super::mend::mend;

const WHAT: &str = "JSON";

/// What is made of a JSON value: something of an object or of a list, and something else of the
/// rest. Reading never fails because a value has another type than it should.
pub(super) trait Shape<'de>: Sized {
    type Value;

    /// What is made of a value of another type.
    fn otherwise(self) -> Self::Value;

    /// What is made of an object.
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.otherwise())
    }

    /// What is made of a list.
    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.otherwise())
    }
}

/// Reads a value as a [`Shape`].
pub(super) struct As<S>(pub(super) S);

impl<'de, S: Shape<'de>> DeserializeSeed<'de> for As<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Shape<'de>> Visitor<'de> for As<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_bool<E>(self, _: bool) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_u64<E>(self, _: u64) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_i64<E>(self, _: i64) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_f64<E>(self, _: f64) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_str<E>(self, _: &str) -> Result<S::Value, E> {
        Ok(self.0.otherwise())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<S::Value, A::Error> {
        self.0.list(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<S::Value, A::Error> {
        self.0.object(map)
    }
}

/// The next key of an object.
pub(super) fn key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_key_seed(Key)
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// Reads a whole JSON text. Python's bare `NaN` and `Infinity` are not JSON: only where they, or
/// other known slips, stand in the way is the text mended in place and read once more.
pub(super) fn read<S, T>(body: Vec<u8>, make: impl Fn() -> S) -> Result<T, Malformed>
where
    S: for<'de> Shape<'de, Value = T>,
{
    read_mending(body, make, true)
}

/// As [`read`], but of the value that a text begins with; what follows it is ignored.
pub(super) fn read_first<S, T>(text: Vec<u8>, make: impl Fn() -> S) -> Result<T, Malformed>
where
    S: for<'de> Shape<'de, Value = T>,
{
    read_mending(text, make, false)
}

fn read_mending<S, T>(
    mut body: Vec<u8>,
    make: impl Fn() -> S,
    to_the_end: bool,
) -> Result<T, Malformed>
where
    S: for<'de> Shape<'de, Value = T>,
{
    match read_once(&body, make(), to_the_end) {
        Err(_) if mend(&mut body) => read_once(&body, make(), to_the_end),
        result => result,
    }
    .map_err(|error| malformed(&error, body.len()))
}

fn read_once<'de, S: Shape<'de>>(
    body: &'de [u8],
    shape: S,
    to_the_end: bool,
) -> serde_json::Result<S::Value> {
    // One look over the whole is cheaper than one for each of its thousands of strings; what is
    // not UTF-8 is left to the reader, whose error says where.
    match str::from_utf8(body) {
        Ok(text) => finish(serde_json::Deserializer::from_str(text), shape, to_the_end),
        Err(_) => finish(serde_json::Deserializer::from_slice(body), shape, to_the_end),
    }
}

fn finish<'de, R: Read<'de>, S: Shape<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
    shape: S,
    to_the_end: bool,
) -> serde_json::Result<S::Value> {
    let value = As(shape).deserialize(&mut deserializer)?;
    if to_the_end {
        deserializer.end()?;
    }
    Ok(value)
}

fn malformed(error: &serde_json::Error, bytes: usize) -> Malformed {
    match error.classify() {
        Category::Eof => Malformed::Cut { what: WHAT, bytes },
        _ => Malformed::Invalid { what: WHAT, cause: error.to_string() },
    }
}
