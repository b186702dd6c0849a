//! Fetch errors.

use std::fmt;

/// The reason why a fetch failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FetchError {
    /// The proxy has no cluster of that name.
    NoCluster,
    /// The call ended without an answer.
    NoAnswer,
    /// The answer has a status other than 200.
    Status(u16),
    /// The answer is longer than [`SourceSpec::max_bytes`](super::SourceSpec::max_bytes).
    TooLarge,
    /// The answer is not a key set with 1 to 100 usable keys.
    NotAKeySet,
    /// The answer is not a deny list of at most 50,000 entries.
    NotADenyList,
    /// The answer is not a discovery document.
    NotDiscovery,
    /// The discovery document is of another issuer.
    WrongIssuer,
    /// The `jwks_uri` of the discovery document cannot be used.
    WrongJwksUri,
}

impl FetchError {
    /// Returns the unique code of the error, which is never 0.
    pub const fn code(self) -> u64 {
        match self {
            Self::NoCluster => 1,
            Self::NoAnswer => 2,
            Self::TooLarge => 3,
            Self::NotAKeySet => 4,
            Self::NotADenyList => 5,
            Self::NotDiscovery => 6,
            Self::WrongIssuer => 7,
            Self::WrongJwksUri => 8,
            Self::Status(status) => 1_000_u64.saturating_add(status as u64),
        }
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
            Self::NotAKeySet => "the answer is not a JSON key set with 1 to 100 usable keys",
            Self::NotADenyList => "the answer is not a JSON deny list of at most 50000 entries",
            Self::NotDiscovery => "the answer is not a discovery document",
            Self::WrongIssuer => "the discovery document is of another issuer: set jwksUri",
            Self::WrongJwksUri => "the discovery document's jwks_uri cannot be used: set jwksUri",
        })
    }
}
