//! Where tokens are in a request, and how they are taken out of it.

use std::{borrow::Cow, fmt};

use filter_core::{HeaderName, Headers};

mod cookie;
mod query;

pub(crate) use cookie::{is_cookie_name, without_cookies};
pub(crate) use query::without_parameters;

/// A place that may hold a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Location {
    /// A header whose value begins with `prefix`, without regard to case.
    Header { name: HeaderName, prefix: Box<str> },
    /// A query parameter.
    Parameter(Box<str>),
    /// A cookie.
    Cookie(Box<str>),
}

/// What a location holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found<'a> {
    /// No token.
    Nothing,
    /// One token.
    One(Cow<'a, [u8]>),
    /// More than one value where only one may be.
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
            Self::Cookie(_) => "cookie",
        }
    }

    /// Orders the kinds: headers are looked at first, cookies last.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Header { .. } => 0,
            Self::Parameter(_) => 1,
            Self::Cookie(_) => 2,
        }
    }

    /// Looks for a token.
    pub(crate) fn find<'a>(&self, headers: &'a Headers) -> Found<'a> {
        match self {
            Self::Header { name, prefix } => find_in_header(headers, name.as_str(), prefix),
            Self::Parameter(name) => only(query::values(path(headers), name)),
            Self::Cookie(name) => only(cookie::values(headers, name).map(Cow::Borrowed)),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, prefix } if prefix.is_empty() => write!(out, "header {name}"),
            Self::Header { name, prefix } => write!(out, "header {name} after \"{prefix}\""),
            Self::Parameter(name) => write!(out, "query parameter {name}"),
            Self::Cookie(name) => write!(out, "cookie {name}"),
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

// A header that occurs twice may reach the filter joined by a comma, so a comma always separates.
fn find_in_header<'a>(headers: &'a Headers, name: &str, prefix: &str) -> Found<'a> {
    let mut token = None;
    let mut pieces: usize = 0;
    for piece in values_of(headers, name).flat_map(|value| value.split(|byte| *byte == b',')) {
        pieces = pieces.saturating_add(1);
        token = token.or_else(|| strip(piece.trim_ascii(), prefix));
    }
    match (token, pieces) {
        (None, _) => Found::Nothing,
        (Some(token), 1) => Found::One(Cow::Borrowed(token)),
        (Some(_), _) => Found::Several,
    }
}

fn strip<'a>(value: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let (start, rest) = value.split_at_checked(prefix.len())?;
    let token = rest.trim_ascii_start();
    (start.eq_ignore_ascii_case(prefix.as_bytes()) && !token.is_empty()).then_some(token)
}

fn only<'a>(mut values: impl Iterator<Item = Cow<'a, [u8]>>) -> Found<'a> {
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(token), None) if token.is_empty() => Found::Nothing,
        (Some(token), None) => Found::One(token),
        (Some(_), Some(_)) => Found::Several,
    }
}
