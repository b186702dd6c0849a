//! Tokens bound to a client certificate (RFC 8705 section 3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{config::CertificateBinding, denial::Rejection, token::Claims};

/// The proxy's attribute: SHA-256 of the peer's certificate, in hexadecimal.
///
/// It is of this connection's own handshake; no header is believed.
pub(crate) const PEER_DIGEST: &str = "connection.sha256_peer_certificate_digest";

const DIGEST_BYTES: usize = 32;

/// Checks that the token's certificate is the peer's, as far as `binding` asks for it.
pub(super) fn check(
    binding: CertificateBinding,
    claims: &Claims,
    peer_digest: Option<&[u8]>,
) -> Result<(), Rejection> {
    let confirmation = claims.root().member("cnf");
    match (binding, confirmation) {
        (CertificateBinding::Ignore, _) | (CertificateBinding::IfPresent, None) => Ok(()),
        (CertificateBinding::Required, None) => Err(Rejection::BINDING),
        (_, Some(confirmation)) => {
            let wanted = confirmation.member("x5t#S256").and_then(|thumbprint| thumbprint.as_str());
            let wanted = wanted.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            let found = peer_digest.and_then(from_hex);
            let same = wanted.zip(found).is_some_and(|(wanted, found)| is_same(&wanted, &found));
            if same { Ok(()) } else { Err(Rejection::BINDING) }
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

/// Compares in a time that does not detail where two digests differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == DIGEST_BYTES && other.len() == DIGEST_BYTES && difference == 0
}
