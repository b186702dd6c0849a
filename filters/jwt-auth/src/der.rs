//! The subset of DER (X.690) for public keys and ECDSA signatures.

/// Content of `AlgorithmIdentifier` for RSA: `rsaEncryption` and NULL (RFC 3279 section 2.3.1).
pub(crate) const RSA_ENCRYPTION: &[u8] =
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// Content of `AlgorithmIdentifier` for P-256: `ecPublicKey` and the curve (RFC 5480).
pub(crate) const EC_P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];
/// Content of `AlgorithmIdentifier` for P-384.
pub(crate) const EC_P384: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
];
/// Content of `AlgorithmIdentifier` for P-521.
pub(crate) const EC_P521: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23,
];
/// Content of `AlgorithmIdentifier` for Ed25519 (RFC 8410).
pub(crate) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The explicitly tagged version of a certificate.
const VERSION: u8 = 0xa0;

/// Encodes a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
pub(crate) fn public_key_info(identifier: &[u8], key: &[u8]) -> Vec<u8> {
    let mut bits = Vec::with_capacity(key.len().saturating_add(1));
    bits.push(0);
    bits.extend_from_slice(key);
    let mut content = element(SEQUENCE, identifier);
    content.extend(element(BIT_STRING, &bits));
    element(SEQUENCE, &content)
}

/// Encodes an `RSAPublicKey` (RFC 8017 appendix A.1.1) of two unsigned numbers.
pub(crate) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    pair_of_integers(modulus, exponent)
}

/// Converts the fixed-length `r || s` of RFC 7518 section 3.4 to an `ECDSA-Sig-Value`.
pub(crate) fn ecdsa_signature(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    pair_of_integers(r, s)
}

/// Parses a `SubjectPublicKeyInfo` into the content of its algorithm identifier and the key.
pub(crate) fn read_public_key_info(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let content = read_whole(SEQUENCE, der)?;
    let (identifier, rest) = read(SEQUENCE, content)?;
    let (&unused, key) = read_whole(BIT_STRING, rest)?.split_first()?;
    (unused == 0).then_some((identifier, key))
}

/// Returns the `SubjectPublicKeyInfo` of a `Certificate` (RFC 5280 section 4.1).
///
/// The other fields are skipped and not checked: a key server is trusted because of its TLS
/// connection, not because of the certificates in its key set.
pub(crate) fn read_certified_key(der: &[u8]) -> Option<&[u8]> {
    let (fields, signature) = read(SEQUENCE, read_whole(SEQUENCE, der)?)?;
    let (_algorithm, signature) = read(SEQUENCE, signature)?;
    read_whole(BIT_STRING, signature)?;
    let fields = read(VERSION, fields).map_or(fields, |(_, rest)| rest);
    let (_serial_number, mut fields) = read(INTEGER, fields)?;
    for _ in ["signature", "issuer", "validity", "subject"] {
        fields = read(SEQUENCE, fields)?.1;
    }
    let (_, rest) = read(SEQUENCE, fields)?;
    fields.get(..fields.len().checked_sub(rest.len())?)
}

/// Parses an `RSAPublicKey` into modulus and exponent without leading zeros.
pub(crate) fn read_rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let content = read_whole(SEQUENCE, der)?;
    let (modulus, rest) = read(INTEGER, content)?;
    let exponent = read_whole(INTEGER, rest)?;
    Some((read_unsigned(modulus)?, read_unsigned(exponent)?))
}

/// Parses an `ECDSA-Sig-Value` into `r || s` of this length.
#[cfg(test)]
pub(crate) fn read_ecdsa_signature(der: &[u8], length: usize) -> Option<Vec<u8>> {
    let (r, s) = read_rsa_public_key(der)?;
    let padded = |half: &[u8]| [vec![0; length / 2 - half.len()], half.to_vec()].concat();
    (r.len().max(s.len()) <= length / 2).then(|| [padded(r), padded(s)].concat())
}

/// Strips the leading zeros of a big-endian number.
pub(crate) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

fn pair_of_integers(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut content = integer(first);
    content.extend(integer(second));
    element(SEQUENCE, &content)
}

fn integer(number: &[u8]) -> Vec<u8> {
    let number = without_leading_zeros(number);
    let mut content = Vec::with_capacity(number.len().saturating_add(1));
    if number.first().is_none_or(|byte| *byte >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(number);
    element(INTEGER, &content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    let length = content.len().to_be_bytes();
    let length = without_leading_zeros(&length);
    match length {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or(u8::MAX));
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(content);
    der
}

fn read_whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (content, rest) = read(tag, der)?;
    rest.is_empty().then_some(content)
}

fn read(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = read_length(rest)?;
    rest.split_at_checked(length)
}

// Keys are shorter than 64 KiB, so lengths of more than two bytes are refused.
fn read_length(der: &[u8]) -> Option<(usize, &[u8])> {
    match der {
        [short, rest @ ..] if *short < 0x80 => Some((usize::from(*short), rest)),
        [0x81, byte, rest @ ..] if *byte >= 0x80 => Some((usize::from(*byte), rest)),
        [0x82, high, low, rest @ ..] if *high != 0 => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

fn read_unsigned(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
        [first, ..] if *first != 0 && *first < 0x80 => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn parses_an_encoded_rsa_key() {
        for length in [1, 126, 127, 128, 255, 256, 512, 1024] {
            let modulus = vec![0xff; length];
            let der = rsa_public_key(&modulus, &[1, 0, 1]);
            assert_eq!(read_rsa_public_key(&der), Some((&modulus[..], &[1, 0, 1][..])));
        }
    }

    #[test]
    fn parses_an_encoded_key_info() {
        let der = public_key_info(EC_P384, &[4; 97]);
        assert_eq!(read_public_key_info(&der), Some((EC_P384, &[4; 97][..])));
    }

    #[test]
    fn encodes_minimal_positive_integers() {
        assert_eq!(ecdsa_signature(&[0, 1, 0x80, 2]), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2][..]);
        assert_eq!(ecdsa_signature(&[0, 0]), [0x30, 6, 2, 1, 0, 2, 1, 0]);
    }

    #[test]
    fn finds_the_key_of_a_certificate() {
        let names = || [0; 4].into_iter().flat_map(|_| element(SEQUENCE, &[]));
        let info = public_key_info(ED25519, &[7; 32]);
        let certificate = |fields: Vec<u8>, signature: Vec<u8>| {
            let all = [element(SEQUENCE, &fields), element(SEQUENCE, ED25519), signature].concat();
            element(SEQUENCE, &all)
        };
        let version = element(VERSION, &integer(&[2]));
        let serial = integer(&[1]);
        let signature = element(BIT_STRING, &[0, 1]);
        let fields = |parts: &[&[u8]]| parts.concat();
        let names: Vec<u8> = names().collect();
        let extensions = element(0xa3, &[1, 2, 3]);
        for good in [
            fields(&[&version, &serial, &names, &info, &extensions]),
            fields(&[&serial, &names, &info]),
        ] {
            let der = certificate(good, signature.clone());
            assert_eq!(read_certified_key(&der), Some(&info[..]));
            for cut in 0..der.len() {
                assert_eq!(read_certified_key(&der[..cut]), None, "{cut}");
            }
            assert_eq!(read_certified_key(&[der, vec![0]].concat()), None);
        }
        for bad in [
            certificate(fields(&[&names, &info]), signature.clone()),
            certificate(fields(&[&serial, &names]), signature.clone()),
            certificate(fields(&[&serial, &info]), signature),
            certificate(fields(&[&serial, &names, &info]), Vec::new()),
        ] {
            assert_eq!(read_certified_key(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn refuses_non_minimal_der() {
        let refused: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 6, 2, 1, 1, 2, 1],
            &[0x30, 6, 2, 1, 1, 2, 1, 3, 0],
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 3],
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 3],
            &[0x30, 6, 2, 1, 0x81, 2, 1, 3],
            &[0x30, 6, 2, 1, 0, 2, 1, 3],
        ];
        for der in refused {
            assert_eq!(read_rsa_public_key(der), None, "{der:?}");
        }
    }
}
