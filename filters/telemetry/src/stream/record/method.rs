//! Request methods as a closed set.

/// A method of RFC 9110, or PATCH (RFC 5789).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the names are those of the RFCs")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    /// Any other method, or none.
    #[default]
    Other,
}

impl Method {
    /// Every method, in the order of the variants.
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Delete,
        Self::Connect,
        Self::Options,
        Self::Trace,
        Self::Patch,
        Self::Other,
    ];

    /// Parses a `:method`.
    #[must_use]
    pub fn from_bytes(method: &[u8]) -> Self {
        let known = Self::ALL.into_iter().find(|known| known.as_str().as_bytes() == method);
        known.unwrap_or_default()
    }

    /// Returns the method name; `other` for [`Method::Other`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Other => "other",
        }
    }
}
