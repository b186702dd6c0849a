//! Truncates records to the maximum line length.

use super::{FieldValue, line};

/// Maximum length of a line in bytes.
pub(super) const MAX_LEN: usize = 8_192;

/// The name of the field that marks a truncated record.
const TRUNCATED: &str = "truncated";

/// Truncates the longest texts until the fields fit into one line, and marks the record.
pub(super) fn to_max_len(fields: &mut Vec<(&str, FieldValue)>) {
    // A text that exceeds the limit alone is not measured to its end.
    let mut is_truncated = false;
    for (_, value) in fields.iter_mut() {
        is_truncated |= truncate(value, MAX_LEN);
    }
    if !is_truncated && size(fields) <= MAX_LEN {
        return;
    }
    fields.push((TRUNCATED, FieldValue::Bool(true)));
    let (mut fits, mut exceeds) = (0_usize, MAX_LEN);
    while fits.saturating_add(1) < exceeds {
        let middle = usize::midpoint(fits, exceeds);
        let shorter = fields.iter().map(|(name, value)| size_of(name, value, middle));
        if total(shorter) <= MAX_LEN { fits = middle } else { exceeds = middle }
    }
    for (_, value) in fields.iter_mut() {
        truncate(value, fits);
    }
}

fn truncate(value: &mut FieldValue, max_len: usize) -> bool {
    let FieldValue::Text(text) = value else { return false };
    let is_long = text.len() > max_len;
    if is_long {
        text.truncate(text.floor_char_boundary(max_len));
    }
    is_long
}

fn size(fields: &[(&str, FieldValue)]) -> usize {
    total(fields.iter().map(|(name, value)| size_of(name, value, MAX_LEN)))
}

/// Returns the length of an object with these members, with commas and braces.
fn total(members: impl Iterator<Item = usize>) -> usize {
    members.fold(2, |sum, member| sum.saturating_add(member).saturating_add(1))
}

/// Returns the length of a member whose text is truncated to `max_len`.
fn size_of(name: &str, value: &FieldValue, max_len: usize) -> usize {
    let value = match value {
        FieldValue::Text(text) => {
            let text = text.get(..text.floor_char_boundary(max_len)).unwrap_or(text);
            text.chars().map(line::size).fold(2, usize::saturating_add)
        }
        // An upper bound for numbers and booleans.
        FieldValue::Int(_) | FieldValue::Double(_) | FieldValue::Bool(_) => 26,
    };
    name.len().saturating_add(3).saturating_add(value)
}
