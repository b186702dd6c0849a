//! Header names.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{ClaimPath, config::shown::Shown};

/// The name of a header field, a token (RFC 9110 section 5.1). Case is ignored.
///
/// Not a pseudo-header.
///
/// ```
/// use filter_core::HeaderName;
///
/// let name: HeaderName = "X-User-Type".parse()?;
/// assert_eq!(name.as_str(), "x-user-type");
/// # Ok::<(), filter_core::InvalidHeaderName>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, title = "header name", extend("pattern" = TOKEN, "examples" = ["x-user"]))]
pub struct HeaderName(Cow<'static, str>);

/// The name of a header field that can be set, added or removed. Case is ignored.
///
/// Neither `host` nor a hop-by-hop header (RFC 9110 section 7.6.1).
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "String",
    title = "header name",
    extend(
        "pattern" = TOKEN,
        "not" = {"anyOf": [{"const": "host"}, {"enum": HOP_BY_HOP}]},
        "examples" = ["x-variant"]
    )
)]
pub struct EditableHeaderName(HeaderName);

/// Error for a text that is not an allowed header name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidHeaderName {
    /// It is empty or has invalid bytes.
    #[error("must be a header name")]
    NotAToken,
    /// It begins with a colon.
    #[error("must be a header name, not a pseudo-header")]
    Pseudo,
    /// It is `host`.
    #[error("must not be host, which the route decides")]
    Host,
    /// It is a hop-by-hop header.
    #[error("must not be a hop-by-hop header")]
    HopByHop,
}

/// Pattern of a token, for schemas.
const TOKEN: &str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Headers that belong to one connection and are not forwarded.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl HeaderName {
    /// `content-type`
    pub const CONTENT_TYPE: Self = Self::from_static("content-type");
    /// `cookie`
    pub const COOKIE: Self = Self::from_static("cookie");
    /// `retry-after`
    pub const RETRY_AFTER: Self = Self::from_static("retry-after");
    /// `set-cookie`
    pub const SET_COOKIE: Self = Self::from_static("set-cookie");
    /// `www-authenticate`
    pub const WWW_AUTHENTICATE: Self = Self::from_static("www-authenticate");

    /// Creates a header name from a literal, for constants.
    ///
    /// # Panics
    ///
    /// Panics, at compile time for a constant, if the text is not a header name in lower case.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        assert!(!rest.is_empty(), "empty header name");
        while let [byte, after @ ..] = rest {
            assert!(is_token_byte(*byte) && !byte.is_ascii_uppercase(), "invalid header name");
            rest = after;
        }
        Self(Cow::Borrowed(name))
    }

    /// Returns the name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in lower case, as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl EditableHeaderName {
    /// Returns the name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the name as a [`HeaderName`].
    #[must_use]
    pub const fn as_header_name(&self) -> &HeaderName {
        &self.0
    }

    /// Converts the name to a [`HeaderName`].
    #[must_use]
    pub fn into_header_name(self) -> HeaderName {
        self.0
    }
}

impl FromStr for HeaderName {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        if text.starts_with(':') {
            return Err(InvalidHeaderName::Pseudo);
        }
        if text.is_empty() || !text.bytes().all(is_token_byte) {
            return Err(InvalidHeaderName::NotAToken);
        }
        Ok(Self(Cow::Owned(text.to_ascii_lowercase())))
    }
}

impl FromStr for EditableHeaderName {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        let name: HeaderName = text.parse()?;
        match name.as_str() {
            "host" => Err(InvalidHeaderName::Host),
            name if HOP_BY_HOP.contains(&name) => Err(InvalidHeaderName::HopByHop),
            _ => Ok(Self(name)),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for EditableHeaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl<'de> Deserialize<'de> for EditableHeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

fn read<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = InvalidHeaderName>,
{
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().ok_or(InvalidHeaderName::NotAToken);
    text.and_then(str::parse).map_err(|rule| match text.ok().and_then(claim) {
        Some(claim) => D::Error::custom(format_args!(
            "must be a header name: write claims: {{\"{claim}\": …}}, \
             or not: {{claims: {{\"{claim}\": …}}}} for withoutHeaders, {}",
            Shown(&value)
        )),
        None => D::Error::custom(format_args!("{rule}, {}", Shown(&value))),
    })
}

/// Returns the claim of a header name with which Istio matches claims: `@request.auth.claims.a.b`
/// or `@request.auth.claims[a][b]`; in an AuthorizationPolicy, the latter has no `@`.
fn claim(name: &str) -> Option<ClaimPath> {
    let path = name.strip_prefix('@').unwrap_or(name).strip_prefix("request.auth.claims")?;
    path.strip_prefix('.').unwrap_or(path).parse().ok()
}

const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
            | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+'
            | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn converts_names_to_lower_case() {
        let name: HeaderName = serde_json::from_value(json!("X-Fo_o!")).unwrap();
        assert_eq!(name.as_str(), "x-fo_o!");
        assert_eq!(name, HeaderName::from_static("x-fo_o!"));
    }

    #[test]
    fn refuses_invalid_names() {
        for (value, message) in [
            (json!("x y"), r#"must be a header name, got "x y""#),
            (json!(""), r#"must be a header name, got """#),
            (json!("x:"), r#"must be a header name, got "x:""#),
            (json!("é"), r#"must be a header name, got "é""#),
            (json!("a\r\nb"), r#"must be a header name, got "a\r\nb""#),
            (json!(7), "must be a header name, got 7"),
            (json!(":path"), r#"must be a header name, not a pseudo-header, got ":path""#),
        ] {
            let error = serde_json::from_value::<HeaderName>(value.clone()).unwrap_err();
            assert_eq!(error.to_string(), message);
            let error = serde_json::from_value::<EditableHeaderName>(value).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn suggests_claims_for_istios_header_names_of_claims() {
        for (name, claim) in [
            ("@request.auth.claims.groups", "groups"),
            ("@request.auth.claims[groups]", "groups"),
            ("@request.auth.claims.realm.roles", "realm.roles"),
            ("@request.auth.claims[realm][roles]", "realm.roles"),
            ("@request.auth.claims[example.com/roles]", "[example.com/roles]"),
            ("@request.auth.claims.[example.com/roles]", "[example.com/roles]"),
            ("@request.auth.claims.realm[example.com/roles]", "realm[example.com/roles]"),
            ("request.auth.claims[groups]", "groups"),
        ] {
            let error = serde_json::from_value::<HeaderName>(json!(name)).unwrap_err();
            let expected = format!(
                "must be a header name: write claims: {{\"{claim}\": …}}, \
                 or not: {{claims: {{\"{claim}\": …}}}} for withoutHeaders, got \"{name}\""
            );
            assert_eq!(error.to_string(), expected);
        }
        for name in ["@request.auth.claims", "@request.auth.claims[", "@request.auth.principal"] {
            let error = serde_json::from_value::<HeaderName>(json!(name)).unwrap_err();
            assert_eq!(error.to_string(), format!("must be a header name, got \"{name}\""));
        }
        // This is a valid header name.
        assert!("request.auth.claims.groups".parse::<HeaderName>().is_ok());
    }

    #[test]
    fn refuses_to_edit_host_and_hop_by_hop_headers() {
        for (name, rule) in [
            ("Host", "must not be host, which the route decides"),
            ("Connection", "must not be a hop-by-hop header"),
            ("keep-alive", "must not be a hop-by-hop header"),
            ("proxy-connection", "must not be a hop-by-hop header"),
            ("TE", "must not be a hop-by-hop header"),
            ("trailer", "must not be a hop-by-hop header"),
            ("transfer-encoding", "must not be a hop-by-hop header"),
            ("upgrade", "must not be a hop-by-hop header"),
        ] {
            assert!(name.parse::<HeaderName>().is_ok());
            let error = serde_json::from_value::<EditableHeaderName>(json!(name)).unwrap_err();
            assert_eq!(error.to_string(), format!("{rule}, got \"{name}\""));
        }
    }
}
