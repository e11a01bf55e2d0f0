//! Reading protobuf, as much of it as is needed of answers.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A number, as it stands on the wire.
    Number(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers. It ends where the message ends, or cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The bytes of the first field of this number that has any; else none.
    pub(crate) fn bytes(&self, number: u64) -> &'a [u8] {
        self.clone()
            .find_map(|field| match field {
                (found, Field::Bytes(bytes)) if found == number => Some(bytes),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The first number in a field of this number; else 0.
    pub(crate) fn number(&self, number: u64) -> u64 {
        self.clone()
            .find_map(|field| match field {
                (found, Field::Number(value)) if found == number => Some(value),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn fixed(&mut self, bytes: usize) -> Option<Field<'a>> {
        let taken = self.take(bytes)?.iter().rev();
        Some(Field::Number(taken.fold(0, |value, byte| value << 8 | u64::from(*byte))))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => self.fixed(8)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.fixed(4)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    }
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
        let fields = Fields(&out);
        let read: Vec<_> = fields.clone().collect();
        let wanted = [
            (1, Field::Number(300)),
            (2, Field::Number(1.5_f64.to_bits())),
            (20, Field::Bytes(b"text")),
            (4, Field::Number(u64::MAX)),
        ];
        assert_eq!(read, wanted);
        assert_eq!((fields.number(4), fields.bytes(20)), (u64::MAX, &b"text"[..]));
        assert_eq!((fields.number(20), fields.bytes(4)), (0, &b""[..]));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Fields(&bytes).count() <= bytes.len());
        }
    }
}
