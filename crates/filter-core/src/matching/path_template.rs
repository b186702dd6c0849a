//! Path templates with variables and wildcards.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

mod trie;

pub use crate::matching::path_template::trie::PathTrie;

/// A path with variable segments, as in Istio's AuthorizationPolicy and Envoy's `uri_template`.
///
/// `{x}` and `{*}` match one non-empty segment. `{x=**}` and `{**}` match one or more segments,
/// which may be empty: `/files/{rest=**}` matches `/files/` and `/files/a/b`, but not `/files`. A
/// template can have one `**`, followed only by literal segments. At most 1,024 bytes and 64
/// segments.
///
/// ```
/// use filter_core::PathTemplate;
///
/// let template: PathTemplate = "/orders/{id}/files/{rest=**}".parse()?;
/// let captures = template.captures(b"/orders/7/files/a/b").unwrap();
/// assert_eq!(captures, [("id", &b"7"[..]), ("rest", b"a/b")]);
/// # Ok::<(), filter_core::InvalidPathTemplate>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "path template, such as /orders/{id} or /files/{rest=**}",
    extend(
        "maxLength" = MAX_LEN,
        "pattern" = r"^/[^?# \\]*$",
        "examples" = ["/orders/{id}", "/files/{rest=**}"]
    )
)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Segment {
    Literal(String),
    /// One segment, with the name of the variable if it has one.
    One(Option<String>),
    /// One or more segments, with the name of the variable if they have one.
    Rest(Option<String>),
}

/// Error for a text that is not a path template.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPathTemplate {
    /// It has a different syntax.
    #[error("must be a path template such as /orders/{{id}} or /files/{{rest=**}}")]
    Syntax,
    /// A variable is only a part of a segment.
    #[error("must have a whole segment in braces, such as /{{id}}/")]
    PartialSegment,
    /// A star is not in braces.
    #[error("must have {{*}} for one segment and {{**}} for the rest, not a bare *")]
    BareStar,
    /// Two variables have the same name.
    #[error("must have unique names")]
    DuplicateName,
    /// There is a variable or wildcard after `{**}`.
    #[error("must have only literal segments after {{**}}")]
    WildcardAfterRest,
    /// It is too long.
    #[error("must have at most 1024 bytes and 64 segments")]
    TooLong,
}

const MAX_LEN: usize = 1024;
const MAX_SEGMENTS: usize = 64;

impl PathTemplate {
    /// Returns the template as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the names of the variables, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// Matches a path and returns the values of its variables; `None` if it does not match.
    #[must_use]
    pub fn captures<'a>(&'a self, path: &'a [u8]) -> Option<Vec<(&'a str, &'a [u8])>> {
        let mut rest = path;
        let mut captures = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            rest = rest.strip_prefix(b"/")?;
            let taken = match segment {
                Segment::Rest(_) => self.rest_len(rest, index)?,
                Segment::Literal(_) | Segment::One(_) => {
                    rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len())
                }
            };
            let (found, after) = rest.split_at_checked(taken)?;
            if !segment.fits(found) {
                return None;
            }
            captures.extend(segment.name().map(|name| (name, found)));
            rest = after;
        }
        rest.is_empty().then_some(captures)
    }

    /// Returns the length of the part that `**` at `index` matches, so that the segments after it
    /// still match.
    fn rest_len(&self, path: &[u8], index: usize) -> Option<usize> {
        let after = self.segments.iter().skip(index.saturating_add(1));
        let suffix: usize = after.map(|segment| segment.literal().len().saturating_add(1)).sum();
        path.len().checked_sub(suffix)
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::One(name) | Self::Rest(name) => name.as_deref(),
        }
    }

    fn literal(&self) -> &str {
        if let Self::Literal(text) = self { text } else { "" }
    }

    fn fits(&self, found: &[u8]) -> bool {
        match self {
            Self::Literal(text) => text.as_bytes() == found,
            Self::One(_) => !found.is_empty(),
            Self::Rest(_) => true,
        }
    }
}

impl FromStr for PathTemplate {
    type Err = InvalidPathTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidPathTemplate> {
        if text.len() > MAX_LEN {
            return Err(InvalidPathTemplate::TooLong);
        }
        let path = text.strip_prefix('/').ok_or(InvalidPathTemplate::Syntax)?;
        let segments: Vec<_> = path.split('/').map(segment).collect::<Result<_, _>>()?;
        check(&segments)?;
        Ok(Self { text: text.to_owned(), segments })
    }
}

fn segment(text: &str) -> Result<Segment, InvalidPathTemplate> {
    let Some(variable) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return literal(text);
    };
    match variable {
        "*" => return Ok(Segment::One(None)),
        "**" => return Ok(Segment::Rest(None)),
        _ => {}
    }
    let (name, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let named = begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match pattern {
        "*" if named => Ok(Segment::One(Some(name.to_owned()))),
        "**" if named => Ok(Segment::Rest(Some(name.to_owned()))),
        _ => Err(InvalidPathTemplate::Syntax),
    }
}

fn literal(text: &str) -> Result<Segment, InvalidPathTemplate> {
    if text.contains(['{', '}']) {
        return Err(InvalidPathTemplate::PartialSegment);
    }
    if text.contains('*') {
        return Err(InvalidPathTemplate::BareStar);
    }
    if text.contains(|c: char| c.is_control() || matches!(c, ' ' | '?' | '#' | '\\')) {
        return Err(InvalidPathTemplate::Syntax);
    }
    Ok(Segment::Literal(text.to_owned()))
}

fn check(segments: &[Segment]) -> Result<(), InvalidPathTemplate> {
    if segments.len() > MAX_SEGMENTS {
        return Err(InvalidPathTemplate::TooLong);
    }
    let mut names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() != count {
        return Err(InvalidPathTemplate::DuplicateName);
    }
    let mut after = segments.iter().skip_while(|segment| !matches!(segment, Segment::Rest(_)));
    after.next();
    if after.all(|segment| matches!(segment, Segment::Literal(_))) {
        Ok(())
    } else {
        Err(InvalidPathTemplate::WildcardAfterRest)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PathTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let template = value.as_str().ok_or(InvalidPathTemplate::Syntax).and_then(str::parse);
        template.map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}

#[cfg(test)]
mod tests;
