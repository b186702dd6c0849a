//! Contents of fetched documents.

use std::{collections::HashSet, rc::Rc};

use serde::Deserialize;

use super::{FetchError, Kind};
use crate::{crypto::Crypto, key_set::KeySet};

/// A parsed document.
#[derive(Clone, Debug)]
pub enum Content {
    /// The keys of an issuer.
    Keys(Rc<KeySet>),
    /// The `jti` of revoked tokens.
    DenyList(Rc<HashSet<Box<str>>>),
}

/// The maximum number of entries of a deny list.
const MAX_DENIED: usize = 50_000;

#[derive(Deserialize)]
struct DenyList {
    jti: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Content {
    /// Parses a document; also returns a line for each ignored key.
    pub(super) fn parse(
        kind: Kind,
        body: &[u8],
        crypto: &Crypto,
    ) -> Result<(Self, Vec<String>), FetchError> {
        match kind {
            Kind::Keys => {
                let (keys, key_warnings) =
                    KeySet::parse_remote(body, crypto).map_err(|_| FetchError::NotAKeySet)?;
                let line = |(index, reason): &(usize, _)| format!("key {index}: {reason}");
                let ignored = key_warnings.ignored.iter().map(line).collect();
                Ok((Self::Keys(Rc::new(keys)), ignored))
            }
            Kind::DenyList => {
                let list: DenyList =
                    serde_json::from_slice(body).map_err(|_| FetchError::NotADenyList)?;
                if list.jti.len() > MAX_DENIED {
                    return Err(FetchError::NotADenyList);
                }
                Ok((Self::DenyList(Rc::new(list.jti.into_iter().collect())), Vec::new()))
            }
        }
    }
}

/// Parses a discovery document (OpenID Connect Discovery 1.0 section 4.3) and returns its
/// `jwks_uri`.
pub(super) fn discovered_jwks_uri(body: &[u8], issuer: &str) -> Result<String, FetchError> {
    let document: Discovery = serde_json::from_slice(body).map_err(|_| FetchError::NotDiscovery)?;
    if document.issuer == issuer { Ok(document.jwks_uri) } else { Err(FetchError::WrongIssuer) }
}
