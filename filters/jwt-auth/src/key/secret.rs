//! Shared secrets in the supported encodings.

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};

use super::{InvalidKey, Key};
use crate::config::SecretEncoding;

/// The minimum length of text that is taken for hexadecimal digits rather than base64.
const MIN_HEX_DIGITS: usize = 32;
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

impl Key {
    /// Parses a shared secret.
    ///
    /// # Errors
    ///
    /// Fails if the secret cannot verify signatures.
    pub fn from_secret(
        text: &str,
        encoding: SecretEncoding,
        id: Option<String>,
        alg: &str,
    ) -> Result<Self, InvalidKey> {
        let without_whitespace = || text.split_ascii_whitespace().collect::<String>();
        let secret = match encoding {
            SecretEncoding::Text => Some(text.as_bytes().to_vec()),
            SecretEncoding::Hex => from_hex(&without_whitespace()),
            SecretEncoding::Base64 => BASE64.decode(without_whitespace()).ok(),
            SecretEncoding::Base64url => BASE64URL.decode(without_whitespace()).ok(),
        };
        let secret = secret.ok_or(InvalidKey::SecretForm(encoding))?;
        Self::from_secret_bytes(&secret)?.with_metadata(id, Some(alg))
    }
}

/// Returns `true` if a text is more likely hexadecimal than base64.
pub(crate) fn looks_like_hex(text: &str) -> bool {
    let text = text.trim();
    text.len() >= MIN_HEX_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4) | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::{algorithm::Algorithm, crypto::Crypto};

    use SecretEncoding::{Base64, Base64url, Hex, Text};

    const HEX: &str = "00ff10fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fb";

    fn read(text: &str, encoding: SecretEncoding) -> Result<Key, InvalidKey> {
        Key::from_secret(text, encoding, None, "HS256")
    }

    #[test]
    fn reads_secrets_in_every_encoding() {
        let secret = from_hex(HEX).unwrap();
        let message = b"message";
        let good = jsonwebtoken::EncodingKey::from_secret(&secret);
        let text = jsonwebtoken::EncodingKey::from_secret(HEX.as_bytes());
        for (written, encoding, signer) in [
            (BASE64.encode(&secret), Base64, &good),
            (BASE64.encode(&secret).replace('=', ""), Base64, &good),
            (format!(" {}\n", BASE64.encode(&secret)), Base64, &good),
            (BASE64URL.encode(&secret), Base64url, &good),
            (BASE64URL.encode(&secret).replace('=', ""), Base64url, &good),
            (HEX.to_owned(), Hex, &good),
            (HEX.to_uppercase(), Hex, &good),
            (format!("{HEX}\n"), Hex, &good),
            (HEX.to_owned(), Text, &text),
        ] {
            let key = read(&written, encoding).unwrap();
            let named = jsonwebtoken::Algorithm::HS256;
            let signature = jsonwebtoken::crypto::sign(message, signer, named).unwrap();
            let signature = BASE64URL.decode(signature).unwrap();
            let check = key.verify(&Crypto::pure(), Algorithm::Hs256, &signature, message);
            assert!(check.valid, "{written} as {encoding:?}");
        }
    }

    #[test]
    fn refuses_secrets_in_another_encoding() {
        let secret = from_hex(HEX).unwrap();
        for (written, encoding) in [
            (BASE64URL.encode(&secret), Base64),
            (BASE64.encode(&secret), Base64url),
            (BASE64.encode(&secret), Hex),
            (HEX[1..].to_owned(), Hex),
            (format!("0x{HEX}"), Hex),
            ("\u{e4}".repeat(40), Hex),
        ] {
            let reason = InvalidKey::SecretForm(encoding);
            assert_eq!(read(&written, encoding).err(), Some(reason), "{written} as {encoding:?}");
        }
        for (written, encoding) in [("", Base64), ("", Text), (&HEX[..62], Hex), ("short", Text)] {
            assert_eq!(read(written, encoding).err(), Some(InvalidKey::ShortSecret), "{written}");
        }
    }

    #[test]
    fn recognizes_hexadecimal_digits() {
        for (text, looks) in [(HEX, true), (&HEX[..31], false), ("AAAAg", false), ("", false)] {
            assert_eq!(looks_like_hex(text), looks, "{text}");
        }
    }
}
