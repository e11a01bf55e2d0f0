//! Keys that row after row repeats.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

/// What a key means.
pub(super) trait Field: Copy {
    /// The meaning of any key.
    fn of(key: &str) -> Self;
}

/// The keys of the row before, and what they mean. Locust writes the same keys in the same order
/// into every row: what the next one means is then known after one comparison.
pub(super) struct Keys<F>(Vec<(Box<str>, F)>);

impl<F> Default for Keys<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Field> Keys<F> {
    /// Keys beyond this many are not remembered: no row of Locust has half as many.
    const MAX: usize = 64;

    /// Begins a row.
    pub(super) fn row(&mut self) -> RowKeys<'_, F> {
        RowKeys { known: &mut self.0, at: 0 }
    }
}

/// The keys of one row.
pub(super) struct RowKeys<'k, F> {
    known: &'k mut Vec<(Box<str>, F)>,
    at: usize,
}

impl<F: Field> RowKeys<'_, F> {
    /// What the next key means; `None` at the row's end.
    pub(super) fn next<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
    ) -> Result<Option<F>, A::Error> {
        let field = map.next_key_seed(&mut *self)?;
        self.at += 1;
        Ok(field)
    }

    fn field(&mut self, key: &str) -> F {
        match self.known.get(self.at) {
            Some((known, field)) if **known == *key => *field,
            _ => self.learn(key),
        }
    }

    #[cold]
    fn learn(&mut self, key: &str) -> F {
        let field = F::of(key);
        match self.known.get_mut(self.at) {
            Some(known) => *known = (key.into(), field),
            None if self.at < Keys::<F>::MAX => self.known.push((key.into(), field)),
            None => {}
        }
        field
    }
}

impl<'de, F: Field> DeserializeSeed<'de> for &mut RowKeys<'_, F> {
    type Value = F;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<F, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<F: Field> Visitor<'_> for &mut RowKeys<'_, F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<F, E> {
        Ok(self.field(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Letter {
        A,
        B,
        Other,
    }

    impl Field for Letter {
        fn of(key: &str) -> Self {
            match key {
                "a" => Self::A,
                "b" => Self::B,
                _ => Self::Other,
            }
        }
    }

    struct ReadFields<'k>(RowKeys<'k, Letter>);

    impl<'de> Visitor<'de> for ReadFields<'_> {
        type Value = Vec<Letter>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = self.0.next(&mut map)? {
                fields.push(field);
                map.next_value::<Value>()?;
            }
            Ok(fields)
        }
    }

    fn fields(keys: &mut Keys<Letter>, row: &str) -> Vec<Letter> {
        serde_json::Deserializer::from_str(row).deserialize_map(ReadFields(keys.row())).unwrap()
    }

    #[test]
    fn rows_may_have_their_keys_in_any_order() {
        let mut keys = Keys::default();
        let rows = [
            (r#"{"a":1,"b":2}"#, vec![Letter::A, Letter::B]),
            (r#"{"a":1,"b":2}"#, vec![Letter::A, Letter::B]),
            (r#"{"b":2,"a":1}"#, vec![Letter::B, Letter::A]),
            (r#"{"b":2}"#, vec![Letter::B]),
            ("{}", vec![]),
            (
                r#"{"x":0,"b":2,"\u0061":1,"a":3}"#,
                vec![Letter::Other, Letter::B, Letter::A, Letter::A],
            ),
        ];
        for (row, expected) in rows {
            assert_eq!(fields(&mut keys, row), expected, "{row}");
        }
    }

    #[test]
    fn rows_of_very_many_keys_are_read_and_few_of_them_kept() {
        let mut keys = Keys::default();
        let mut row: Map<_, _> = (0..1000).map(|i| (format!("B{i}"), json!(i))).collect();
        row.insert("b".to_owned(), json!(0));
        let row = serde_json::to_string(&row).unwrap();
        for _ in 0..2 {
            let fields = fields(&mut keys, &row);
            assert_eq!((fields.len(), fields.last()), (1001, Some(&Letter::B)));
        }
        assert_eq!(keys.0.len(), Keys::<Letter>::MAX);
    }
}
