//! The patterns of Istio's AuthorizationPolicy: `x`, `x*`, `*x` and `*`.

use filter_core::StringMatch;

/// A pattern for one text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Pattern {
    /// Any text that is not empty.
    Present,
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
}

/// A pattern for issuer and subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PrincipalPattern {
    /// Absent where any issuer will do.
    issuer: Option<Pattern>,
    subject: Option<Pattern>,
}

/// What a value of a claim is compared with.
#[derive(Clone, Debug)]
pub(super) enum Comparison {
    AnyOf(Vec<Pattern>),
    Fulfils(StringMatch),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        match (text, text.strip_suffix('*'), text.strip_prefix('*')) {
            ("*", ..) => Self::Present,
            (_, Some(start), _) => Self::Prefix(start.into()),
            (_, None, Some(end)) => Self::Suffix(end.into()),
            _ => Self::Exact(text.into()),
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Present => !text.is_empty(),
            Self::Exact(exact) => text == &**exact,
            Self::Prefix(start) => text.starts_with(&**start),
            Self::Suffix(end) => text.ends_with(&**end),
        }
    }
}

impl PrincipalPattern {
    /// Splits at the last slash, so that no subject can pass for a part of the issuer.
    pub(super) fn new(text: &str) -> Self {
        let present = || Some(Pattern::Present);
        match text.rsplit_once('/') {
            _ if text == "*" => Self { issuer: present(), subject: present() },
            Some((issuer, subject)) => {
                Self { issuer: Some(Pattern::new(issuer)), subject: Some(Pattern::new(subject)) }
            }
            None if text.starts_with('*') => {
                Self { issuer: None, subject: Some(Pattern::new(text)) }
            }
            None => Self { issuer: Some(Pattern::new(text)), subject: None },
        }
    }

    pub(super) fn fits(&self, issuer: Option<&str>, subject: Option<&str>) -> bool {
        let (Some(issuer), Some(subject)) = (issuer, subject) else { return false };
        let fits = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.fits(text))
        };
        fits(&self.issuer, issuer) && fits(&self.subject, subject)
    }
}

impl Comparison {
    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::AnyOf(patterns) => patterns.iter().any(|pattern| pattern.fits(text)),
            Self::Fulfils(condition) => condition.matches(Some(text.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn patterns_fit_as_in_istio() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("*", "x", true),
            ("*", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn principals_split_at_the_last_slash() {
        for (pattern, issuer, subject, fits) in [
            ("https://idp/x/alice", "https://idp/x", "alice", true),
            ("https://idp/x/alice", "https://idp", "x/alice", false),
            ("https://idp/al*", "https://idp", "alice", true),
            ("https://idp/*", "https://idp", "alice", true),
            ("https://idp/*", "https://other", "alice", false),
            ("https://idp/*", "https://idp", "", false),
            ("*/alice", "https://idp", "alice", true),
            ("*", "https://idp", "alice", true),
            ("*", "", "alice", false),
            ("*ice", "https://idp", "alice", true),
        ] {
            let found = PrincipalPattern::new(pattern).fits(Some(issuer), Some(subject));
            assert_eq!(found, fits, "{pattern} {issuer} {subject}");
        }
        assert!(!PrincipalPattern::new("*").fits(Some("https://idp"), None));
    }
}
