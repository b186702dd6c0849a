//! Patterns of Istio: exact, prefix, suffix and presence.

/// A pattern for a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Pattern {
    /// Any text, also an empty one: `*` for a header.
    Any,
    /// Any text that is not empty: `*`.
    Present,
    /// `abc`
    Exact(Vec<u8>),
    /// `abc*`
    Prefix(Vec<u8>),
    /// `*abc`
    Suffix(Vec<u8>),
}

impl Pattern {
    /// Parses a pattern; a star elsewhere is an ordinary character, as in Istio.
    pub(super) fn new(text: &str) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec();
        if text == "*" {
            Self::Present
        } else if let Some(suffix) = text.strip_prefix('*') {
            Self::Suffix(bytes(suffix))
        } else if let Some(prefix) = text.strip_suffix('*') {
            Self::Prefix(bytes(prefix))
        } else {
            Self::Exact(bytes(text))
        }
    }

    /// Parses a pattern for a header, of which `*` requires only that it is present, as in Istio.
    pub(super) fn of_header(text: &str) -> Self {
        if text == "*" { Self::Any } else { Self::new(text) }
    }

    /// Returns the pattern in lower case.
    pub(super) fn in_lower_case(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Present => Self::Present,
            Self::Exact(text) => Self::Exact(text.to_ascii_lowercase()),
            Self::Prefix(text) => Self::Prefix(text.to_ascii_lowercase()),
            Self::Suffix(text) => Self::Suffix(text.to_ascii_lowercase()),
        }
    }

    /// Returns `true` if the pattern requires only a text that is not empty.
    pub(super) const fn is_presence(&self) -> bool {
        matches!(self, Self::Present)
    }

    /// Returns `true` if a text matches.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Present => !text.is_empty(),
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
        }
    }
}

/// A pattern for the issuer and the subject of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct RequestPrincipal {
    issuer: Pattern,
    subject: Pattern,
    /// The pattern for both, separated by a slash.
    whole: Pattern,
}

impl RequestPrincipal {
    /// Parses a pattern, which Istio splits at its last slash; a wildcard is in one of the parts.
    pub(super) fn new(text: &str) -> Self {
        let exact = |text: &str| Pattern::Exact(text.as_bytes().to_vec());
        let (issuer, subject) = match text.rsplit_once('/') {
            Some((issuer, subject)) if text.starts_with('*') => {
                (Pattern::new(issuer), exact(subject))
            }
            Some((issuer, subject)) => (exact(issuer), Pattern::new(subject)),
            None if text.starts_with('*') => (Pattern::Present, Pattern::new(text)),
            None if text.ends_with('*') => (Pattern::new(text), Pattern::Present),
            None => (exact(text), exact("")),
        };
        Self { issuer, subject, whole: Pattern::new(text) }
    }

    /// Returns `true` if the issuer and the subject match.
    pub(super) fn matches(&self, issuer: &[u8], subject: &[u8]) -> bool {
        self.issuer.matches(issuer) && self.subject.matches(subject)
    }

    /// Returns `true` if the issuer and the subject match without regard to the slash between them.
    pub(super) fn matches_whole(&self, text: &[u8]) -> bool {
        self.whole.matches(text)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn stars_at_one_end_are_wildcards() {
        for (pattern, text, expected) in [
            ("*", "a", true),
            ("*", "", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b", "axb", false),
            ("a*b", "a*b", true),
            ("*a*", "xa*", true),
            ("*a*", "xax", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn request_principals_have_two_parts() {
        for (pattern, issuer, subject, expected) in [
            ("*", "a", "b", true),
            ("*", "a", "", false),
            ("https://a/b", "https://a", "b", true),
            ("https://a/*", "https://a", "b", true),
            ("https://a/*", "https://a/c", "b", false),
            ("https://a/b*", "https://a", "bc", true),
            ("https://a/b*", "https://a/b", "c", false),
            ("https://a*", "https://a/c", "b", false),
            ("*/b", "https://a", "b", true),
            ("*/b", "", "b", false),
            ("*a/b", "https://a", "b", true),
            ("*a/b", "https://c", "b", false),
            ("*b", "https://a", "ab", true),
            ("*b", "https://b", "a", false),
            ("a*", "ab", "c", true),
            ("a*", "b", "a", false),
            ("a", "a", "b", false),
        ] {
            let matches =
                RequestPrincipal::new(pattern).matches(issuer.as_bytes(), subject.as_bytes());
            assert_eq!(matches, expected, "{pattern} {issuer} {subject}");
        }
    }
}
