//! Fetched key sets and deny lists.
//!
//! The fetches are those of [`remote`]; this module parses the documents.

use std::{rc::Rc, time::Duration};

use filter_core::remote::{self, FetchEvent, InvalidDocument, Parsed};

use crate::{Metric, config::ColdStart, crypto::Crypto};

mod content;

pub use content::Content;
pub use filter_core::remote::{
    Answer, Call, Control, Document, DocumentSpec, Event, FetchHeaders, FetchSpec, Freshness,
    Origin, Refetch, Revision, Slot,
};

/// One worker's state of a key set or a deny list.
pub type Source = remote::Source<SourceSpec>;
/// An output of a [`Source`].
pub type Effect = remote::Effect<Metric>;
/// The availability of a document.
pub type State = remote::State<Content>;

/// The configuration of a key set or a deny list.
#[derive(Debug)]
pub struct SourceSpec {
    /// The name of the provider that uses the document.
    pub provider: Rc<str>,
    /// The kind of document.
    pub kind: Kind,
    /// The configuration of the fetches.
    pub fetch: FetchSpec,
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

impl DocumentSpec for SourceSpec {
    type Content = Content;
    type Parser = Crypto;
    type Metric = Metric;

    const FILTER: &'static str = "jwt-auth";
    /// The media type of key sets (RFC 7517 section 8.5.2), the one that most servers send, and any
    /// other to avoid status 406.
    const ACCEPT: &'static str = "application/jwk-set+json, application/json, */*;q=0.1";
    const USER_AGENT: &'static str = concat!("weir-jwt-auth/", env!("CARGO_PKG_VERSION"));
    const ENTRIES: &'static str = "keys";
    const UNUSABLE_URI: InvalidDocument =
        InvalidDocument::new(8, "the discovery document's jwks_uri cannot be used: set jwksUri");

    fn fetch(&self) -> &FetchSpec {
        &self.fetch
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Keys => "keys",
            Kind::DenyList => "denied",
        }
    }

    fn label(&self) -> String {
        let kind = match self.kind {
            Kind::Keys => "key set",
            Kind::DenyList => "deny list",
        };
        format!("{kind} of provider {}", self.provider)
    }

    fn max_bytes(&self) -> usize {
        match self.kind {
            Kind::Keys => 256 * 1024,
            Kind::DenyList => 1024 * 1024,
        }
    }

    fn parse(&self, body: &[u8], crypto: &Crypto) -> Result<Parsed<Content>, InvalidDocument> {
        Content::parse(self.kind, body, crypto)
    }

    fn discover(&self, body: &[u8], issuer: &str) -> Result<String, InvalidDocument> {
        content::discovered_jwks_uri(body, issuer)
    }

    fn metric(&self, event: FetchEvent) -> Option<Metric> {
        match (event, self.kind) {
            (FetchEvent::Failed, Kind::DenyList) => Some(Metric::RevocationFetchFailed),
            (FetchEvent::EarlyFetch, _) => Some(Metric::JwksRefetchUnknownKid),
            (_, Kind::DenyList) => None,
            (FetchEvent::Fetched, Kind::Keys) => Some(Metric::JwksFetchSuccess),
            (FetchEvent::NotModified, Kind::Keys) => Some(Metric::JwksFetchNotModified),
            (FetchEvent::Failed, Kind::Keys) => Some(Metric::JwksFetchFailed),
            (FetchEvent::EntryIgnored, Kind::Keys) => Some(Metric::JwksKeysIgnored),
            (FetchEvent::Replaced, Kind::Keys) => Some(Metric::TokenCacheFlushes),
        }
    }
}

#[cfg(test)]
mod tests;
