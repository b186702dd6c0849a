//! Protobuf encoding and decoding without generated code.
//!
//! The encoder appends fields to a buffer. The decoder accepts any bytes, and copies none.

mod decode;
mod encode;
mod metadata;

pub use self::{
    decode::{Field, MalformedMessage, duration, fields, whole_fields},
    encode::{bytes, fixed32, fixed64, length, message, varint, varint_len},
    metadata::{MAX_SAFE_INTEGER, filter_metadata},
};
