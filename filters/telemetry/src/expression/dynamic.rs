//! Values of metadata and filter state, whose kind is inferred from their bytes.

use std::collections::BTreeMap;

use super::value::Value;

impl Value {
    /// Decodes a value of metadata or filter state.
    #[must_use]
    pub fn from_host(bytes: Vec<u8>) -> Self {
        read(bytes)
    }
}

/// Decodes a value of metadata or filter state as Envoy encodes it: a text, a boolean in one byte,
/// a double in eight bytes, or pairs of texts for a list or a map.
///
/// Bytes that are valid UTF-8 without control characters are a text. The bytes of a whole double
/// end in zeros, and those of almost all others are not UTF-8 or contain control characters. Pairs
/// start with a count, which contains zeros.
pub(super) fn read(bytes: Vec<u8>) -> Value {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    if !bytes.iter().any(is_control) && str::from_utf8(&bytes).is_ok() {
        return Value::Text(bytes);
    }
    if let [flag @ (0 | 1)] = bytes.as_slice() {
        return Value::Bool(*flag == 1);
    }
    if let Ok(double) = <[u8; 8]>::try_from(bytes.as_slice()) {
        return Value::Double(f64::from_le_bytes(double));
    }
    pairs(&bytes).unwrap_or(Value::Text(bytes))
}

/// Decodes pairs of texts: their count, the sizes of each pair, then each text followed by a zero
/// byte.
///
/// The elements of a list are pairs with an empty second text.
fn pairs(bytes: &[u8]) -> Option<Value> {
    let (count, rest) = number(bytes)?;
    let (mut sizes, mut texts) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut found = BTreeMap::new();
    let mut names = Vec::new();
    while !sizes.is_empty() {
        let (name_size, after) = number(sizes)?;
        let (value_size, after) = number(after)?;
        sizes = after;
        let (name, after) = text(texts, name_size)?;
        let (value, after) = text(after, value_size)?;
        texts = after;
        names.push(Value::Text(name.to_vec()));
        found.insert(name.to_vec(), Value::Text(value.to_vec()));
    }
    let is_list = found.values().all(|value| *value == Value::Text(Vec::new()));
    texts.is_empty().then_some(if is_list { Value::List(names) } else { Value::Map(found) })
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn text(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(size)?;
    Some((text, rest.split_first()?.1))
}
