//! Implications between conditions.

use super::{Operator, StringMatch};

impl StringMatch {
    /// Returns `true` if every value that satisfies this condition also satisfies `other`.
    ///
    /// Some implications are not found: regular expressions are not compared.
    #[must_use]
    pub(crate) fn implies(&self, other: &Self) -> bool {
        if self == other || matches!(other.operator, Operator::Present) {
            return true;
        }
        // A text that ignores case has values that the other condition distinguishes.
        if self.ignore_case && !other.ignore_case {
            return false;
        }
        let lower = |text: &str| {
            if other.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() }
        };
        match (&self.operator, &other.operator) {
            (Operator::Exact(text), _) => other.matches(Some(text.as_bytes())),
            (Operator::In(texts), _) => {
                texts.iter().all(|text| other.matches(Some(text.as_bytes())))
            }
            (Operator::Prefix(long), Operator::Prefix(short)) => {
                lower(long).starts_with(short.as_str())
            }
            (Operator::Suffix(long), Operator::Suffix(short)) => {
                lower(long).ends_with(short.as_str())
            }
            (
                Operator::Prefix(long) | Operator::Suffix(long) | Operator::Contains(long),
                Operator::Contains(short),
            ) => lower(long).contains(short.as_str()),
            (Operator::Range(inner), Operator::Range(outer)) => {
                outer.from <= inner.from && inner.to <= outer.to
            }
            (Operator::Cidr(inner), Operator::Cidr(outer)) => {
                inner.iter().all(|range| outer.iter().any(|wide| wide.covers(range)))
            }
            _ => false,
        }
    }
}
