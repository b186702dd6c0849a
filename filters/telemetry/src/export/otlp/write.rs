//! Protobuf, written field by field.
//!
//! A message is written before its size is known, and moved up where the size takes more than a
//! byte: most are short, and none has to be measured first.

use prost::encoding::{WireType, encode_key, encode_varint};

/// Writes text, bytes, or a message that is at hand.
pub(super) fn bytes(tag: u32, content: &[u8], out: &mut Vec<u8>) {
    open(tag, content.len(), out);
    out.extend_from_slice(content);
}

/// Begins a field of `size` bytes.
pub(super) fn open(tag: u32, size: usize, out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(wide(size), out);
}

/// Writes a message whose fields `fields` writes.
pub(super) fn message(tag: u32, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    encode_key(tag, WireType::LengthDelimited, out);
    let place = out.len();
    out.push(0);
    fields(out);
    let size = out.len().saturating_sub(place).saturating_sub(1);
    match (u8::try_from(size), out.get_mut(place)) {
        (Ok(size), Some(byte)) if size < 0x80 => *byte = size,
        _ => {
            let mut varint = Vec::with_capacity(5);
            encode_varint(wide(size), &mut varint);
            out.splice(place..=place, varint);
        }
    }
}

/// Writes a number that is not negative, a bool, or an enumeration.
pub(super) fn varint(tag: u32, number: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, out);
    encode_varint(number, out);
}

/// Writes eight bytes.
pub(super) fn fixed64(tag: u32, bits: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::SixtyFourBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Writes four bytes.
pub(super) fn fixed32(tag: u32, bits: u32, out: &mut Vec<u8>) {
    encode_key(tag, WireType::ThirtyTwoBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
