//! Foreign functions: the proxy's functions beyond the ABI.

use crate::hostcalls::{self, Result};

/// Calls the function `name` with an argument in the function's own encoding.
///
/// # Errors
///
/// `NotFound` if the proxy has no such function.
pub fn call(name: &str, argument: &[u8]) -> Result<Vec<u8>> {
    hostcalls::call_foreign_function(name, argument)
}

/// Verifies `signature` over `message` with the public key `spki` (DER SubjectPublicKeyInfo), through
/// Envoy's `verify_signature`. RSA is PKCS #1 v1.5; an ECDSA signature is DER.
///
/// `digest` is `sha256`, `sha384` or `sha512`.
///
/// # Errors
///
/// `NotFound` if the proxy lacks the function; another error if the proxy cannot parse an argument.
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
    let answer = call("verify_signature", &argument)?;
    // `VerifySignatureResult`: field 1, a bool, is omitted if it is false.
    Ok(answer.starts_with(&[0x08, 0x01]))
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
