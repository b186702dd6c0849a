//! The configuration of a condition on text.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Operator, StringMatch,
    number_range::{Bounds, NumberRange},
    pattern::Pattern,
    version_range::VersionRange,
};
use crate::{IpRange, config::schema::at_most_one};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {exact: x}")]
pub(super) struct Document {
    /// Text to which the value is equal.
    exact: Option<String>,
    /// Text with which the value begins.
    #[schemars(length(min = 1))]
    prefix: Option<String>,
    /// Text with which the value ends.
    #[schemars(length(min = 1))]
    suffix: Option<String>,
    /// Text that the value contains.
    #[schemars(length(min = 1))]
    contains: Option<String>,
    /// Regular expression in RE2 syntax that matches the whole value; at most 1,024 bytes.
    regex: Option<Pattern>,
    /// Texts to one of which the value is equal; at most 1,024.
    #[schemars(length(min = 1, max = MAX_ENTRIES))]
    r#in: Option<Vec<String>>,
    /// `true` matches any value; to require absence, use `not` or `withoutHeaders`.
    #[schemars(extend("enum" = [true, null]))]
    present: Option<bool>,
    /// Range of a decimal number, including `from` and excluding `to`.
    range: Option<Bounds>,
    /// Range of a version (`>=2.1, <3`), in the syntax of Cargo.
    semver: Option<VersionRange>,
    /// Ranges of IP addresses, one of which contains the value; at most 1,024.
    #[schemars(length(min = 1, max = MAX_ENTRIES))]
    cidr: Option<Vec<IpRange>>,
    /// Ignores the case of ASCII letters. Default: `false`.
    #[serde(default)]
    ignore_case: bool,
}

/// The operators, of which a condition has exactly one.
pub(super) const OPERATORS: [&str; 10] =
    ["exact", "prefix", "suffix", "contains", "regex", "in", "present", "range", "semver", "cidr"];

/// Error for fields that are not a condition on text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidStringMatch {
    /// The operator is missing.
    #[error(
        "must have one of exact, prefix, suffix, contains, regex, in, present, range, semver, cidr"
    )]
    NoOperator,
    /// There are several operators, with these names.
    #[error("must have one operator, got {0}: use several entries for OR, all for AND")]
    SeveralOperators(String),
    /// The text or list of this operator is empty.
    #[error("must not have an empty {0}: use present to ask for any value")]
    Empty(&'static str),
    /// `present: false`.
    #[error("must have present: true: use not or withoutHeaders to ask for absence")]
    NotPresent,
    /// `regex: "*"`, which tests for presence in Istio, for a value that is always present.
    #[error(
        "must be a regular expression in RE2 syntax, got \"*\": use present to ask for any value"
    )]
    Star,
    /// A range contains no numbers.
    #[error("must have a range with from or to, and from below to")]
    EmptyRange,
    /// `ignoreCase` is given with this operator, which does not compare letters.
    #[error("must not have ignoreCase with {0}, which compares no letters")]
    CaseOf(&'static str),
    /// The list of this operator is too long.
    #[error("must have at most 1024 entries in {0}")]
    TooMany(&'static str),
}

const MAX_ENTRIES: usize = 1024;

/// A condition on a header, parameter or cookie, where `{}` and `regex: "*"` match any value, as in
/// Istio.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Document")]
#[schemars(
    with = "Document",
    transform = at_most_one(&OPERATORS),
    extend("examples" = [{"exact": "premium"}, {"prefix": "beta-"}, {}])
)]
pub(crate) struct ValueMatch(pub(crate) StringMatch);

impl TryFrom<Document> for ValueMatch {
    type Error = InvalidStringMatch;

    fn try_from(document: Document) -> Result<Self, InvalidStringMatch> {
        match document.try_into() {
            Err(InvalidStringMatch::NoOperator | InvalidStringMatch::Star) => {
                Ok(Self(StringMatch::present()))
            }
            condition => condition.map(Self),
        }
    }
}

impl TryFrom<Document> for StringMatch {
    type Error = InvalidStringMatch;

    fn try_from(document: Document) -> Result<Self, InvalidStringMatch> {
        let ignore_case = document.ignore_case;
        let mut operators = document.operators()?;
        let (name, operator) = match (operators.pop(), operators.is_empty()) {
            (None, _) => return Err(InvalidStringMatch::NoOperator),
            (Some(only), true) => only,
            (Some(last), false) => {
                let names: Vec<_> = operators.iter().map(|(name, _)| *name).collect();
                let names = format!("{} and {}", names.join(", "), last.0);
                return Err(InvalidStringMatch::SeveralOperators(names));
            }
        };
        let condition = Self { operator, ignore_case: false };
        if !ignore_case {
            return Ok(condition);
        }
        let condition = condition.ignoring_case();
        if condition.ignore_case { Ok(condition) } else { Err(InvalidStringMatch::CaseOf(name)) }
    }
}

impl Document {
    fn operators(self) -> Result<Vec<(&'static str, Operator)>, InvalidStringMatch> {
        let operators = [
            self.exact.map(|text| Ok(("exact", Operator::Exact(text)))),
            self.prefix.map(|text| non_empty_text("prefix", text, Operator::Prefix)),
            self.suffix.map(|text| non_empty_text("suffix", text, Operator::Suffix)),
            self.contains.map(|text| non_empty_text("contains", text, Operator::Contains)),
            self.regex.map(regex),
            self.r#in.map(|texts| list_of("in", texts, Operator::In)),
            self.present.map(present),
            self.range.map(range),
            self.semver.map(|range| Ok(("semver", Operator::Semver(range)))),
            self.cidr.map(|ranges| list_of("cidr", ranges, Operator::Cidr)),
        ];
        operators.into_iter().flatten().collect()
    }
}

type NamedOperator = Result<(&'static str, Operator), InvalidStringMatch>;

fn non_empty_text(
    name: &'static str,
    text: String,
    operator: fn(String) -> Operator,
) -> NamedOperator {
    if text.is_empty() { Err(InvalidStringMatch::Empty(name)) } else { Ok((name, operator(text))) }
}

fn list_of<T>(name: &'static str, list: Vec<T>, operator: fn(Vec<T>) -> Operator) -> NamedOperator {
    match list.len() {
        0 => Err(InvalidStringMatch::Empty(name)),
        1..=MAX_ENTRIES => Ok((name, operator(list))),
        _ => Err(InvalidStringMatch::TooMany(name)),
    }
}

fn regex(pattern: Pattern) -> NamedOperator {
    if pattern.is_star() {
        Err(InvalidStringMatch::Star)
    } else {
        Ok(("regex", Operator::Regex(pattern)))
    }
}

fn present(present: bool) -> NamedOperator {
    if present { Ok(("present", Operator::Present)) } else { Err(InvalidStringMatch::NotPresent) }
}

fn range(bounds: Bounds) -> NamedOperator {
    let range = NumberRange::new(&bounds).ok_or(InvalidStringMatch::EmptyRange)?;
    Ok(("range", Operator::Range(range)))
}
