//! What a fetched document means.

use std::{collections::HashSet, rc::Rc};

use serde::Deserialize;

use super::{Kind, Trouble};
use crate::{crypto::Crypto, key_set::KeySet};

/// A document that was read.
#[derive(Clone, Debug)]
pub enum Content {
    /// The keys of an issuer.
    Keys(Rc<KeySet>),
    /// The `jti` of tokens that are refused.
    DenyList(Rc<HashSet<Box<str>>>),
}

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
    /// Reads a document; also returns why keys of it are left out.
    pub(super) fn parse(
        kind: Kind,
        body: &[u8],
        crypto: &Crypto,
    ) -> Result<(Self, Vec<String>), Trouble> {
        match kind {
            Kind::Keys => {
                let (keys, leftovers) =
                    KeySet::parse_remote(body, crypto).map_err(|_| Trouble::NotAKeySet)?;
                let reason = |(place, reason): &(usize, _)| format!("key {place}: {reason}");
                let ignored = leftovers.ignored.iter().map(reason).collect();
                Ok((Self::Keys(Rc::new(keys)), ignored))
            }
            Kind::DenyList => {
                let list: DenyList =
                    serde_json::from_slice(body).map_err(|_| Trouble::NotADenyList)?;
                if list.jti.len() > MAX_DENIED {
                    return Err(Trouble::NotADenyList);
                }
                Ok((Self::DenyList(Rc::new(list.jti.into_iter().collect())), Vec::new()))
            }
        }
    }
}

/// Reads a discovery document (OpenID Connect Discovery 1.0 section 4.3) and returns where the
/// keys are.
pub(super) fn discovered(body: &[u8], issuer: &str) -> Result<String, Trouble> {
    let document: Discovery = serde_json::from_slice(body).map_err(|_| Trouble::NotDiscovery)?;
    if document.issuer == issuer { Ok(document.jwks_uri) } else { Err(Trouble::WrongIssuer) }
}
