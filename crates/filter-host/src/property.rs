//! Properties of the stream (Envoy attributes).

use crate::{
    host_error::{HostError, Result},
    published, sys,
};

/// Reads an attribute, for example `["source", "address"]`; `None` if it is absent.
///
/// The value is in the encoding of the proxy: text unchanged, numbers as eight bytes,
/// little-endian.
///
/// # Errors
///
/// Fails if the proxy cannot encode the attribute.
pub fn read(path: &[&str]) -> Result<Option<Vec<u8>>> {
    if let [name] = path
        && let Some(value) = published::read(name)
    {
        return Ok(Some(value.to_vec()));
    }
    match sys::property(&encode(path)) {
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

/// Writes a property, which the proxy stores in filter state as `wasm.<path>`.
///
/// # Errors
///
/// Fails if the proxy refuses the path.
pub fn write(path: &[&str], value: &[u8]) -> Result<()> {
    sys::set_property(&encode(path), value)
}

fn encode(path: &[&str]) -> Vec<u8> {
    path.join("\0").into_bytes()
}
