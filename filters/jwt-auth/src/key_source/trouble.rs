//! Why a document was not fetched.

use std::fmt;

/// Says why a fetch failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// The proxy knows no cluster of that name.
    NoCluster,
    /// The call ended without an answer.
    NoAnswer,
    /// The answer has another status than 200.
    Status(u16),
    /// The answer is longer than is read.
    TooLarge,
    /// The answer is no key set with a usable key, or has too many.
    NotAKeySet,
    /// The answer is no deny list, or has too many entries.
    NotADenyList,
    /// The answer is no discovery document.
    NotDiscovery,
    /// The discovery document is another issuer's.
    WrongIssuer,
    /// The discovery document names no place that keys may be fetched from.
    WrongJwksUri,
}

impl Trouble {
    /// Returns a number of its own, which is never 0.
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

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoCluster => {
                "the proxy knows no such cluster: an external host needs a ServiceEntry, and for \
                 https a DestinationRule that originates TLS; a Sidecar scope may hide it"
            }
            Self::NoAnswer => "there was no answer",
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
