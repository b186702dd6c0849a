//! Header names.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{ClaimPath, config::shown::Shown};

/// The name of a header field in lower case, a token of RFC 9110 section 5.1.
///
/// Never a pseudo-header.
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

/// The name of a header field that a configuration may set, add or remove.
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
        "examples" = ["x-user"]
    )
)]
pub struct EditableHeaderName(HeaderName);

/// A text that is not an allowed header name.
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
    #[error("must not be a header that belongs to one hop")]
    HopByHop,
}

/// Pattern of a token, for schemas.
const TOKEN: &str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Hop-by-hop headers.
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

    /// Creates a header name at compile time.
    ///
    /// For constants: a text that is not a lower-case header name does not compile.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        assert!(!rest.is_empty(), "a header name is not empty");
        while let [byte, after @ ..] = rest {
            assert!(is_token_byte(*byte) && !byte.is_ascii_uppercase(), "not a header name");
            rest = after;
        }
        Self(Cow::Borrowed(name))
    }

    /// Returns the name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the bytes of the name in lower case.
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

/// Returns the claim in an attribute name of Istio: `@request.auth.claims.a.b`,
/// `@request.auth.claims[a][b]`, and in an AuthorizationPolicy the latter without `@`.
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
    fn is_kept_in_lower_case() {
        let name: HeaderName = serde_json::from_value(json!("X-Fo_o!")).unwrap();
        assert_eq!(name.as_str(), "x-fo_o!");
        assert_eq!(name, HeaderName::from_static("x-fo_o!"));
    }

    #[test]
    fn refused_names_say_their_rule() {
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
    fn refuses_istios_name_of_a_claim_and_suggests_claims() {
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
        // A valid header name.
        assert!("request.auth.claims.groups".parse::<HeaderName>().is_ok());
    }

    #[test]
    fn headers_of_host_and_hop_are_not_editable() {
        for (name, rule) in [
            ("Host", "must not be host, which the route decides"),
            ("Connection", "must not be a header that belongs to one hop"),
            ("keep-alive", "must not be a header that belongs to one hop"),
            ("proxy-connection", "must not be a header that belongs to one hop"),
            ("TE", "must not be a header that belongs to one hop"),
            ("trailer", "must not be a header that belongs to one hop"),
            ("transfer-encoding", "must not be a header that belongs to one hop"),
            ("upgrade", "must not be a header that belongs to one hop"),
        ] {
            assert!(name.parse::<HeaderName>().is_ok());
            let error = serde_json::from_value::<EditableHeaderName>(json!(name)).unwrap_err();
            assert_eq!(error.to_string(), format!("{rule}, got \"{name}\""));
        }
    }
}
