//! Attributes of the stream, by their path.

use crate::hostcalls::{self, HostError, Result};

/// Reads an attribute, for example `["source", "address"]`; `None` when there is none.
///
/// The value is in the proxy's own form: text as it is, numbers as eight bytes, little-endian.
///
/// # Errors
///
/// Fails when the proxy cannot write the attribute out.
pub fn read(path: &[&str]) -> Result<Option<Vec<u8>>> {
    match hostcalls::property(&encode(path)) {
        Ok(value) => Ok(Some(value)),
        Err(HostError::NotFound | HostError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a numeric attribute; `None` if it is absent or not a number.
#[must_use]
pub fn number(path: &[&str]) -> Option<u64> {
    let bytes = read(path).ok().flatten()?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Writes an attribute of our own, which the proxy keeps in filter state as `wasm.<path>`.
///
/// # Errors
///
/// Fails when the proxy refuses the path.
pub fn write(path: &[&str], value: &[u8]) -> Result<()> {
    hostcalls::set_property(&encode(path), value)
}

fn encode(path: &[&str]) -> Vec<u8> {
    path.join("\0").into_bytes()
}
