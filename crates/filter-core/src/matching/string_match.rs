//! Conditions on a text.

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
/// Written as Istio's `StringMatch` (`exact`, `prefix`, `regex`) or with `suffix`, `contains`,
/// `in: [..]`, `present: true`, `range: {from, to}`, `semver: ">=2.1, <3"` or `cidr: [..]`. Exactly
/// one of them; `ignoreCase: true` may accompany those that compare text, and ignores the case of
///
/// - `regex` is RE2 syntax without Unicode classes (`\p{..}`), matches the whole value in linear
///   time, and has at most 1,024 bytes. `\d`, `\w`, `\s` and `\b` know ASCII only, as in RE2.
/// - `range` matches decimal numbers (`-1.5`); `from` is inclusive and `to` exclusive.
/// - `semver` matches versions of one to three numbers with an optional `v`; a pre-release matches
///   only a range that names a pre-release of the same version.
/// - `cidr` matches IP addresses.
///
/// Texts are compared byte by byte, and values need not be UTF-8: for an expression, each byte
/// sequence that is not UTF-8 is one character that equals no other. The answer of `range`,
/// `semver` and `cidr` on a value that they cannot parse is unsure.
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
    /// If `true`, every text of the operator is in lower case.
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
    /// Creates the condition that a value equals `text`.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self { operator: Operator::Exact(text.into()), ignore_case: false }
    }

    /// Creates the condition that a value is present.
    #[must_use]
    pub const fn present() -> Self {
        Self { operator: Operator::Present, ignore_case: false }
    }

    /// Returns the texts one of which a value must equal, byte for byte; `None` for other conditions.
    ///
    /// Such a condition can be indexed by value.
    #[must_use]
    pub fn exact_texts(&self) -> Option<&[String]> {
        match &self.operator {
            _ if self.ignore_case => None,
            Operator::Exact(text) => Some(std::slice::from_ref(text)),
            Operator::In(texts) => Some(texts),
            _ => None,
        }
    }

    /// Returns `true` if any value matches, even if it is not text.
    pub(crate) const fn is_present(&self) -> bool {
        matches!(self.operator, Operator::Present)
    }

    /// Returns `true` if this is a regular expression.
    pub(crate) const fn is_regex(&self) -> bool {
        matches!(self.operator, Operator::Regex(_))
    }

    /// Returns the required prefix of a value; `None` for other conditions.
    pub(crate) fn exact_prefix(&self) -> Option<&str> {
        match &self.operator {
            Operator::Prefix(text) if !self.ignore_case => Some(text),
            _ => None,
        }
    }

    /// Returns `true` if a value surely satisfies the condition; `None` is an absent value.
    #[must_use]
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        value.is_some_and(|value| self.answer(value).is_yes())
    }

    /// Returns the answer for a value.
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
            _ => Some(self.compares(value)),
        };
        read.map_or(Answer::Unsure, Answer::from)
    }

    fn compares(&self, value: &[u8]) -> bool {
        let same = |text: &str, value: &[u8]| match self.ignore_case {
            true => value.eq_ignore_ascii_case(text.as_bytes()),
            false => value == text.as_bytes(),
        };
        match &self.operator {
            Operator::Exact(text) => same(text, value),
            Operator::Prefix(text) => {
                value.get(..text.len()).is_some_and(|start| same(text, start))
            }
            Operator::Suffix(text) => {
                let start = value.len().checked_sub(text.len());
                start.and_then(|start| value.get(start..)).is_some_and(|end| same(text, end))
            }
            Operator::Contains(text) if self.ignore_case => {
                contains(&value.to_ascii_lowercase(), text)
            }
            Operator::Contains(text) => contains(value, text),
            Operator::In(texts) => texts.iter().any(|text| same(text, value)),
            _ => false,
        }
    }

    /// Returns the same condition, ignoring the case of ASCII letters if it compares text.
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
            _ => return self,
        }
        self.ignore_case = true;
        self
    }
}

/// Returns `true` if a value contains `part`, which is UTF-8 and so only occurs in valid chunks.
fn contains(value: &[u8], part: &str) -> bool {
    value.utf8_chunks().any(|chunk| chunk.valid().contains(part))
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests;
