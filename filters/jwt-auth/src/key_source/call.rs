//! Requests for documents.

use std::{rc::Rc, time::Duration};

/// The media type of key sets (RFC 7517 section 8.5.2), that of most answers, and anything else:
/// no server has to refuse.
const ACCEPT: &str = "application/jwk-set+json, application/json, */*;q=0.1";
/// Some servers and firewalls refuse requests without it.
const USER_AGENT: &str = concat!("weir-jwt-auth/", env!("CARGO_PKG_VERSION"));

/// A `GET` request to a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// The cluster.
    pub cluster: Rc<str>,
    /// The `:scheme`.
    pub scheme: &'static str,
    /// The `:authority`.
    pub authority: String,
    /// The `:path`.
    pub path: String,
    /// The `if-none-match`, if a document is known.
    pub etag: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Call {
    /// Returns the request's headers.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![
            (":method", "GET"),
            (":scheme", self.scheme),
            (":authority", &*self.authority),
            (":path", &*self.path),
            ("accept", ACCEPT),
            ("user-agent", USER_AGENT),
        ];
        headers.extend(self.etag.as_deref().map(|etag| ("if-none-match", etag)));
        headers
    }
}
