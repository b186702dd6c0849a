//! Keeping a record small.

use super::{FieldValue, line};

/// The longest line, in bytes.
pub(super) const MAX_LEN: usize = 8_192;

/// What a line that was cut says at its end.
const TRUNCATED: &str = "truncated";

/// Cuts the longest texts until the fields fit into one line, and says so.
pub(super) fn to_fit(fields: &mut Vec<(&str, FieldValue)>) {
    // A text that alone is too long need not be measured to its end.
    let mut is_cut = false;
    for (_, value) in fields.iter_mut() {
        is_cut |= cut(value, MAX_LEN);
    }
    if !is_cut && size(fields) <= MAX_LEN {
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
        cut(value, fits);
    }
}

fn cut(value: &mut FieldValue, longest: usize) -> bool {
    let FieldValue::Text(text) = value else { return false };
    let is_long = text.len() > longest;
    if is_long {
        text.truncate(text.floor_char_boundary(longest));
    }
    is_long
}

fn size(fields: &[(&str, FieldValue)]) -> usize {
    total(fields.iter().map(|(name, value)| size_of(name, value, MAX_LEN)))
}

/// Sums up the members, their commas and the braces around them.
fn total(members: impl Iterator<Item = usize>) -> usize {
    members.fold(2, |sum, member| sum.saturating_add(member).saturating_add(1))
}

/// Returns how long a member is, whose text is cut.
fn size_of(name: &str, value: &FieldValue, longest: usize) -> usize {
    let value = match value {
        FieldValue::Text(text) => {
            let text = text.get(..text.floor_char_boundary(longest)).unwrap_or(text);
            text.chars().map(line::size).fold(2, usize::saturating_add)
        }
        // The longest number has fewer digits.
        _ => 26,
    };
    name.len().saturating_add(3).saturating_add(value)
}
