//! Patterns for request principals, `<iss>/<sub>`.

use super::pattern::Pattern;
use crate::token::Claims;

/// The principal of a token.
///
/// Issuers and subjects may contain slashes, so one text can be the principal of several
/// identities.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Principal<'a> {
    issuer: &'a str,
    subject: &'a str,
    text: String,
}

/// A pattern for `<iss>/<sub>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PrincipalPattern {
    pattern: Pattern,
    /// The longest issuer of `jwtRules` that the pattern begins with; other issuers do not match.
    issuer: Option<Box<str>>,
}

impl<'a> Principal<'a> {
    pub(super) fn of(claims: &'a Claims) -> Self {
        let part = |name| claims.text(name).unwrap_or_default();
        Self::new(part("iss"), part("sub"))
    }

    fn new(issuer: &'a str, subject: &'a str) -> Self {
        Self { issuer, subject, text: format!("{issuer}/{subject}") }
    }

    /// Returns the text; `None` if a part is missing or a longer issuer could have the same
    /// principal.
    pub(super) fn unambiguous(&self, issuers: &[Box<str>]) -> Option<&str> {
        let longest = longest_issuer(issuers, &self.text);
        let is_own = longest.is_none_or(|longest| longest.len() <= self.issuer.len());
        (self.is_complete() && is_own).then_some(&*self.text)
    }

    const fn is_complete(&self) -> bool {
        !self.issuer.is_empty() && !self.subject.is_empty()
    }
}

impl PrincipalPattern {
    /// Compiles a pattern, given the issuers of `jwtRules`.
    pub(super) fn new(text: &str, issuers: &[Box<str>]) -> Self {
        let issuer = longest_issuer(issuers, text).map(Into::into);
        Self { pattern: Pattern::new(text), issuer }
    }

    /// Returns `true` if the pattern matches the principal without ambiguity.
    pub(super) fn matches(&self, principal: &Principal<'_>) -> bool {
        principal.is_complete()
            && self.issuer.as_ref().is_none_or(|issuer| **issuer == *principal.issuer)
            && self.pattern.matches(&principal.text)
    }

    /// Returns `true` if the pattern matches any reading of the principal.
    pub(super) fn may_match(&self, principal: &Principal<'_>) -> bool {
        match &self.pattern {
            Pattern::Present => principal.is_complete(),
            Pattern::Exact(text) if **text == *principal.issuer => true,
            pattern => pattern.matches(&principal.text),
        }
    }
}

/// Returns the longest issuer that is a prefix of a text and followed by a slash.
fn longest_issuer<'i>(issuers: &'i [Box<str>], text: &str) -> Option<&'i str> {
    let is_prefix = |issuer: &&str| text.strip_prefix(*issuer).is_some_and(|r| r.starts_with('/'));
    issuers.iter().map(|issuer| &**issuer).filter(is_prefix).max_by_key(|issuer| issuer.len())
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const IDP: &str = "https://idp";
    const NESTED: &str = "https://idp/x";
    const REPOSITORY: &str = "repo:org/x:ref:refs/heads/main";
    const SPIFFE: &str = "spiffe://td/ns/a/sa/b";

    /// Returns `matches` and `may_match` of a pattern.
    fn check(issuers: &[&str], pattern: &str, issuer: &str, subject: &str) -> (bool, bool) {
        let issuers: Vec<Box<str>> = issuers.iter().map(|issuer| (*issuer).into()).collect();
        let principal = Principal::new(issuer, subject);
        let pattern = PrincipalPattern::new(pattern, &issuers);
        (pattern.matches(&principal), pattern.may_match(&principal))
    }

    #[test]
    fn patterns_match_the_whole_principal() {
        for (pattern, issuer, subject, matches) in [
            ("https://idp/alice", IDP, "alice", true),
            ("https://idp/alice", IDP, "alice2", false),
            ("https://idp/alice", "https://other", "alice", false),
            ("https://idp/repo:org/x:ref:refs/heads/main", IDP, REPOSITORY, true),
            ("https://idp/repo:org/x:*", IDP, REPOSITORY, true),
            ("https://idp/repo:org/y:*", IDP, REPOSITORY, false),
            ("*:refs/heads/main", IDP, REPOSITORY, true),
            ("*/heads/main", IDP, REPOSITORY, true),
            ("https://idp/spiffe://td/ns/a/sa/b", IDP, SPIFFE, true),
            ("https://idp/spiffe://td/ns/a/*", IDP, SPIFFE, true),
            ("https://idp/*", IDP, SPIFFE, true),
            ("https://idp/*", IDP, "alice", true),
            ("https://idp/*", "https://idp2", "alice", false),
            ("https://idp*", "https://idp2", "alice", true),
            ("https://idp/al*", IDP, "alice", true),
            ("*/alice", IDP, "alice", true),
            ("*/alice", IDP, "malice", false),
            ("*ice", IDP, "alice", true),
            ("*", IDP, "alice", true),
            ("*idp/alice", IDP, "alice", true),
        ] {
            let found = check(&[IDP], pattern, issuer, subject);
            assert_eq!(found, (matches, matches), "{pattern} {issuer} {subject}");
        }
    }

    #[test]
    fn incomplete_principals_match_no_pattern() {
        for (pattern, issuer, subject, may_match) in [
            ("*", IDP, "", false),
            ("*", "", "alice", false),
            ("https://idp/*", IDP, "", true),
            ("https://idp/", IDP, "", true),
            ("https://idp", IDP, "alice", true),
            ("https://idp", IDP, "", true),
            ("*/alice", "", "alice", true),
        ] {
            let found = check(&[IDP], pattern, issuer, subject);
            assert_eq!(found, (false, may_match), "{pattern} {issuer} {subject}");
        }
    }

    #[test]
    fn subjects_cannot_impersonate_another_issuer() {
        let issuers = &[IDP, NESTED];
        for (pattern, issuer, subject, matches) in [
            ("https://idp/x/alice", NESTED, "alice", true),
            ("https://idp/x/alice", IDP, "x/alice", false),
            ("https://idp/x/*", NESTED, "alice", true),
            ("https://idp/x/*", IDP, "x/alice", false),
            ("https://idp/*", IDP, "x/alice", true),
            ("https://idp/*", IDP, "alice", true),
            ("https://idp/*", NESTED, "alice", false),
        ] {
            let found = check(issuers, pattern, issuer, subject);
            assert_eq!(found, (matches, true), "{pattern} {issuer} {subject}");
        }
    }

    #[test]
    fn unambiguous_principals_are_of_the_longest_issuer() {
        let issuers: [Box<str>; 2] = [IDP.into(), NESTED.into()];
        for (issuer, subject, text) in [
            (IDP, "alice", Some("https://idp/alice")),
            (NESTED, "alice", Some("https://idp/x/alice")),
            (IDP, "x/alice", None),
            (IDP, "xy/alice", Some("https://idp/xy/alice")),
            (IDP, "", None),
            ("", "alice", None),
        ] {
            let principal = Principal::new(issuer, subject);
            assert_eq!(principal.unambiguous(&issuers), text, "{issuer} {subject}");
        }
    }
}
