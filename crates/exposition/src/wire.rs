//! The protobuf wire format, as much of it as is needed to write messages.

/// Appends `value` in groups of seven bits.
#[inline]
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// How many bytes [`varint`] appends.
#[inline]
pub fn varint_length(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Appends a signed number so that small magnitudes are short (`sint32`, `sint64`).
pub fn zigzag(out: &mut Vec<u8>, value: i64) {
    varint(out, (value << 1 ^ value >> 63).cast_unsigned());
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u8) {
    varint(out, u64::from(field << 3 | u32::from(wire_type)));
}

/// Appends an unsigned field (or an enum).
pub fn unsigned(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 0);
    varint(out, value);
}

/// Appends an `int64` field. A negative number takes ten bytes.
pub fn int64(out: &mut Vec<u8>, field: u32, value: i64) {
    unsigned(out, field, value.cast_unsigned());
}

/// Appends a `sint32` or `sint64` field.
pub fn signed(out: &mut Vec<u8>, field: u32, value: i64) {
    tag(out, field, 0);
    zigzag(out, value);
}

/// Appends a `double` field.
pub fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `fixed64` field.
pub fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a packed `fixed64` field, or a packed `double` one of bit patterns; nothing if there are
/// no values.
pub fn packed64(out: &mut Vec<u8>, field: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() == 0 {
        return;
    }
    prefix(out, field, values.len() * size_of::<u64>());
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends what comes before a field of `length` bytes that the caller appends then.
pub fn prefix(out: &mut Vec<u8>, field: u32, length: usize) {
    tag(out, field, 2);
    varint(out, length as u64);
}

/// Appends a `string` field.
pub fn string(out: &mut Vec<u8>, field: u32, value: &str) {
    bytes(out, field, value.as_bytes());
}

/// Appends a `bytes` field, or a message that is encoded already.
pub fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    prefix(out, field, value.len());
    out.extend_from_slice(value);
}

/// Appends a message field (or a packed one) with what `content` writes.
pub fn message(out: &mut Vec<u8>, field: u32, content: impl FnOnce(&mut Vec<u8>)) {
    let start = open_field(out, field);
    content(out);
    close(out, start);
}

/// Begins a message field. To be ended by [`close`].
pub fn open_field(out: &mut Vec<u8>, field: u32) -> Open {
    tag(out, field, 2);
    open(out)
}

/// A message whose length is not known yet.
#[derive(Debug)]
#[must_use]
pub struct Open(usize);

/// Begins a message that is preceded by its length. One byte is kept for it.
pub fn open(out: &mut Vec<u8>) -> Open {
    let start = out.len();
    out.push(0);
    Open(start)
}

/// Ends the message, which moves if its length takes more than the one byte.
#[inline]
pub fn close(out: &mut Vec<u8>, Open(start): Open) {
    let end = out.len();
    let length = (end - start - 1) as u64;
    if length < 0x80 {
        out[start] = low_bits(length);
    } else {
        // The length is written behind the content and turned to the front, over the kept byte.
        varint(out, length);
        let rest = out.len() - end;
        out[start..].rotate_right(rest);
        out.remove(start + rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_is_preceded_by_it() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let mut out = b"before".to_vec();
            message(&mut out, 4, |out| out.extend(std::iter::repeat_n(7, length)));
            let mut wanted = b"before".to_vec();
            wanted.push(4 << 3 | 2);
            varint(&mut wanted, length as u64);
            wanted.extend(std::iter::repeat_n(7, length));
            assert!(out == wanted, "{length}");
        }
    }

    #[test]
    fn eight_bytes_are_little_endian_alone_and_packed() {
        let mut out = Vec::new();
        fixed64(&mut out, 2, 0x0102_0304_0506_0708);
        assert_eq!(out, [2 << 3 | 1, 8, 7, 6, 5, 4, 3, 2, 1]);
        out.clear();
        packed64(&mut out, 6, [1, u64::MAX].into_iter());
        assert_eq!(out[..10], [6 << 3 | 2, 16, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(out[10..], [255; 8]);
        out.clear();
        packed64(&mut out, 6, std::iter::empty());
        assert!(out.is_empty());
    }

    #[test]
    fn the_length_of_a_number_is_known_before_it_is_written() {
        for value in (0..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(varint_length(value), out.len(), "{value}");
        }
    }

    #[test]
    fn small_magnitudes_are_short() {
        for (value, wanted) in [(0, 0), (-1, 1), (1, 2), (-64, 127)] {
            let mut out = Vec::new();
            zigzag(&mut out, value);
            assert_eq!(out, [wanted]);
        }
        let mut out = Vec::new();
        zigzag(&mut out, i64::MIN);
        assert_eq!(out, [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }
}
