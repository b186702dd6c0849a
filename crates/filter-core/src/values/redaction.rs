//! Configuration of redacted values.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// Settings of hashed values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactionConfig {
    /// Secret key of the hashes. Use the same key everywhere to correlate hashes across proxies.
    pub key: RedactionKey,
}

/// How a value is redacted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Redaction {
    /// The first 16 hexadecimal digits of the HMAC-SHA-256. Equal values have equal hashes.
    Hash,
    /// The network of an IP address: /24 for IPv4, /48 for IPv6.
    TruncateIp,
    /// Three asterisks (`***`).
    Mask,
}

/// A secret key of 16 to 256 bytes. It is never logged.
#[derive(Clone, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("maxLength" = 256))]
pub struct RedactionKey(String);

impl RedactionKey {
    /// Returns the key.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for RedactionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RedactionKey({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for RedactionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(key) if (16..=256).contains(&key.len()) => Ok(Self(key)),
            // The value is a secret, so it is not shown.
            _ => Err(D::Error::custom("must be text of 16 to 256 bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    #[test]
    fn keys_are_checked_and_never_shown() {
        let right: RedactionConfig = parse_config(br#"{"key": "0123456789abcdef"}"#).unwrap();
        assert_eq!(right.key.reveal(), b"0123456789abcdef");
        assert_eq!(format!("{:?}", right.key), "RedactionKey(16 bytes)");
        let long = "x".repeat(257);
        for wrong in [r#""0123456789abcde""#, &format!("\"{long}\""), "12345678901234567890"] {
            let document = format!("{{\"key\": {wrong}}}");
            let error = parse_config::<RedactionConfig>(document.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "key: must be text of 16 to 256 bytes");
        }
    }
}
