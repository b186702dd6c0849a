//! Values of which only the bytes tell what they are.

use std::collections::BTreeMap;

use super::value::Value;

impl Value {
    /// Reads a value of metadata or filter state, whose kind only its bytes tell.
    #[must_use]
    pub fn from_host(bytes: Vec<u8>) -> Self {
        read(bytes)
    }
}

/// Reads a value of metadata or filter state as the proxy writes it: text, a bool in one byte, a
/// double in eight, or pairs of text for a list or a map.
///
/// Eight bytes that no text would have are a double: those of a whole number end in zeros, and
/// almost all others are no UTF-8 or hold control characters. Pairs begin with a number that holds
/// zeros, too.
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

/// Reads pairs of text: a count, the sizes of each pair, then each text and a zero byte.
///
/// The elements of a list have nothing behind them.
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
