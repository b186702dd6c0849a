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

/// A condition on a value of a claim.
#[derive(Clone, Debug)]
pub(super) enum ValueMatch {
    AnyOf(Vec<Pattern>),
    Condition(StringMatch),
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

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Present => !text.is_empty(),
            Self::Exact(exact) => text == &**exact,
            Self::Prefix(start) => text.starts_with(&**start),
            Self::Suffix(end) => text.ends_with(&**end),
        }
    }
}

impl ValueMatch {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::AnyOf(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            Self::Condition(condition) => condition.matches(Some(text.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn patterns_match_as_in_istio() {
        for (pattern, text, matches) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("*", "x", true),
            ("*", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }
}
