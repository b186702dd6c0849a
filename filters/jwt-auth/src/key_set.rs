//! Key sets (RFC 7517 section 5) and the choice of keys for a token.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    algorithm::Algorithm,
    crypto::Crypto,
    key::{InvalidKey, Key, PEM_BEGIN, ParsedJwk},
};

/// At most this many usable keys make a set.
pub const MAX_KEYS: usize = 100;
/// At most this many keys are looked at, so that a server cannot fill the log with useless ones.
const MAX_LISTED: usize = 1_000;

/// The keys of one issuer, in the order of their document.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// What a key set's document held besides usable keys.
#[derive(Debug, Default)]
pub struct KeyWarnings {
    /// Keys that were left out: their place in the document, and why.
    pub ignored: Vec<(usize, InvalidKey)>,
    /// Places of keys that came with their private half, which was dropped.
    pub private: Vec<usize>,
    /// Places of shared secrets, which anyone who may read the document can forge with.
    pub secret: Vec<usize>,
}

/// Says why a document is no key set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKeySet {
    /// The text is neither a JSON object with a list `keys` nor an object of certificates.
    #[error(
        "must be a JSON object with a list `keys`, or with a certificate for each `kid`, at line \
         {line} column {column}"
    )]
    Malformed {
        /// Where it is wrong, counted from 1.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// No key of the list can be used.
    #[error("holds no usable key{}", first_reason(.0))]
    Empty(Option<InvalidKey>),
    /// More keys than are served, or more than are looked at.
    #[error("holds more than 100 usable keys, or more than 1000 of any kind")]
    TooMany,
}

fn first_reason(reason: &Option<InvalidKey>) -> String {
    reason.as_ref().map_or_else(String::new, |reason| format!(": the first one {reason}"))
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// A key as written in its document.
enum RawKey {
    Jwk(Value),
    /// A certificate under its `kid`, the form of Google and Firebase.
    Certificate(String, Value),
}

impl RawKey {
    fn all(text: &[u8]) -> Result<Vec<Self>, InvalidKeySet> {
        let error = match serde_json::from_slice::<Document>(text) {
            Ok(document) => return Ok(document.keys.into_iter().map(Self::Jwk).collect()),
            Err(error) => error,
        };
        let is_pem = |value: &Value| value.as_str().is_some_and(|text| text.contains(PEM_BEGIN));
        match serde_json::from_slice::<Map<String, Value>>(text) {
            Ok(members) if !members.contains_key("keys") && members.values().any(is_pem) => {
                Ok(members.into_iter().map(|(id, pem)| Self::Certificate(id, pem)).collect())
            }
            _ => Err(InvalidKeySet::Malformed { line: error.line(), column: error.column() }),
        }
    }

    fn read(self, crypto: &Crypto) -> Result<ParsedJwk, InvalidKey> {
        match self {
            Self::Jwk(jwk) => Key::from_jwk(jwk, crypto),
            Self::Certificate(id, pem) => {
                let pem = pem.as_str().ok_or(InvalidKey::NotCertificate)?;
                let key = Key::from_certificate_pem(pem, id, crypto)?;
                Ok(ParsedJwk { key, had_private_key: false })
            }
        }
    }
}

impl KeySet {
    /// Holds `keys`, every one of which is usable.
    pub const fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// Reads a JSON Web Key Set; keys that cannot be used are left out and listed.
    ///
    /// # Errors
    ///
    /// Fails if the text is no key set, holds no usable key or more than [`MAX_KEYS`], or more than
    /// 1,000 keys of any kind.
    pub fn parse(text: &[u8], crypto: &Crypto) -> Result<(Self, KeyWarnings), InvalidKeySet> {
        // Of what serde says only the place is kept: it shows values, of which one may be a secret.
        let listed = RawKey::all(text)?;
        if listed.len() > MAX_LISTED {
            return Err(InvalidKeySet::TooMany);
        }
        let mut set = Self::default();
        let mut key_warnings = KeyWarnings::default();
        for (place, jwk) in listed.into_iter().enumerate() {
            match jwk.read(crypto) {
                Err(reason) => key_warnings.ignored.push((place, reason)),
                Ok(found) => {
                    if found.had_private_key {
                        key_warnings.private.push(place);
                    }
                    if found.key.is_secret() {
                        key_warnings.secret.push(place);
                    }
                    set.keys.push(found.key);
                }
            }
        }
        match set.keys.len() {
            0 => Err(InvalidKeySet::Empty(key_warnings.ignored.into_iter().next().map(|(_, r)| r))),
            1..=MAX_KEYS => Ok((set, key_warnings)),
            _ => Err(InvalidKeySet::TooMany),
        }
    }

    /// Reads a JSON Web Key Set that came over the network, of which shared secrets are left out.
    ///
    /// # Errors
    ///
    /// Fails as [`KeySet::parse`] does.
    pub fn parse_remote(
        text: &[u8],
        crypto: &Crypto,
    ) -> Result<(Self, KeyWarnings), InvalidKeySet> {
        let (mut set, mut key_warnings) = Self::parse(text, crypto)?;
        let secrets = key_warnings.secret.iter().map(|place| (*place, InvalidKey::UnsupportedType));
        key_warnings.ignored.extend(secrets);
        set.keys.retain(|key| !key.is_secret());
        if set.keys.is_empty() { Err(InvalidKeySet::Empty(None)) } else { Ok((set, key_warnings)) }
    }

    /// Returns all keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Returns `true` if a key has this identifier, or if `id` is `None`.
    pub fn names(&self, id: Option<&str>) -> bool {
        id.is_none() || self.keys.iter().any(|key| key.id() == id)
    }

    /// Iterates over the keys that may have signed a token with this `kid` and `alg`.
    ///
    /// A key without an identifier fits every token, and is tried after the keys named by the
    /// token; a token without an identifier fits every key.
    pub fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        let named = self.keys.iter().filter(move |key| id.is_none() || key.id() == id);
        let anonymous = self.keys.iter().filter(move |key| id.is_some() && key.id().is_none());
        named.chain(anonymous).filter(move |key| key.algorithms().contains(algorithm))
    }
}

#[cfg(test)]
mod tests;
