//! Reading protobuf messages that may be damaged.

/// A message is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is damaged")]
pub(crate) struct Damaged;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A number of any integer type.
    Varint(u64),
    /// Eight bytes: a `double`.
    Fixed64(u64),
    /// A text, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes, which nothing here has.
    Fixed32,
}

/// The fields of a message, with their numbers. After an error there are no more.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The bytes of the first field of this number that has any; none where there is no such field
    /// in what can be read.
    pub(crate) fn bytes(&self, number: u64) -> &'a [u8] {
        let mut found = self.clone().filter_map(|field| match field {
            Ok((n, Field::Bytes(bytes))) if n == number => Some(bytes),
            _ => None,
        });
        found.next().unwrap_or_default()
    }

    /// The first number in a field of this number; 0 where there is no such field in what can be
    /// read.
    pub(crate) fn number(&self, number: u64) -> u64 {
        let mut found = self.clone().filter_map(|field| match field {
            Ok((n, Field::Varint(value))) if n == number => Some(value),
            _ => None,
        });
        found.next().unwrap_or_default()
    }

    fn read(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => {
                let (value, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                Field::Fixed64(u64::from_le_bytes(*value))
            }
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).ok()?;
                Field::Bytes(self.0.split_off(..length)?)
            }
            5 => {
                self.0.split_off(..4)?;
                Field::Fixed32
            }
            _ => return None,
        };
        let number = tag >> 3;
        (number > 0).then_some((number, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Damaged))
    }
}

/// Takes a number off the front.
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use exposition::wire;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        wire::unsigned(&mut out, 1, 300);
        wire::double(&mut out, 2, 1.5);
        wire::string(&mut out, 20, "text");
        wire::unsigned(&mut out, 4, u64::MAX);
        let fields = Fields::of(&out);
        let read: Result<Vec<_>, _> = fields.clone().collect();
        let wanted = [
            (1, Field::Varint(300)),
            (2, Field::Fixed64(1.5_f64.to_bits())),
            (20, Field::Bytes(b"text")),
            (4, Field::Varint(u64::MAX)),
        ];
        assert_eq!(read.unwrap(), wanted);
        assert_eq!((fields.number(4), fields.bytes(20)), (u64::MAX, &b"text"[..]));
        assert_eq!((fields.number(20), fields.bytes(4)), (0, &b""[..]));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Fields::of(&bytes).count() <= bytes.len() + 1);
        }
    }
}
