//! What is configured about a source.

use std::{rc::Rc, time::Duration};

use super::FetchHeaders;
use crate::{config::ColdStart, endpoint::Endpoint};

/// A document that is fetched: where from, how often, and what to do without it.
#[derive(Debug)]
pub struct SourceSpec {
    /// The name of the provider that it serves.
    pub provider: Rc<str>,
    /// What the document holds.
    pub kind: Kind,
    /// Where it is.
    pub origin: Origin,
    /// The cluster that the first call goes to.
    pub cluster: Rc<str>,
    /// Additional request headers.
    pub headers: FetchHeaders,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long an answer is fresh.
    pub freshness: Freshness,
    /// How long after its freshness a document still serves while fetches fail.
    pub stale_if_error: Duration,
    /// The pause between fetches that requests ask for; zero means that they cannot.
    pub extra_interval: Duration,
    /// What becomes of requests before the first document.
    pub cold_start: ColdStart,
    /// How long a request waits at most.
    pub max_pause: Duration,
}

/// What a document holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A key set.
    Keys,
    /// Revoked token identifiers.
    DenyList,
}

/// Where a document is.
#[derive(Clone, Debug)]
pub enum Origin {
    /// At this URL.
    Url(Endpoint),
    /// Where the issuer's OpenID Connect discovery document says.
    Discovered {
        /// What the document must name as its issuer.
        issuer: Box<str>,
        /// Where the discovery document is.
        document: Endpoint,
    },
}

/// How long an answer is fresh.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// If the server says nothing.
    pub default: Duration,
    /// At least this long, whatever the server says.
    pub shortest: Duration,
    /// At most this long, whatever the server says.
    pub longest: Duration,
}

impl SourceSpec {
    /// Returns the name of a slot in shared data.
    ///
    /// Only what decides about the document's bytes is in it, so that another configuration finds
    /// what was fetched for this one.
    pub fn slot(&self, slot: Slot) -> String {
        let kind = match self.kind {
            Kind::Keys => "keys",
            Kind::DenyList => "denied",
        };
        let slot = match slot {
            Slot::Control => "control",
            Slot::Document => "document",
        };
        let (scheme, endpoint, issuer) = match &self.origin {
            Origin::Url(endpoint) => (endpoint.is_secure(), endpoint, ""),
            Origin::Discovered { issuer, document } => (document.is_secure(), document, &**issuer),
        };
        let scheme = if scheme { "https" } else { "http" };
        let (authority, path) = (endpoint.authority(), endpoint.path());
        let (cluster, headers) = (&self.cluster, self.headers.fingerprint());
        format!(
            "weir.jwt-auth.1.{slot}.{kind} {scheme}://{authority}{path} {issuer} {cluster}{headers}"
        )
    }

    /// Returns the largest document that is read, in bytes.
    pub const fn max_bytes(&self) -> usize {
        match self.kind {
            Kind::Keys => 256 * 1024,
            Kind::DenyList => 1024 * 1024,
        }
    }
}

/// A place in shared data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The record of times and lease.
    Control,
    /// The document.
    Document,
}
