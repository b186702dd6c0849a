//! Conditions on text.

use schemars::JsonSchema;
use serde::Deserialize;

mod document;
mod implication;
mod number_range;
mod pattern;
mod version_range;

pub use crate::matching::string_match::document::InvalidStringMatch;
pub(crate) use crate::matching::string_match::document::ValueMatch;
use crate::{
    Answer, IpRange,
    config::schema::exactly_one,
    matching::string_match::{
        document::{Document, OPERATORS},
        number_range::NumberRange,
        pattern::Pattern,
        version_range::VersionRange,
    },
};

/// Condition on the value of a header, parameter, claim or attribute.
///
/// Exactly one operator: `exact`, `prefix` or `regex`, as in Istio's `StringMatch`, or `suffix`,
/// `contains`, `in: [..]`, `present: true`, `range: {from, to}`, `semver: ">=2.1, <3"` or
/// `cidr: [..]`. Operators that compare text can be combined with `ignoreCase: true`, which ignores
/// the case of ASCII letters.
///
/// - `regex` has RE2 syntax without Unicode classes (`\p{..}`), must match the whole value, and has
///   at most 1,024 bytes. Matching takes linear time. `\d`, `\w`, `\s` and `\b` are ASCII only, as
///   in RE2.
/// - `range` matches a decimal number (`-1.5`), including `from` and excluding `to`.
/// - `semver` matches a version of one to three numbers, with an optional `v` before it. A
///   pre-release is matched only by a range that contains a pre-release of the same numbers.
/// - `cidr` matches an IP address.
///
/// Text is compared byte by byte. A value can contain invalid UTF-8: for a regular expression, each
/// invalid sequence is one character that differs from all others. A value that `range`, `semver`
/// or `cidr` cannot parse is unsure.
///
/// ```
/// use filter_core::StringMatch;
///
/// let condition: StringMatch = serde_json::from_str(r#"{"prefix": "/api/"}"#)?;
/// assert!(condition.matches(Some(b"/api/orders")));
/// assert!(!condition.matches(None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(try_from = "Document")]
#[schemars(
    with = "Document",
    transform = exactly_one(&OPERATORS),
    extend("examples" = [{"exact": "premium"}, {"prefix": "/api/"}, {"regex": "v[0-9]+"}])
)]
pub struct StringMatch {
    operator: Operator,
    /// If `true`, the texts of the operator are in lower case.
    ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Operator {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(Pattern),
    In(Vec<String>),
    Present,
    Range(NumberRange),
    Semver(VersionRange),
    Cidr(Vec<IpRange>),
}

impl StringMatch {
    /// Creates a condition for a value that is equal to `text`.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self { operator: Operator::Exact(text.into()), ignore_case: false }
    }

    /// Creates a condition for any value.
    #[must_use]
    pub const fn present() -> Self {
        Self { operator: Operator::Present, ignore_case: false }
    }

    /// Returns the texts to one of which a value must be equal; `None` for other conditions.
    ///
    /// Such conditions can be indexed.
    #[must_use]
    pub fn exact_texts(&self) -> Option<&[String]> {
        if self.ignore_case {
            return None;
        }
        match &self.operator {
            Operator::Exact(text) => Some(std::slice::from_ref(text)),
            Operator::In(texts) => Some(texts),
            Operator::Prefix(_)
            | Operator::Suffix(_)
            | Operator::Contains(_)
            | Operator::Regex(_)
            | Operator::Present
            | Operator::Range(_)
            | Operator::Semver(_)
            | Operator::Cidr(_) => None,
        }
    }

    /// Returns `true` if any value satisfies the condition.
    pub(crate) const fn is_present(&self) -> bool {
        matches!(self.operator, Operator::Present)
    }

    /// Returns `true` if this is a regular expression.
    pub(crate) const fn is_regex(&self) -> bool {
        matches!(self.operator, Operator::Regex(_))
    }

    /// Returns the prefix that a value must have; `None` for other conditions.
    pub(crate) fn exact_prefix(&self) -> Option<&str> {
        if let Operator::Prefix(text) = &self.operator
            && !self.ignore_case
        {
            return Some(text);
        }
        None
    }

    /// Returns `true` if a value surely satisfies the condition; `None` is an absent value.
    #[must_use]
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        value.is_some_and(|value| self.answer(value).is_yes())
    }

    /// Evaluates the condition for a value.
    #[must_use]
    pub fn answer(&self, value: &[u8]) -> Answer {
        let read = match &self.operator {
            Operator::Present => Some(true),
            Operator::Regex(pattern) => Some(pattern.matches(&String::from_utf8_lossy(value))),
            Operator::Range(range) => text(value).and_then(|text| range.contains(text)),
            Operator::Semver(range) => text(value).and_then(|text| range.contains(text)),
            Operator::Cidr(ranges) => text(value)
                .and_then(|text| text.parse().ok())
                .map(|address| ranges.iter().any(|range| range.contains(address))),
            Operator::Exact(text) => Some(self.equals(text, value)),
            Operator::In(texts) => Some(texts.iter().any(|text| self.equals(text, value))),
            Operator::Prefix(text) => Some(self.has_prefix(text, value)),
            Operator::Suffix(text) => Some(self.has_suffix(text, value)),
            Operator::Contains(text) if self.ignore_case => {
                Some(contains(&value.to_ascii_lowercase(), text))
            }
            Operator::Contains(text) => Some(contains(value, text)),
        };
        read.map_or(Answer::Unsure, Answer::from)
    }

    fn equals(&self, text: &str, value: &[u8]) -> bool {
        if self.ignore_case {
            value.eq_ignore_ascii_case(text.as_bytes())
        } else {
            value == text.as_bytes()
        }
    }

    fn has_prefix(&self, text: &str, value: &[u8]) -> bool {
        value.get(..text.len()).is_some_and(|start| self.equals(text, start))
    }

    fn has_suffix(&self, text: &str, value: &[u8]) -> bool {
        let start = value.len().checked_sub(text.len());
        start.and_then(|start| value.get(start..)).is_some_and(|end| self.equals(text, end))
    }

    /// Ignores the case of ASCII letters; no change if the condition does not compare text.
    #[must_use]
    pub fn ignoring_case(mut self) -> Self {
        let lower = |text: &mut String| text.make_ascii_lowercase();
        match &mut self.operator {
            Operator::Exact(text)
            | Operator::Prefix(text)
            | Operator::Suffix(text)
            | Operator::Contains(text) => lower(text),
            Operator::In(texts) => texts.iter_mut().for_each(lower),
            Operator::Regex(pattern) => *pattern = pattern.ignoring_case(),
            Operator::Present | Operator::Range(_) | Operator::Semver(_) | Operator::Cidr(_) => {
                return self;
            }
        }
        self.ignore_case = true;
        self
    }
}

/// Returns `true` if a value contains `part`, which can only occur in valid UTF-8 chunks.
fn contains(value: &[u8], part: &str) -> bool {
    value.utf8_chunks().any(|chunk| chunk.valid().contains(part))
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests;
