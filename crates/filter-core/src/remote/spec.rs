//! Configurations of sources.

use std::{fmt, rc::Rc, time::Duration};

use super::{Endpoint, FetchHeaders, InvalidDocument};

/// The configuration of a fetched document, with its parser and the constants of its filter.
pub trait DocumentSpec: fmt::Debug {
    /// A parsed document.
    type Content: Clone + fmt::Debug;
    /// Inputs of the parser besides the document.
    type Parser: fmt::Debug;
    /// A counter of the filter.
    type Metric: Clone + Copy + fmt::Debug + PartialEq;

    /// The name of the filter, which is a part of the keys of shared data.
    const FILTER: &'static str;
    /// The `accept` header of the calls.
    const ACCEPT: &'static str;
    /// The `user-agent` header of the calls.
    const USER_AGENT: &'static str;
    /// The word for entries of a document in the log, such as "keys".
    const ENTRIES: &'static str;
    /// The error for a discovered URL that cannot be used.
    const UNUSABLE_URI: InvalidDocument;

    /// Returns the configuration of the fetches.
    fn fetch(&self) -> &FetchSpec;

    /// Returns the kind of document, which is a part of the keys of shared data. It determines the
    /// parser.
    fn kind_name(&self) -> &'static str;

    /// Returns the document's name for the log.
    fn label(&self) -> String;

    /// Returns the maximum size of the document in bytes.
    fn max_bytes(&self) -> usize;

    /// Parses a document.
    ///
    /// # Errors
    ///
    /// Fails if the document cannot be used; the previous one then remains in use.
    fn parse(
        &self,
        body: &[u8],
        parser: &Self::Parser,
    ) -> Result<Parsed<Self::Content>, InvalidDocument>;

    /// Returns the URL in the discovery document of an issuer.
    ///
    /// # Errors
    ///
    /// Fails if the discovery document is invalid or of another issuer.
    fn discover(&self, _body: &[u8], _issuer: &str) -> Result<String, InvalidDocument> {
        Err(Self::UNUSABLE_URI)
    }

    /// Returns the counter of an event; `None` if it is not counted.
    fn metric(&self, event: FetchEvent) -> Option<Self::Metric>;

    /// Returns the key of a slot in shared data.
    ///
    /// It depends only on the request for the document, so that a new configuration finds the
    /// documents of the previous one.
    fn slot(&self, slot: Slot) -> String {
        let slot = match slot {
            Slot::Control => "control",
            Slot::Document => "document",
        };
        let fetch = self.fetch();
        let (is_secure, endpoint, issuer) = match &fetch.origin {
            Origin::Url(endpoint) => (endpoint.is_secure(), endpoint, ""),
            Origin::Discovered { issuer, document } => (document.is_secure(), document, &**issuer),
        };
        let scheme = if is_secure { "https" } else { "http" };
        let (filter, kind) = (Self::FILTER, self.kind_name());
        let (authority, path) = (endpoint.authority(), endpoint.path());
        let (cluster, headers) = (&fetch.cluster, fetch.headers.fingerprint());
        format!(
            "weir.{filter}.1.{slot}.{kind} {scheme}://{authority}{path} {issuer} {cluster}{headers}"
        )
    }
}

/// The result of parsing a document.
#[derive(Debug)]
pub struct Parsed<C> {
    /// The content.
    pub content: C,
    /// A line for each ignored entry.
    pub ignored: Vec<String>,
}

/// An event of a fetch that a filter may count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FetchEvent {
    /// A document was fetched.
    Fetched,
    /// The server confirmed the last document.
    NotModified,
    /// A fetch failed.
    Failed,
    /// An early fetch was started.
    EarlyFetch,
    /// An entry of a new document was ignored.
    EntryIgnored,
    /// A worker replaced a document by one with different content.
    Replaced,
}

/// The configuration of fetches.
#[derive(Debug)]
pub struct FetchSpec {
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
    /// The minimum time between early fetches; zero disables them.
    pub refetch_interval: Duration,
}

impl FetchSpec {
    /// Returns the length of a lease, which outlasts a call.
    pub(super) const fn lease(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
    }
}

/// The location of a document.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A configured URL.
    Url(Endpoint),
    /// The URL in an issuer's discovery document, such as `jwks_uri` of OpenID Connect.
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

/// A slot in shared data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The control record.
    Control,
    /// The document.
    Document,
}
