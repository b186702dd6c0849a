//! Where tokens are in a request, and how they are taken out of it.

use std::{borrow::Cow, fmt};

use filter_core::{HeaderName, Headers};

mod cookie;
mod header;
mod lookalike;
mod query;

pub(crate) use cookie::{is_cookie_name, without_cookies};
pub(crate) use header::without_tokens;
pub(crate) use query::without_parameters;

/// A place that may hold a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Location {
    /// A header with a value that begins with `prefix`, in any case.
    Header { name: HeaderName, prefix: Box<str> },
    /// A query parameter.
    Parameter(Box<str>),
    /// A cookie whose value begins with `prefix` in any case.
    Cookie { name: Box<str>, prefix: Box<str> },
}

/// What a location holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found<'a> {
    /// No token.
    Nothing,
    /// One token.
    One(Cow<'a, [u8]>),
    /// Tokens that differ.
    Several,
}

impl Location {
    /// Returns where a token is unless the configuration says otherwise (RFC 6750 section 2).
    pub(crate) fn defaults() -> [Self; 2] {
        let name = HeaderName::from_static("authorization");
        [Self::Header { name, prefix: "Bearer ".into() }, Self::Parameter("access_token".into())]
    }

    /// Returns the name of the header that the location is read from.
    pub(crate) fn header(&self) -> &str {
        match self {
            Self::Header { name, .. } => name.as_str(),
            Self::Parameter(_) => ":path",
            Self::Cookie { .. } => "cookie",
        }
    }

    /// Orders the kinds: headers are looked at first, cookies last.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Header { .. } => 0,
            Self::Parameter(_) => 1,
            Self::Cookie { .. } => 2,
        }
    }

    /// Looks for a token.
    pub(crate) fn find<'a>(&self, headers: &'a Headers) -> Found<'a> {
        match self {
            Self::Header { name, prefix } => header::find(headers, name.as_str(), prefix),
            Self::Parameter(name) => match only(query::values(path(headers), name)) {
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

/// Returns the request's target, which is never absent in practice.
pub(crate) fn path(headers: &Headers) -> &[u8] {
    headers.iter().find(|(name, _)| *name == b":path").map_or(&[], |(_, path)| path)
}

/// Returns every value of a header, without tying the name to the headers' lifetime.
fn values_of<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

fn find_in_cookie<'a>(headers: &'a Headers, name: &str, prefix: &str) -> Found<'a> {
    let mut tokens = Vec::new();
    let mut others = Vec::new();
    for value in cookie::values(headers, name) {
        match behind_word(value, prefix) {
            Some(token) => tokens.push(token),
            None => others.push(value),
        }
    }
    one_of(tokens, &others)
}

/// Returns the text after a word, matched in any case; a blank at the end of the word matches any
/// number of blanks.
fn behind_word<'a>(value: &'a [u8], word: &str) -> Option<&'a [u8]> {
    let bare = word.trim_end();
    let (start, rest) = value.split_at_checked(bare.len())?;
    let token = rest.trim_ascii_start();
    let is_apart = bare.len() == word.len() || bare.is_empty() || token.len() < rest.len();
    let fits = start.eq_ignore_ascii_case(bare.as_bytes()) && is_apart && !token.is_empty();
    fits.then_some(token)
}

/// Returns the one token of a place, unless other text there could be taken for another token.
fn one_of<'a>(tokens: Vec<&'a [u8]>, others: &[&[u8]]) -> Found<'a> {
    match only(tokens.into_iter().map(Cow::Borrowed)) {
        Found::One(_) if others.iter().any(|other| lookalike::is_in(other)) => Found::Several,
        found => found,
    }
}

/// Returns the token that all values agree on; empty values are ignored.
fn only<'a>(values: impl Iterator<Item = Cow<'a, [u8]>>) -> Found<'a> {
    let mut values = values.filter(|value| !value.is_empty());
    match values.next() {
        None => Found::Nothing,
        Some(token) if values.all(|value| value == token) => Found::One(token),
        Some(_) => Found::Several,
    }
}
