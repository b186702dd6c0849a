//! Keys for sticky assignments.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::{
    ClaimPath, HeaderName, Needs, PathNormalization, Request, RequestPath, config::misplaced,
    cookies,
};

mod cookie;

pub use crate::traffic::consistent_hash::cookie::{CookieAttribute, HashCookie};

/// Sources of the key for sticky assignments, as `consistentHash` of an Istio DestinationRule, with
/// `claim` in addition.
///
/// If several are given, the first one that the request has is used, in the order of the fields:
/// the most trustworthy first.
///
/// ```
/// use filter_core::{ConsistentHash, Headers, KeySource, Request};
///
/// let hash: ConsistentHash = serde_json::from_str(r#"{"httpHeaderName": "X-User"}"#)?;
/// let headers = Headers::from_iter([("x-user", "alice")]);
/// let request = Request { headers, ..Request::default() };
/// let key = hash.key(&request).unwrap();
/// assert_eq!((key.source, &*key.bytes), (KeySource::Header, &b"alice"[..]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(try_from = "Document")]
#[schemars(!try_from, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "minProperties" = 1,
    "examples" = [{"httpHeaderName": "x-user"}, {"httpCookie": {"name": "weir_id", "ttl": "720h"}}]
))]
pub struct ConsistentHash {
    /// Path of a claim of the verified token; a number or boolean is used as its JSON text.
    pub claim: Option<ClaimPath>,
    /// Name of a header; its first value is used unless it is empty.
    pub http_header_name: Option<HeaderName>,
    /// Name of a query parameter; its first value is used, percent-decoded, unless it is empty.
    #[schemars(length(min = 1))]
    pub http_query_parameter_name: Option<String>,
    /// Cookie. With a `ttl`, a cookie is issued to requests without a key.
    pub http_cookie: Option<HashCookie>,
    /// Uses the client's address, as determined by Envoy's HTTP connection manager. Default:
    /// `false`.
    #[schemars(default)]
    pub use_source_ip: bool,
}

/// The key of a request, and its source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashKey<'r> {
    /// Source of the key.
    pub source: KeySource,
    /// Bytes of the key.
    pub bytes: Cow<'r, [u8]>,
}

/// The source of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// A claim of the verified token.
    Claim,
    /// A header.
    Header,
    /// A query parameter.
    QueryParameter,
    /// A cookie.
    Cookie,
    /// The client's address.
    SourceIp,
}

impl KeySource {
    /// Returns the name for logs and explanations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Header => "header",
            Self::QueryParameter => "query",
            Self::Cookie => "cookie",
            Self::SourceIp => "source_ip",
        }
    }
}

impl ConsistentHash {
    /// Returns the key of a request; `None` if it has none of the configured ones.
    #[must_use]
    pub fn key<'r>(&self, request: &'r Request) -> Option<HashKey<'r>> {
        let key = |source| move |bytes| HashKey { source, bytes };
        let claim = || self.claim_of(request).map(key(KeySource::Claim));
        let header = || self.header_of(request).map(key(KeySource::Header));
        let parameter = || self.parameter_of(request).map(key(KeySource::QueryParameter));
        let cookie = || self.cookie_of(request).map(key(KeySource::Cookie));
        let address = || self.address_of(request).map(key(KeySource::SourceIp));
        claim().or_else(header).or_else(parameter).or_else(cookie).or_else(address)
    }

    /// Returns the cookie to issue to a request without a key.
    #[must_use]
    pub fn issued_cookie(&self) -> Option<&HashCookie> {
        self.http_cookie.as_ref().filter(|cookie| cookie.ttl.is_some())
    }

    /// Returns the parts of a request that must be read.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs {
            query: self.http_query_parameter_name.is_some(),
            cookies: self.http_cookie.is_some(),
            claims: self.claim.is_some(),
            source_address: self.use_source_ip,
            ..Needs::default()
        };
        needs.headers.extend(self.http_header_name.iter().map(ToString::to_string));
        needs.headers.extend(needs.query.then(|| ":path".to_owned()));
        needs.headers.extend(needs.cookies.then(|| "cookie".to_owned()));
        needs
    }

    fn claim_of<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        let bytes = self.claim.as_ref()?.find_scalar(request.claims.as_ref()?)?;
        (!bytes.is_empty()).then_some(bytes)
    }

    fn header_of<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        let value = request.headers.first(self.http_header_name.as_ref()?.as_str())?;
        (!value.is_empty()).then_some(Cow::Borrowed(value))
    }

    fn parameter_of<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        let name = self.http_query_parameter_name.as_ref()?;
        let target = request.headers.first(":path")?;
        let path = RequestPath::new(target, PathNormalization::None);
        let mut parameters = path.parameters();
        let (_, value) = parameters.find(|(found, _)| **found == *name.as_bytes())?;
        (!value.is_empty()).then_some(value)
    }

    fn cookie_of<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        let name = self.http_cookie.as_ref()?.name.as_bytes();
        let (_, value) = cookies(&request.headers).find(|(found, _)| *found == name)?;
        (!value.is_empty()).then_some(Cow::Borrowed(value))
    }

    fn address_of(&self, request: &Request) -> Option<Cow<'static, [u8]>> {
        let address = request.source_address.filter(|_| self.use_source_ip)?;
        Some(Cow::Owned(address.to_string().into_bytes()))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Document {
    claim: Option<ClaimPath>,
    http_header_name: Option<HeaderName>,
    #[serde(deserialize_with = "parameter_name")]
    http_query_parameter_name: Option<String>,
    http_cookie: Option<HashCookie>,
    use_source_ip: bool,
    #[serde(deserialize_with = "misplaced::in_destination_rule")]
    ring_hash: (),
    #[serde(deserialize_with = "misplaced::in_destination_rule")]
    maglev: (),
    #[serde(deserialize_with = "misplaced::in_destination_rule")]
    minimum_ring_size: (),
}

impl TryFrom<Document> for ConsistentHash {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, &'static str> {
        let Document { ring_hash: (), maglev: (), minimum_ring_size: (), .. } = document;
        let hash = Self {
            claim: document.claim,
            http_header_name: document.http_header_name,
            http_query_parameter_name: document.http_query_parameter_name,
            http_cookie: document.http_cookie,
            use_source_ip: document.use_source_ip,
        };
        if hash.needs().is_empty() {
            return Err(
                "must name a key: claim, httpHeaderName, httpQueryParameterName, httpCookie or useSourceIp: true",
            );
        }
        if hash.use_source_ip && hash.issued_cookie().is_some() {
            return Err(
                "must not have both useSourceIp and httpCookie.ttl: every request has an address",
            );
        }
        Ok(hash)
    }
}

fn parameter_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let missing = || serde::de::Error::custom("must not be empty");
    if name.is_empty() { Err(missing()) } else { Ok(Some(name)) }
}

#[cfg(test)]
mod tests;
