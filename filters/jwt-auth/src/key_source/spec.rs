//! Configurations of sources.

use std::{rc::Rc, time::Duration};

use super::FetchHeaders;
use crate::{config::ColdStart, endpoint::Endpoint};

/// The configuration of a fetched document.
#[derive(Debug)]
pub struct SourceSpec {
    /// The name of the provider that uses the document.
    pub provider: Rc<str>,
    /// The kind of document.
    pub kind: Kind,
    /// The location of the document.
    pub origin: Origin,
    /// The cluster of the first call.
    pub cluster: Rc<str>,
    /// Additional request headers.
    pub headers: FetchHeaders,
    /// The timeout of one call.
    pub timeout: Duration,
    /// The freshness of answers.
    pub freshness: Freshness,
    /// The time after its freshness during which a document is still used while fetches fail.
    pub stale_if_error: Duration,
    /// The minimum time between fetches for unknown keys; zero disables them.
    pub refetch_interval: Duration,
    /// The handling of requests before the first document.
    pub cold_start: ColdStart,
    /// The maximum wait of a request.
    pub max_pause: Duration,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A key set.
    Keys,
    /// A list of revoked token identifiers.
    DenyList,
}

/// The location of a document.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A configured URL.
    Url(Endpoint),
    /// The `jwks_uri` of an issuer's OpenID Connect discovery document.
    Discovered {
        /// The issuer that the discovery document must name.
        issuer: Box<str>,
        /// The URL of the discovery document.
        document: Endpoint,
    },
}

/// The freshness of answers.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The freshness of an answer whose headers declare none.
    pub default: Duration,
    /// The minimum freshness.
    pub min: Duration,
    /// The maximum freshness.
    pub max: Duration,
}

impl SourceSpec {
    /// Returns the key of a slot in shared data.
    ///
    /// It depends only on the request for the document, so that a new configuration finds the
    /// documents of the previous one.
    pub fn slot(&self, slot: Slot) -> String {
        let kind = match self.kind {
            Kind::Keys => "keys",
            Kind::DenyList => "denied",
        };
        let slot = match slot {
            Slot::Control => "control",
            Slot::Document => "document",
        };
        let (is_secure, endpoint, issuer) = match &self.origin {
            Origin::Url(endpoint) => (endpoint.is_secure(), endpoint, ""),
            Origin::Discovered { issuer, document } => (document.is_secure(), document, &**issuer),
        };
        let scheme = if is_secure { "https" } else { "http" };
        let (authority, path) = (endpoint.authority(), endpoint.path());
        let (cluster, headers) = (&self.cluster, self.headers.fingerprint());
        format!(
            "weir.jwt-auth.1.{slot}.{kind} {scheme}://{authority}{path} {issuer} {cluster}{headers}"
        )
    }

    /// Returns the maximum size of the document in bytes.
    pub const fn max_bytes(&self) -> usize {
        match self.kind {
            Kind::Keys => 256 * 1024,
            Kind::DenyList => 1024 * 1024,
        }
    }
}

/// A slot in shared data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The control record.
    Control,
    /// The document.
    Document,
}
