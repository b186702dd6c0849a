//! Locations of tokens in requests, and their removal.

use std::{borrow::Cow, fmt};

use filter_core::{HeaderName, Headers};

mod cookie;
mod header;
mod lookalike;
mod query;

pub(crate) use cookie::{is_cookie_name, without_cookies};
pub(crate) use header::without_tokens;
pub(crate) use query::without_parameters;

/// A location that may contain a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Location {
    /// A header whose value has an item that begins with `prefix`, in any case.
    Header { name: HeaderName, prefix: Box<str> },
    /// A query parameter.
    Parameter(Box<str>),
    /// A cookie whose value begins with `prefix`, in any case.
    Cookie { name: Box<str>, prefix: Box<str> },
}

/// The content of a location.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found<'a> {
    /// No token.
    Nothing,
    /// One token.
    One(Cow<'a, [u8]>),
    /// Different tokens, or other text that could be taken for a token.
    Several,
}

impl Location {
    /// Returns the default locations (RFC 6750 section 2).
    pub(crate) fn defaults() -> [Self; 2] {
        let name = HeaderName::from_static("authorization");
        [Self::Header { name, prefix: "Bearer ".into() }, Self::Parameter("access_token".into())]
    }

    /// Returns the name of the header that contains the location.
    pub(crate) fn header(&self) -> &str {
        match self {
            Self::Header { name, .. } => name.as_str(),
            Self::Parameter(_) => ":path",
            Self::Cookie { .. } => "cookie",
        }
    }

    /// Returns the search order: headers, parameters, cookies.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Header { .. } => 0,
            Self::Parameter(_) => 1,
            Self::Cookie { .. } => 2,
        }
    }

    /// Looks for a token at the location.
    pub(crate) fn find<'a>(&self, headers: &'a Headers) -> Found<'a> {
        match self {
            Self::Header { name, prefix } => header::find(headers, name.as_str(), prefix),
            Self::Parameter(name) => match single(query::values(path(headers), name)) {
                Found::One(_) if query::is_hidden(path(headers), name) => Found::Several,
                found => found,
            },
            Self::Cookie { name, prefix } => find_in_cookie(headers, name, prefix),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, prefix } if prefix.is_empty() => write!(out, "header {name}"),
            Self::Header { name, prefix } => write!(out, "header {name} after \"{prefix}\""),
            Self::Parameter(name) => write!(out, "query parameter {name}"),
            Self::Cookie { name, prefix } if prefix.is_empty() => write!(out, "cookie {name}"),
            Self::Cookie { name, prefix } => write!(out, "cookie {name} after \"{prefix}\""),
        }
    }
}

/// Returns the `:path`; empty if absent.
pub(crate) fn path(headers: &Headers) -> &[u8] {
    headers.iter().find(|(name, _)| *name == b":path").map_or(&[], |(_, path)| path)
}

/// Iterates over the values of a header; the lifetime of `name` is independent of the headers.
fn values_of<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

fn find_in_cookie<'a>(headers: &'a Headers, name: &str, prefix: &str) -> Found<'a> {
    let mut tokens = Vec::new();
    let mut others = Vec::new();
    for value in cookie::values(headers, name) {
        match after_prefix(value, prefix) {
            Some(token) => tokens.push(token),
            None => others.push(value),
        }
    }
    one_of(tokens, &others)
}

/// Returns the text after a prefix, matched in any case; a space at the end of the prefix matches
/// any amount of whitespace.
fn after_prefix<'a>(value: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let bare = prefix.trim_end();
    let (start, rest) = value.split_at_checked(bare.len())?;
    let token = rest.trim_ascii_start();
    let is_separate = bare.len() == prefix.len() || bare.is_empty() || token.len() < rest.len();
    let is_match = start.eq_ignore_ascii_case(bare.as_bytes()) && is_separate && !token.is_empty();
    is_match.then_some(token)
}

/// Returns the one token of a location, unless other text there could be taken for a token.
fn one_of<'a>(tokens: Vec<&'a [u8]>, others: &[&[u8]]) -> Found<'a> {
    match single(tokens.into_iter().map(Cow::Borrowed)) {
        Found::One(_) if others.iter().any(|other| lookalike::is_contained_in(other)) => {
            Found::Several
        }
        found => found,
    }
}

/// Returns the common token of all values; empty values are ignored.
fn single<'a>(values: impl Iterator<Item = Cow<'a, [u8]>>) -> Found<'a> {
    let mut values = values.filter(|value| !value.is_empty());
    match values.next() {
        None => Found::Nothing,
        Some(token) if values.all(|value| value == token) => Found::One(token),
        Some(_) => Found::Several,
    }
}
