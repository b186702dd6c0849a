//! Fetch errors.

use std::{borrow::Cow, fmt};

/// The reason why a fetch failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FetchError {
    /// The proxy has no cluster of that name.
    NoCluster,
    /// The call ended without an answer.
    NoAnswer,
    /// The answer has a status other than 200.
    Status(u16),
    /// The answer is longer than [`DocumentSpec::max_bytes`](super::DocumentSpec::max_bytes).
    TooLarge,
    /// The content of the answer is invalid.
    Invalid(InvalidDocument),
}

/// Error for the content of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidDocument {
    /// The number of the error, 4 to 999 or at least 100,000, unique in the filter. A failure is
    /// not logged again while its number stays the same.
    pub code: u64,
    /// The message, such as "the answer is not a discovery document". It must not contain parts of
    /// the document.
    pub text: Cow<'static, str>,
}

impl InvalidDocument {
    /// Creates an error with a constant text.
    #[must_use]
    pub const fn new(code: u64, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text) }
    }
}

impl FetchError {
    /// Returns the unique code of the error, which is never 0.
    #[must_use]
    pub const fn code(&self) -> u64 {
        match self {
            Self::NoCluster => 1,
            Self::NoAnswer => 2,
            Self::TooLarge => 3,
            Self::Invalid(invalid) => invalid.code,
            Self::Status(status) => 1_000_u64.saturating_add(*status as u64),
        }
    }
}

impl From<InvalidDocument> for FetchError {
    fn from(invalid: InvalidDocument) -> Self {
        Self::Invalid(invalid)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoCluster => {
                "the proxy has no such cluster: an external host needs a ServiceEntry, and for \
                 https a DestinationRule that originates TLS; a Sidecar scope may hide it"
            }
            Self::NoAnswer => "no answer was received",
            Self::Status(status) => return write!(out, "the answer has status {status}"),
            Self::TooLarge => "the answer is too large",
            Self::Invalid(invalid) => &invalid.text,
        })
    }
}
