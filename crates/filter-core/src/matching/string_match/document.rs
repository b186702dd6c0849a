//! A text condition as written in the configuration.

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
    /// Text that the value must equal.
    exact: Option<String>,
    /// Text that the value must begin with.
    #[schemars(length(min = 1))]
    prefix: Option<String>,
    /// Text that the value must end with.
    #[schemars(length(min = 1))]
    suffix: Option<String>,
    /// Text that the value must contain.
    #[schemars(length(min = 1))]
    contains: Option<String>,
    /// Regular expression in RE2 syntax that the whole value must match.
    regex: Option<Pattern>,
    /// Texts one of which the value must equal.
    #[schemars(length(min = 1, max = MAX))]
    r#in: Option<Vec<String>>,
    /// `true` matches any value. To require absence, use `not` or `withoutHeaders`.
    #[schemars(extend("enum" = [true, null]))]
    present: Option<bool>,
    /// Range that the value must be in, as a decimal number; `from` is inclusive, `to` exclusive.
    range: Option<Bounds>,
    /// Version range that the value must be in, such as `>=2.1, <3`.
    semver: Option<VersionRange>,
    /// Address ranges (CIDR) one of which must contain the value.
    #[schemars(length(min = 1, max = MAX))]
    cidr: Option<Vec<IpRange>>,
    /// Ignores the case of ASCII letters. Default: `false`.
    #[serde(default)]
    ignore_case: bool,
}

/// Operators, one of which a condition has.
pub(super) const OPERATORS: [&str; 10] =
    ["exact", "prefix", "suffix", "contains", "regex", "in", "present", "range", "semver", "cidr"];

/// Invalid fields of a text condition.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidStringMatch {
    /// There is no operator.
    #[error(
        "must have one of exact, prefix, suffix, contains, regex, in, present, range, semver, cidr"
    )]
    NoOperator,
    /// There are several operators: these.
    #[error("must have one operator, got {0}: use several entries for OR, all for AND")]
    SeveralOperators(String),
    /// An operator is empty.
    #[error("must not have an empty {0}: use present to ask for any value")]
    Empty(&'static str),
    /// `present: false`.
    #[error("must have present: true: use not or withoutHeaders to ask for absence")]
    NotPresent,
    /// `regex: "*"`, which means presence in Istio, for a value that is always present.
    #[error(
        "must be a regular expression in RE2 syntax, got \"*\": use present to ask for any value"
    )]
    Star,
    /// A range is empty.
    #[error("must have a range with from or to, and from below to")]
    EmptyRange,
    /// `ignoreCase` accompanies an operator that does not compare letters.
    #[error("must not have ignoreCase with {0}, which compares no letters")]
    CaseOf(&'static str),
    /// A list is too long.
    #[error("must have at most 1024 entries in {0}")]
    TooMany(&'static str),
}

const MAX: usize = 1024;

/// A condition in Istio's form for headers and parameters: `{}` and `regex: "*"` match any value.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Document")]
#[schemars(
    with = "Document",
    transform = at_most_one(&OPERATORS),
    extend("examples" = [{"exact": "premium"}, {}])
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
            self.prefix.map(|text| some("prefix", text, Operator::Prefix)),
            self.suffix.map(|text| some("suffix", text, Operator::Suffix)),
            self.contains.map(|text| some("contains", text, Operator::Contains)),
            self.regex.map(regex),
            self.r#in.map(|texts| several("in", texts, Operator::In)),
            self.present.map(present),
            self.range.map(range),
            self.semver.map(|range| Ok(("semver", Operator::Semver(range)))),
            self.cidr.map(|ranges| several("cidr", ranges, Operator::Cidr)),
        ];
        operators.into_iter().flatten().collect()
    }
}

type Named = Result<(&'static str, Operator), InvalidStringMatch>;

fn some(name: &'static str, text: String, operator: fn(String) -> Operator) -> Named {
    if text.is_empty() { Err(InvalidStringMatch::Empty(name)) } else { Ok((name, operator(text))) }
}

fn several<T>(name: &'static str, list: Vec<T>, operator: fn(Vec<T>) -> Operator) -> Named {
    match list.len() {
        0 => Err(InvalidStringMatch::Empty(name)),
        1..=MAX => Ok((name, operator(list))),
        _ => Err(InvalidStringMatch::TooMany(name)),
    }
}

fn regex(pattern: Pattern) -> Named {
    if pattern.is_star() {
        Err(InvalidStringMatch::Star)
    } else {
        Ok(("regex", Operator::Regex(pattern)))
    }
}

fn present(present: bool) -> Named {
    if present { Ok(("present", Operator::Present)) } else { Err(InvalidStringMatch::NotPresent) }
}

fn range(bounds: Bounds) -> Named {
    let range = NumberRange::new(&bounds).ok_or(InvalidStringMatch::EmptyRange)?;
    Ok(("range", Operator::Range(range)))
}
