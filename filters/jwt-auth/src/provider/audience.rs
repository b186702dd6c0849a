//! Audiences, compared as Envoy compares them.

use crate::token::Claims;

/// The audiences, any of which a token must name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Audiences(Vec<Box<str>>);

impl Audiences {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| essence(name).into()).collect())
    }

    pub(crate) fn allow(&self, claims: &Claims) -> bool {
        claims.audiences().any(|found| self.0.iter().any(|allowed| **allowed == *essence(found)))
    }
}

/// Drops a leading scheme and one trailing slash.
fn essence(audience: &str) -> &str {
    let rest = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://"));
    let rest = rest.unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}
