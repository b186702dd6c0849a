//! Foreign functions: extensions of the ABI by the proxy.

use crate::{host_error::Result, sys};

/// Verifies a signature with Envoy's `verify_signature`; returns `true` if it is valid.
///
/// `digest` is `sha256`, `sha384` or `sha512`, and `spki` is the public key, a DER
/// SubjectPublicKeyInfo. RSA signatures are PKCS #1 v1.5, ECDSA signatures are DER.
///
/// # Errors
///
/// `NotFound` if the proxy does not have the function; other errors if it cannot parse an argument.
pub fn verify_signature(
    digest: &str,
    spki: &[u8],
    signature: &[u8],
    message: &[u8],
) -> Result<bool> {
    let fields = [digest.as_bytes(), spki, signature, message];
    let size = fields.iter().map(|field| field.len().saturating_add(8)).sum();
    let mut argument = Vec::with_capacity(size);
    for (tag, field) in [0x0a, 0x12, 0x1a, 0x22].into_iter().zip(fields) {
        argument.push(tag);
        varint(&mut argument, field.len());
        argument.extend_from_slice(field);
    }
    let result = sys::call_foreign_function("verify_signature", &argument)?;
    // `VerifySignatureResult`: field 1, a bool, is omitted if it is false.
    Ok(result.starts_with(&[0x08, 0x01]))
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

#[allow(clippy::cast_possible_truncation)]
fn low_bits(value: usize) -> u8 {
    (value & 0x7f) as u8
}
