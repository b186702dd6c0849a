//! Redaction of values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::redaction::Redaction;

/// Redacts values with the key of the proxy. Without a key, it masks instead of hashing.
#[derive(Clone)]
pub struct Redactor(Option<Hmac<Sha256>>);

const MASK: &str = "***";

/// Number of bytes of a hash in the output, each as two digits.
const HASH_BYTES: usize = 8;

impl Redactor {
    /// Creates a redactor with the key of its hashes.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        // HMAC accepts keys of any length.
        Hmac::new_from_slice(key).ok().map(|mac| Self(Some(mac)))
    }

    /// Creates a redactor without a key.
    #[must_use]
    pub const fn masking() -> Self {
        Self(None)
    }

    /// Returns the redacted value.
    #[must_use]
    pub fn redact(&self, redaction: Redaction, value: &[u8]) -> String {
        match redaction {
            Redaction::Hash => self.hash(value),
            Redaction::TruncateIp => truncate_each(value),
            Redaction::Mask => MASK.to_owned(),
        }
    }

    fn hash(&self, value: &[u8]) -> String {
        let Some(mut mac) = self.0.clone() else { return MASK.to_owned() };
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Redactor")
    }
}

/// Truncates each address of a comma-separated list such as `x-forwarded-for`. Anything else is
/// masked.
fn truncate_each(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let truncated = text.split(',').map(|part| truncate(part.trim()));
    truncated.collect::<Vec<_>>().join(", ")
}

fn truncate(text: &str) -> String {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = text.parse::<SocketAddr>().map(|socket| socket.ip());
    match address.or_else(|_| bare.parse()).map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
        Err(_) => MASK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn addresses_are_truncated() {
        let redactor = Redactor::new(b"k").unwrap();
        for (value, shown) in [
            ("10.1.2.3", "10.1.2.0"),
            ("10.1.2.3:8080", "10.1.2.0"),
            ("2001:db8:1:2::9", "2001:db8:1::"),
            ("[2001:db8:1:2::9]:443", "2001:db8:1::"),
            ("[2001:db8:1:2::9]", "2001:db8:1::"),
            ("::ffff:10.1.2.3", "10.1.2.0"),
            ("10.1.2.3, 192.168.7.9", "10.1.2.0, 192.168.7.0"),
            ("unknown", "***"),
            ("10.1.2.3,x", "10.1.2.0, ***"),
            ("", "***"),
        ] {
            assert_eq!(redactor.redact(Redaction::TruncateIp, value.as_bytes()), shown, "{value}");
        }
    }

    #[test]
    fn hashes_are_truncated_hmacs() {
        // RFC 4231, test case 2.
        let redactor = Redactor::new(b"Jefe").unwrap();
        let shown = redactor.redact(Redaction::Hash, b"what do ya want for nothing?");
        assert_eq!(shown, "5bdcc146bf60754e");
        let other = Redactor::new(b"Jefa").unwrap();
        assert_ne!(other.redact(Redaction::Hash, b"what do ya want for nothing?"), shown);
    }

    #[test]
    fn masks_hide_the_length() {
        assert_eq!(Redactor::masking().redact(Redaction::Hash, b"secret"), "***");
        let redactor = Redactor::new(&[0; 100]).unwrap();
        assert_eq!(redactor.redact(Redaction::Mask, b""), "***");
        assert_eq!(redactor.redact(Redaction::Mask, &[0xFF; 40]), "***");
        assert_eq!(format!("{redactor:?}"), "Redactor");
    }
}
