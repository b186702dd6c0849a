//! HTTP requests for documents.

use std::{
    collections::hash_map::DefaultHasher,
    fmt,
    hash::{Hash, Hasher},
    rc::Rc,
    time::Duration,
};

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
    /// The `accept`.
    pub accept: &'static str,
    /// The `user-agent`; some servers and firewalls refuse requests without one.
    pub user_agent: &'static str,
    /// Additional headers, which may replace `accept` and `user-agent`.
    pub more: FetchHeaders,
    /// The `if-none-match`; `None` without a previous document.
    pub etag: Option<String>,
    /// The timeout.
    pub timeout: Duration,
}

/// Configured request headers with names in lower case. `Debug` hides the values.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct FetchHeaders(Rc<[(Box<str>, Box<str>)]>);

impl FetchHeaders {
    /// Creates headers from pairs of a name in lower case and a value.
    #[must_use]
    pub fn new(headers: Vec<(Box<str>, Box<str>)>) -> Self {
        Self(headers.into())
    }

    /// Returns a hash of the headers, which does not reveal their values; empty without headers.
    ///
    /// It is the same in all workers, because the hasher is not seeded.
    pub(super) fn fingerprint(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!(" {:016x}", hasher.finish())
    }
}

impl fmt::Debug for FetchHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Call {
    /// Returns the request's headers.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let more = self.more.0.iter().map(|(name, value)| (&**name, &**value));
        let is_replaced = |name: &str| self.more.0.iter().any(|(other, _)| **other == *name);
        let mut headers = vec![
            (":method", "GET"),
            (":scheme", self.scheme),
            (":authority", &*self.authority),
            (":path", &*self.path),
        ];
        let defaults = [("accept", self.accept), ("user-agent", self.user_agent)];
        headers.extend(defaults.into_iter().filter(|(name, _)| !is_replaced(name)));
        headers.extend(more);
        headers.extend(self.etag.as_deref().map(|etag| ("if-none-match", etag)));
        headers
    }
}
