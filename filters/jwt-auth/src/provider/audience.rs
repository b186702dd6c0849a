//! Audiences, compared as in Envoy.

use crate::token::Claims;

/// The allowed audiences.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Audiences(Vec<Box<str>>);

impl Audiences {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| normalized(name).into()).collect())
    }

    pub(crate) fn allow(&self, claims: &Claims) -> bool {
        claims.audiences().any(|found| self.0.iter().any(|allowed| **allowed == *normalized(found)))
    }
}

/// Strips a leading scheme and one trailing slash.
fn normalized(audience: &str) -> &str {
    let rest = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://"));
    let rest = rest.unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}
