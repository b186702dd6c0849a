//! Key sets (RFC 7517 section 5) and the choice of keys for a token.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    algorithm::Algorithm,
    crypto::Crypto,
    key::{InvalidKey, Key, PEM_BEGIN, ParsedJwk},
};

/// The maximum number of usable keys in a set.
pub const MAX_KEYS: usize = 100;
/// The maximum number of keys of any kind, so that a server cannot flood the log with useless ones.
const MAX_RAW_KEYS: usize = 1_000;

/// The keys of one issuer, in the order of their document.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Findings in a key set. The numbers are indices in the document.
#[derive(Debug, Default)]
pub struct KeyWarnings {
    /// Ignored keys, with the reasons.
    pub ignored: Vec<(usize, InvalidKey)>,
    /// Keys with a private half, which was dropped.
    pub private: Vec<usize>,
    /// Shared secrets, with which every reader of the document can forge tokens.
    pub secret: Vec<usize>,
}

/// The reason why a document is not a usable key set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKeySet {
    /// The text is neither a JSON object with a list `keys` nor an object of certificates.
    #[error(
        "must be a JSON object with a list `keys`, or with a certificate for each `kid`, at line \
         {line} column {column}"
    )]
    Malformed {
        /// The line of the error, counted from 1.
        line: usize,
        /// The column of the error, counted from 1.
        column: usize,
    },
    /// No key is usable.
    #[error("holds no usable key{}", first_reason(.0))]
    Empty(Option<InvalidKey>),
    /// There are too many keys.
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

/// An unparsed key.
enum RawKey {
    Jwk(Value),
    /// A `kid` and its PEM certificate, as published by Google and Firebase.
    Certificate(String, Value),
}

impl RawKey {
    fn list(text: &[u8]) -> Result<Vec<Self>, InvalidKeySet> {
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

    fn parse(self, crypto: &Crypto) -> Result<ParsedJwk, InvalidKey> {
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
    /// Creates a set of usable keys.
    pub const fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// Parses a JSON Web Key Set; unusable keys are ignored and reported.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a key set or has no usable key, more than [`MAX_KEYS`] usable ones,
    /// or more than 1,000 of any kind.
    pub fn parse(text: &[u8], crypto: &Crypto) -> Result<(Self, KeyWarnings), InvalidKeySet> {
        // Only the position of serde's error is kept, because its text may show a secret.
        let raw = RawKey::list(text)?;
        if raw.len() > MAX_RAW_KEYS {
            return Err(InvalidKeySet::TooMany);
        }
        let mut set = Self::default();
        let mut key_warnings = KeyWarnings::default();
        for (index, raw_key) in raw.into_iter().enumerate() {
            match raw_key.parse(crypto) {
                Err(reason) => key_warnings.ignored.push((index, reason)),
                Ok(found) => {
                    if found.had_private_key {
                        key_warnings.private.push(index);
                    }
                    if found.key.is_secret() {
                        key_warnings.secret.push(index);
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

    /// Parses a fetched JSON Web Key Set; shared secrets are ignored.
    ///
    /// # Errors
    ///
    /// Fails like [`KeySet::parse`].
    pub fn parse_remote(
        text: &[u8],
        crypto: &Crypto,
    ) -> Result<(Self, KeyWarnings), InvalidKeySet> {
        let (mut set, mut key_warnings) = Self::parse(text, crypto)?;
        let secrets = key_warnings.secret.iter().map(|index| (*index, InvalidKey::UnsupportedType));
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

    /// Iterates over the keys that match a token with this `kid` and `alg`.
    ///
    /// Keys with the `kid` come first, then those without an identifier. All keys match a token
    /// without `kid`.
    pub fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        let named = self.keys.iter().filter(move |key| id.is_none() || key.id() == id);
        let without_id = self.keys.iter().filter(move |key| id.is_some() && key.id().is_none());
        named.chain(without_id).filter(move |key| key.algorithms().contains(algorithm))
    }
}

#[cfg(test)]
mod tests;
