//! Paths of claims in a token.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// The path of a claim, one to eight names.
///
/// `a.b` is the claim `b` inside `a`. Names in brackets can contain dots: `[a.b][c]`. Both
/// notations can be combined: `realm[x.y].z`.
///
/// ```
/// use filter_core::ClaimPath;
///
/// let path: ClaimPath = "realm_access[https://example.com/roles]".parse()?;
/// let claims = serde_json::json!({"realm_access": {"https://example.com/roles": ["a"]}});
/// assert_eq!(path.find(&claims), Some(&serde_json::json!(["a"])));
/// # Ok::<(), filter_core::InvalidClaimPath>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "String",
    title = "claim path, such as a.b or [a.b][c]",
    extend(
        "pattern" = r"^([^.\[\]]+|\[[^\[\]]+\])(\.[^.\[\]]+|\[[^\[\]]+\]){0,7}$",
        "examples" = ["sub", "realm_access.roles", "[https://example.com/roles]"]
    )
)]
pub struct ClaimPath(Vec<String>);

/// Error for a text that is not a claim path.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidClaimPath {
    /// It has a different syntax.
    #[error("must be a claim path such as a.b or [a.b][c]")]
    Syntax,
    /// It has more than 8 names.
    #[error("must be a claim path of at most 8 names")]
    TooManyNames,
}

const MAX_NAMES: usize = 8;

impl ClaimPath {
    /// Returns the names, outermost first.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns the claim; `None` if a name is missing or its parent is not an object.
    #[must_use]
    pub fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(claims, |value, name| value.as_object()?.get(name))
    }

    /// Returns the claim as text: a string unchanged, a number or a boolean as in JSON.
    ///
    /// `None` if the claim is absent, a list, an object or `null`.
    #[must_use]
    pub fn find_scalar<'a>(&self, claims: &'a Value) -> Option<Cow<'a, [u8]>> {
        scalar_text(self.find(claims)?)
    }
}

impl FromStr for ClaimPath {
    type Err = InvalidClaimPath;

    fn from_str(text: &str) -> Result<Self, InvalidClaimPath> {
        let mut names = Vec::new();
        let mut rest = text;
        loop {
            let (name, after) = if rest.starts_with('[') { literal(rest) } else { plain(rest) }
                .filter(|(name, _)| !name.is_empty())
                .ok_or(InvalidClaimPath::Syntax)?;
            names.push(name.to_owned());
            rest = match after.strip_prefix('.') {
                Some(dotted) if !dotted.starts_with('[') => dotted,
                None if after.is_empty() => break,
                None if after.starts_with('[') => after,
                _ => return Err(InvalidClaimPath::Syntax),
            };
        }
        if names.len() > MAX_NAMES { Err(InvalidClaimPath::TooManyNames) } else { Ok(Self(names)) }
    }
}

/// Returns the text of a string, a number or a boolean; the latter two as in JSON.
pub(crate) fn scalar_text(claim: &Value) -> Option<Cow<'_, [u8]>> {
    match claim {
        Value::String(text) => Some(Cow::Borrowed(text.as_bytes())),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(claim.to_string().into_bytes())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Splits off a name in brackets.
fn literal(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once(']')?;
    (!name.contains('[')).then_some((name, rest))
}

/// Splits off a name that ends before a dot or a bracket.
fn plain(text: &str) -> Option<(&str, &str)> {
    let end = text.find(['.', '[', ']']).unwrap_or(text.len());
    text.split_at_checked(end)
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, name)| match index {
            _ if name.contains('.') => write!(out, "[{name}]"),
            0 => out.write_str(name),
            _ => write!(out, ".{name}"),
        })
    }
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let path = value.as_str().ok_or(InvalidClaimPath::Syntax).and_then(str::parse);
        path.map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn parses_both_notations() {
        for (text, names) in [
            ("sub", &["sub"][..]),
            ("a.b", &["a", "b"]),
            ("[a.b][c]", &["a.b", "c"]),
            ("realm[x.y]", &["realm", "x.y"]),
            ("[x.y].z", &["x.y", "z"]),
            ("[https://example.com/roles]", &["https://example.com/roles"]),
            ("1.2.3.4.5.6.7.8", &["1", "2", "3", "4", "5", "6", "7", "8"]),
        ] {
            let path: ClaimPath = text.parse().unwrap();
            assert_eq!(path.names(), names, "{text}");
            assert_eq!(path.to_string().parse(), Ok(path));
        }
    }

    #[test]
    fn refuses_invalid_paths() {
        let syntax = "must be a claim path such as a.b or [a.b][c]";
        for text in
            ["", ".", "a.", ".a", "a..b", "[", "[]", "[a", "a]", "[a]b", "[a[b]]", "a.[b]", "a[b]]"]
        {
            let error = serde_json::from_value::<ClaimPath>(json!(text)).unwrap_err();
            assert_eq!(error.to_string(), format!("{syntax}, got \"{text}\""));
        }
        let error = serde_json::from_value::<ClaimPath>(json!(1)).unwrap_err();
        assert_eq!(error.to_string(), format!("{syntax}, got 1"));
        assert_eq!("1.2.3.4.5.6.7.8.9".parse::<ClaimPath>(), Err(InvalidClaimPath::TooManyNames));
    }

    #[test]
    fn finds_claims_inside_objects() {
        let claims = json!({"a": {"b": 1, "c.d": null}, "l": [{"b": 2}], "a.b": 3});
        for (path, found) in [
            ("a.b", Some(json!(1))),
            ("a[c.d]", Some(json!(null))),
            ("[a.b]", Some(json!(3))),
            ("a.x", None),
            ("a.b.c", None),
            ("l.0", None),
        ] {
            let path: ClaimPath = path.parse().unwrap();
            assert_eq!(path.find(&claims), found.as_ref(), "{path}");
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a\\[\\].é]{0,12}") {
            if let Ok(path) = text.parse::<ClaimPath>() {
                proptest::prop_assert!(path.names().iter().all(|name| !name.is_empty()));
            }
        }
    }
}
