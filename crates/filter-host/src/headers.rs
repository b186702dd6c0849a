//! Header maps of the stream.

use filter_core::{HeaderEdits, Headers};

pub use crate::hostcalls::Map;
use crate::hostcalls::{self, HostError, Result};

/// Reads a header; `None` if it is absent.
///
/// If the header occurs several times, the proxy joins the values of list headers (including
/// `authorization`), and otherwise returns the first one; [`named`] returns all values.
///
/// # Errors
///
/// Fails if the map is not available in this phase.
pub fn value(map: Map, name: &str) -> Result<Option<Vec<u8>>> {
    present(hostcalls::header(map, name))
}

/// Reads all headers of a map, in the proxy's order.
///
/// # Errors
///
/// Fails if the map is not available in this phase, or its encoding is invalid.
pub fn all(map: Map) -> Result<Headers> {
    named(map, |_| true)
}

/// Reads all values of the headers whose names are `wanted`, in the proxy's order.
///
/// Copies the whole map in one host call, which is not more expensive than reading a single value.
///
/// # Errors
///
/// Fails like [`all`].
pub fn named(map: Map, wanted: impl Fn(&[u8]) -> bool) -> Result<Headers> {
    let bytes = hostcalls::header_pairs(map)?;
    decode(&bytes, wanted).ok_or(HostError::SerializationFailure)
}

/// Sets a header and replaces all its values.
///
/// # Errors
///
/// Fails if the map is not available in this phase.
pub fn set(map: Map, name: &str, value: &[u8]) -> Result<()> {
    hostcalls::set_header(map, name, value)
}

/// Adds a value of a header.
///
/// # Errors
///
/// Fails like [`set`].
pub fn add(map: Map, name: &str, value: &[u8]) -> Result<()> {
    hostcalls::add_header(map, name, value)
}

/// Removes all values of a header, if there are any.
///
/// # Errors
///
/// Fails as [`set`] does.
pub fn remove(map: Map, name: &str) -> Result<()> {
    match hostcalls::remove_header(map, name) {
        Err(HostError::NotFound) => Ok(()),
        result => result,
    }
}

/// Applies edits in the order `remove`, `set`, `add`.
///
/// # Errors
///
/// Stops at the first edit that the proxy refuses.
pub fn apply(map: Map, edits: &HeaderEdits) -> Result<()> {
    for name in &edits.remove {
        remove(map, name.as_str())?;
    }
    for (name, value) in &edits.set {
        set(map, name.as_str(), value)?;
    }
    for (name, value) in &edits.add {
        add(map, name.as_str(), value)?;
    }
    Ok(())
}

fn present(result: Result<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(HostError::NotFound | HostError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Decodes a map: the number of pairs, the sizes of each pair, then each text with a zero byte.
fn decode(bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<Headers> {
    if bytes.is_empty() {
        return Some(Headers::default());
    }
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (sizes, mut texts) = rest.split_at_checked(size(count)?.checked_mul(8)?)?;
    let mut found = Headers::default();
    for [a, b, c, d, e, f, g, h] in sizes.as_chunks::<8>().0 {
        let (name, after) = text(texts, size(&[*a, *b, *c, *d])?)?;
        let (value, after) = text(after, size(&[*e, *f, *g, *h])?)?;
        texts = after;
        if wanted(name) {
            found.push(name, value);
        }
    }
    Some(found)
}

fn size(bytes: &[u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn text(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(size)?;
    Some((text, rest.split_first()?.1))
}

/// Encodes header pairs as [`decode`] reads them.
pub(crate) fn encode<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut encoded = Vec::with_capacity(256);
    let count = u32::try_from(pairs.clone().count()).unwrap_or(u32::MAX);
    encoded.extend_from_slice(&count.to_le_bytes());
    for (name, value) in pairs.clone() {
        encoded.extend_from_slice(&size(name));
        encoded.extend_from_slice(&size(value));
    }
    for (name, value) in pairs {
        for text in [name, value] {
            encoded.extend_from_slice(text);
            encoded.push(0);
        }
    }
    encoded
}
