//! A Protobuf encoder.
//!
//! A message is encoded before its size is known and moved if the size needs more than one byte.
//! Most messages are short, so this is cheaper than computing sizes in advance.

use prost::encoding::{WireType, encode_key, encode_varint};

/// Writes a string, bytes, or an encoded message.
pub(super) fn bytes(tag: u32, content: &[u8], out: &mut Vec<u8>) {
    open(tag, content.len(), out);
    out.extend_from_slice(content);
}

/// Writes the key and length of a field of `size` bytes.
pub(super) fn open(tag: u32, size: usize, out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(wide(size), out);
}

/// Writes a message with the output of `fields`.
pub(super) fn message(tag: u32, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    encode_key(tag, WireType::LengthDelimited, out);
    let start = out.len();
    out.push(0);
    fields(out);
    let size = out.len().saturating_sub(start).saturating_sub(1);
    match (u8::try_from(size), out.get_mut(start)) {
        (Ok(size), Some(byte)) if size < 0x80 => *byte = size,
        _ => {
            let mut varint = Vec::with_capacity(5);
            encode_varint(wide(size), &mut varint);
            out.splice(start..=start, varint);
        }
    }
}

/// Writes an unsigned integer, a boolean, or an enumeration.
pub(super) fn varint(tag: u32, number: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, out);
    encode_varint(number, out);
}

/// Writes a field of eight bytes.
pub(super) fn fixed64(tag: u32, bits: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::SixtyFourBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Writes a field of four bytes.
pub(super) fn fixed32(tag: u32, bits: u32, out: &mut Vec<u8>) {
    encode_key(tag, WireType::ThirtyTwoBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
