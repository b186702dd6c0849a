//! Patterns of Istio: exact, prefix, suffix and presence.

/// A pattern for a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Pattern {
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

    /// Returns the pattern in lower case.
    pub(super) fn in_lower_case(self) -> Self {
        match self {
            Self::Present => Self::Present,
            Self::Exact(text) => Self::Exact(text.to_ascii_lowercase()),
            Self::Prefix(text) => Self::Prefix(text.to_ascii_lowercase()),
            Self::Suffix(text) => Self::Suffix(text.to_ascii_lowercase()),
        }
    }

    /// Returns `true` if the pattern depends on the end of a text only.
    pub(super) const fn ignores_the_start(&self) -> bool {
        matches!(self, Self::Present | Self::Suffix(_))
    }

    /// Returns `true` if a text matches.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Present => !text.is_empty(),
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
        }
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
}
