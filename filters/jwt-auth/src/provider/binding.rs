//! Tokens bound to a client certificate (RFC 8705 section 3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{config::CertificateBinding, denial::Rejection, token::Claims};

/// The request attribute with the SHA-256 of the peer's certificate, in hexadecimal.
///
/// It comes from the TLS handshake of the connection, not from a header.
pub(crate) const PEER_DIGEST: &str = "connection.sha256_peer_certificate_digest";

const DIGEST_BYTES: usize = 32;

/// Checks that the token is bound to the peer's certificate, as `binding` requires.
pub(super) fn check(
    binding: CertificateBinding,
    claims: &Claims,
    peer_digest: Option<&[u8]>,
) -> Result<(), Rejection> {
    let confirmation = claims.root().member("cnf");
    match (binding, confirmation) {
        (CertificateBinding::Ignore, _) | (CertificateBinding::IfPresent, None) => Ok(()),
        (CertificateBinding::Required, None) => Err(Rejection::BINDING),
        (CertificateBinding::IfPresent | CertificateBinding::Required, Some(confirmation)) => {
            let expected =
                confirmation.member("x5t#S256").and_then(|thumbprint| thumbprint.as_str());
            let expected = expected.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            let found = peer_digest.and_then(from_hex);
            let is_bound =
                expected.zip(found).is_some_and(|(expected, found)| is_equal(&expected, &found));
            if is_bound { Ok(()) } else { Err(Rejection::BINDING) }
        }
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(high)? << 4) | nibble(low)?),
        _ => None,
    };
    text.chunks(2).map(byte).collect()
}

/// Compares two digests in constant time.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == DIGEST_BYTES && other.len() == DIGEST_BYTES && difference == 0
}
