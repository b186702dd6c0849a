//! Cookies that contain a key.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::DurationWithin;

/// A cookie that contains the key, as `httpCookie` of an Istio DestinationRule.
///
/// An issued value is an opaque number that does not reveal the variant.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(try_from = "Document")]
#[schemars(!try_from, deny_unknown_fields)]
#[schemars(extend("examples" = [{"name": "weir_id", "ttl": "720h"}]))]
pub struct HashCookie {
    /// Name of the cookie, a token (RFC 6265).
    #[schemars(extend("pattern" = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"))]
    pub name: String,
    /// `Path` of the issued cookie. Default: `/`.
    #[schemars(with = "Option<String>", extend("pattern" = "^(/[!-:<-~]*)?$"))]
    pub path: String,
    /// Lifetime of the issued cookie, in whole seconds; `0s` for a session cookie. Without it, no
    /// cookie is issued.
    pub ttl: Option<DurationWithin<0, TEN_YEARS_MS>>,
    /// Other attributes of the issued cookie. Default of `SameSite`: `Lax`.
    #[schemars(default)]
    pub attributes: Vec<CookieAttribute>,
}

/// An attribute of an issued cookie.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"name": "SameSite", "value": "Strict"}, {"name": "Secure"}]))]
pub struct CookieAttribute {
    /// Name: `SameSite`, `Secure`, `Domain` or `Partitioned`. Case is ignored.
    pub name: String,
    /// Value; must be empty for `Secure` and `Partitioned`.
    #[serde(default)]
    pub value: String,
}

const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    ttl: Option<DurationWithin<0, TEN_YEARS_MS>>,
    #[serde(default)]
    attributes: Vec<CookieAttribute>,
}

impl HashCookie {
    /// Returns the value of `Set-Cookie` that issues `id`; `https` is `true` for the scheme
    /// `https`.
    ///
    /// ```
    /// use filter_core::HashCookie;
    ///
    /// let cookie: HashCookie = serde_json::from_str(r#"{"name": "weir_id", "ttl": "720h"}"#)?;
    /// assert_eq!(
    ///     cookie.set_cookie("c0ffee", true),
    ///     "weir_id=c0ffee; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn set_cookie(&self, id: &str, https: bool) -> String {
        let mut text = format!("{}={id}; Path={}", self.name, self.path);
        let seconds = self.ttl.map_or(0, |ttl| ttl.as_secs());
        if seconds > 0 {
            let _ = write!(text, "; Max-Age={seconds}");
        }
        text.push_str("; HttpOnly");
        let same_site = self.attribute("SameSite").unwrap_or("Lax");
        let none = same_site.eq_ignore_ascii_case("None");
        if https || none || self.attribute("Secure").is_some() {
            text.push_str("; Secure");
        }
        let _ = write!(text, "; SameSite={same_site}");
        if let Some(domain) = self.attribute("Domain") {
            let _ = write!(text, "; Domain={domain}");
        }
        if self.attribute("Partitioned").is_some() {
            text.push_str("; Partitioned");
        }
        text
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|attribute| attribute.name.eq_ignore_ascii_case(name));
        found.map(|attribute| attribute.value.as_str())
    }
}

impl TryFrom<Document> for HashCookie {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, &'static str> {
        let Document { name, path, ttl, attributes } = document;
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err("must have a name that is a token of RFC 6265");
        }
        if !path.starts_with('/') || !path.bytes().all(is_value_byte) {
            return Err("must have a path that begins with / and has no ; in it");
        }
        if ttl.is_some_and(|ttl| ttl.subsec_nanos() > 0) {
            return Err("must have a ttl of whole seconds");
        }
        for (index, attribute) in attributes.iter().enumerate() {
            let before = attributes.iter().take(index);
            check(attribute, before)?;
        }
        Ok(Self { name, path, ttl, attributes })
    }
}

fn check<'a>(
    attribute: &CookieAttribute,
    mut before: impl Iterator<Item = &'a CookieAttribute>,
) -> Result<(), &'static str> {
    let CookieAttribute { name, value } = attribute;
    if before.any(|other| other.name.eq_ignore_ascii_case(name)) {
        return Err("must have unique attributes");
    }
    let is_one_of = |words: &[&str]| words.iter().any(|as_str| value.eq_ignore_ascii_case(as_str));
    match name.to_ascii_lowercase().as_str() {
        "samesite" if is_one_of(&["Strict", "Lax", "None"]) => Ok(()),
        "samesite" => Err("must have Strict, Lax or None as SameSite"),
        "domain" if !value.is_empty() && value.bytes().all(is_value_byte) => Ok(()),
        "domain" => Err("must have a Domain without ; in it"),
        "secure" | "partitioned" if value.is_empty() => Ok(()),
        "secure" | "partitioned" => Err("must have Secure and Partitioned without a value"),
        _ => Err("must have only the attributes SameSite, Secure, Domain and Partitioned"),
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && byte != b';'
}
