//! Contents of fetched documents.

use std::{collections::HashSet, rc::Rc};

use filter_core::remote::{InvalidDocument, Parsed};
use serde::Deserialize;

use super::Kind;
use crate::{crypto::Crypto, key_set::KeySet};

/// A parsed document.
#[derive(Clone, Debug)]
pub enum Content {
    /// The keys of an issuer.
    Keys(Rc<KeySet>),
    /// The `jti` of revoked tokens.
    DenyList(Rc<HashSet<Box<str>>>),
}

const NOT_A_KEY_SET: InvalidDocument =
    InvalidDocument::new(4, "the answer is not a JSON key set with 1 to 100 usable keys");
const NOT_A_DENY_LIST: InvalidDocument =
    InvalidDocument::new(5, "the answer is not a JSON deny list of at most 50000 entries");
const NOT_DISCOVERY: InvalidDocument =
    InvalidDocument::new(6, "the answer is not a discovery document");
const WRONG_ISSUER: InvalidDocument =
    InvalidDocument::new(7, "the discovery document is of another issuer: set jwksUri");

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
    ) -> Result<Parsed<Self>, InvalidDocument> {
        match kind {
            Kind::Keys => {
                let (keys, key_warnings) =
                    KeySet::parse_remote(body, crypto).map_err(|_| NOT_A_KEY_SET)?;
                let line = |(index, reason): &(usize, _)| format!("key {index}: {reason}");
                let ignored = key_warnings.ignored.iter().map(line).collect();
                Ok(Parsed { content: Self::Keys(Rc::new(keys)), ignored })
            }
            Kind::DenyList => {
                let list: DenyList = serde_json::from_slice(body).map_err(|_| NOT_A_DENY_LIST)?;
                if list.jti.len() > MAX_DENIED {
                    return Err(NOT_A_DENY_LIST);
                }
                let content = Self::DenyList(Rc::new(list.jti.into_iter().collect()));
                Ok(Parsed { content, ignored: Vec::new() })
            }
        }
    }
}

/// Parses a discovery document (OpenID Connect Discovery 1.0 section 4.3) and returns its
/// `jwks_uri`.
pub(super) fn discovered_jwks_uri(body: &[u8], issuer: &str) -> Result<String, InvalidDocument> {
    let document: Discovery = serde_json::from_slice(body).map_err(|_| NOT_DISCOVERY)?;
    if document.issuer == issuer { Ok(document.jwks_uri) } else { Err(WRONG_ISSUER) }
}
