//! Regular expressions.

use regex_lite::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A regular expression that must match a whole text; matching takes linear time.
///
/// Uses `regex-lite`, which adds 96 kB to a module where `regex` adds 404 kB. Its classes are ASCII
/// only, as in RE2.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(
    inline,
    with = "String",
    extend("minLength" = 1, "maxLength" = MAX_LEN, "examples" = ["v[0-9]+", "(?i)mobile.*"])
)]
pub(super) struct Pattern {
    source: String,
    regex: Regex,
    ignore_case: bool,
}

/// Maximum length of an expression, in bytes.
const MAX_LEN: usize = 1024;

/// Maximum size of a compiled expression, in bytes.
const MAX_SIZE: usize = 1 << 20;

impl Pattern {
    fn compile(source: &str, ignore_case: bool) -> Result<Self, regex_lite::Error> {
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(ignore_case)
                .size_limit(MAX_SIZE)
                .nest_limit(64)
                .build()
        };
        // Compile it alone first: `a)|(b` must not become valid inside the parentheses below.
        build(source)?;
        let regex = build(&format!(r"\A(?:{source})\z"))?;
        Ok(Self { source: source.to_owned(), regex, ignore_case })
    }

    /// Returns `true` for `*`, which is not a regular expression but tests for presence in Istio.
    pub(super) fn is_star(&self) -> bool {
        self.source == "*"
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Compiles the expression again without case; the limits still suffice.
    pub(super) fn ignoring_case(&self) -> Self {
        Self::compile(&self.source, true).unwrap_or_else(|_| self.clone())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.ignore_case == other.ignore_case
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let Some(source) = value.as_str().filter(|source| (1..=MAX_LEN).contains(&source.len()))
        else {
            return Err(D::Error::custom(format_args!(
                "must be a regular expression of 1 to {MAX_LEN} bytes, {}",
                Shown(&value)
            )));
        };
        let pattern = if source == "*" { ".*" } else { source };
        let compiled = Self::compile(pattern, false);
        // The engine's message can have several lines.
        compiled.map(|pattern| Self { source: source.to_owned(), ..pattern }).map_err(|error| {
            let reason = error.to_string().replace('\n', " ");
            D::Error::custom(format_args!(
                "must be a regular expression in RE2 syntax ({reason}), {}",
                Shown(&value)
            ))
        })
    }
}
