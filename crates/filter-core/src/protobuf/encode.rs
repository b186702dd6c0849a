//! The encoder.
//!
//! A message is encoded before its size is known and moved if the size needs more than one byte.
//! Most messages are short, so this is cheaper than computing sizes in advance.

const VARINT: u64 = 0;
const SIXTY_FOUR_BIT: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const THIRTY_TWO_BIT: u64 = 5;

/// Writes a string, bytes, or an encoded message.
pub fn bytes(tag: u32, content: &[u8], out: &mut Vec<u8>) {
    length(tag, content.len(), out);
    out.extend_from_slice(content);
}

/// Writes the key and length of a field of `size` bytes.
pub fn length(tag: u32, size: usize, out: &mut Vec<u8>) {
    key(tag, LENGTH_DELIMITED, out);
    raw_varint(wide(size), out);
}

/// Writes a message with the output of `fields`.
pub fn message(tag: u32, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    key(tag, LENGTH_DELIMITED, out);
    let start = out.len();
    out.push(0);
    fields(out);
    let size = out.len().saturating_sub(start).saturating_sub(1);
    match (u8::try_from(size), out.get_mut(start)) {
        (Ok(size), Some(byte)) if size < 0x80 => *byte = size,
        _ => {
            let mut varint = Vec::with_capacity(5);
            raw_varint(wide(size), &mut varint);
            out.splice(start..=start, varint);
        }
    }
}

/// Writes an unsigned integer, a boolean, or an enumeration.
pub fn varint(tag: u32, number: u64, out: &mut Vec<u8>) {
    key(tag, VARINT, out);
    raw_varint(number, out);
}

/// Writes a field of eight bytes.
pub fn fixed64(tag: u32, bits: u64, out: &mut Vec<u8>) {
    key(tag, SIXTY_FOUR_BIT, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Writes a field of four bytes.
pub fn fixed32(tag: u32, bits: u32, out: &mut Vec<u8>) {
    key(tag, THIRTY_TWO_BIT, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Returns the encoded length of a varint, 1 to 10 bytes.
#[must_use]
pub fn varint_len(number: u64) -> usize {
    let bits = u64::BITS.saturating_sub(number.leading_zeros()).max(1);
    usize::try_from(bits.div_ceil(7)).unwrap_or(usize::MAX)
}

fn key(tag: u32, wire_type: u64, out: &mut Vec<u8>) {
    raw_varint(u64::from(tag) << 3 | wire_type, out);
}

fn raw_varint(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn writes_each_wire_type() {
        assert_eq!(written(|out| varint(1, 150, out)), [8, 0x96, 1]);
        assert_eq!(written(|out| varint(16, 0, out)), [0x80, 1, 0]);
        assert_eq!(written(|out| bytes(2, b"ab", out)), [0x12, 2, b'a', b'b']);
        assert_eq!(written(|out| fixed32(3, 1, out)), [0x1d, 1, 0, 0, 0]);
        assert_eq!(written(|out| fixed64(4, 2, out)), [0x21, 2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_message_is_preceded_by_its_size() {
        for size in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            let content = vec![7; size];
            let expected = written(|out| bytes(5, &content, out));
            let found = written(|out| message(5, out, |out| out.extend_from_slice(&content)));
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn computes_the_length_of_varints() {
        for shift in 0..64 {
            for number in [1 << shift, (1 << shift) - 1] {
                let encoded = written(|out| raw_varint(number, out));
                assert_eq!(varint_len(number), encoded.len(), "{number}");
            }
        }
        assert_eq!(varint_len(u64::MAX), 10);
    }
}
