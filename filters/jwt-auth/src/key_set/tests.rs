use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::testing::{named_key, with};

const TOO_MANY: &str = "holds more than 100 usable keys, or more than 1000 of any kind";

fn parse(document: &Value) -> Result<(KeySet, KeyWarnings), InvalidKeySet> {
    KeySet::parse(document.to_string().as_bytes(), &Crypto::pure())
}

#[test]
fn ignores_and_reports_unusable_keys() {
    let private = with(named_key("p384")["jwk"].clone(), "d", json!("x"));
    let keys = ["rsa1024", "p256", "secret"].map(|name| named_key(name)["jwk"].clone());
    let document = json!({"keys": [keys[0], keys[1], 7, private, keys[2]], "more": 1});
    let (set, key_warnings) = parse(&document).unwrap();
    assert_eq!(set.keys().len(), 3);
    let ignored: Vec<_> = key_warnings.ignored.iter().map(|(index, _)| *index).collect();
    assert_eq!(
        (ignored, key_warnings.private, key_warnings.secret),
        (vec![0, 2], vec![3], vec![4])
    );
}

#[test]
fn parses_certificates_by_kid() {
    let all = include_str!("../../testdata/certificates.json");
    let mut document: Value = serde_json::from_str(all).unwrap();
    let rsa = document["rsa"].as_str().unwrap().to_owned();
    let public = named_key("p256")["pem"].clone();
    for (kid, value) in [
        ("crlf", json!(rsa.replace('\n', "\r\n"))),
        ("chain", json!(format!("{rsa}{rsa}"))),
        ("public", public),
        ("not text", json!(7)),
        ("spoilt", json!(rsa.replacen("MII", "NII", 1))),
        ("private", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
    ] {
        document[kid] = value;
    }
    let (set, key_warnings) = parse(&document).unwrap();
    let mut ids: Vec<_> = set.keys().iter().filter_map(Key::id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["chain", "crlf", "ed25519", "p256", "p384", "public", "rsa"]);
    let mut reasons: Vec<_> = key_warnings.ignored.into_iter().map(|(_, reason)| reason).collect();
    reasons.sort_unstable_by_key(ToString::to_string);
    let wanted = [
        InvalidKey::PrivateKey,
        InvalidKey::NotCertificate,
        InvalidKey::NotCertificate,
        InvalidKey::NeedsHost,
    ];
    assert_eq!(reasons.len(), wanted.len(), "{reasons:?}");
    assert!(wanted.iter().all(|reason| reasons.contains(reason)), "{reasons:?}");
    let (remote, _) =
        KeySet::parse_remote(document.to_string().as_bytes(), &Crypto::pure()).unwrap();
    assert_eq!(remote.keys().len(), 7);
}

#[test]
fn refuses_documents_without_usable_keys() {
    let many = vec![named_key("p256")["jwk"].clone(); 101];
    let mut useless = vec![json!(0); 1_000];
    useless.push(named_key("p256")["jwk"].clone());
    for (document, message) in [
        (json!({"keys": []}), "holds no usable key"),
        (
            json!({"keys": [named_key("rsa1024")["jwk"]]}),
            "holds no usable key: the first one RSA modulus must be odd and have 2048 to 8192 bits",
        ),
        (json!({"keys": many}), TOO_MANY),
        (json!({"keys": useless}), TOO_MANY),
    ] {
        assert_eq!(parse(&document).unwrap_err().to_string(), message);
    }
    for document in [
        json!({}),
        json!([]),
        json!({"keys": {}}),
        json!("x"),
        json!({"error": "not found"}),
        json!({"keys": "-----BEGIN CERTIFICATE-----"}),
    ] {
        assert!(matches!(parse(&document), Err(InvalidKeySet::Malformed { .. })), "{document}");
    }
}

#[test]
fn errors_hide_secrets() {
    for document in [
        json!("hidden"),
        json!({"keys": "hidden"}),
        json!({"keys": ["hidden"]}),
        json!({"keys": [{"kty": "oct", "k": ["hidden"]}]}),
        json!({"keys": [{"kty": "oct", "k": "hidden!"}]}),
        json!({"keys": [{"kty": "oct", "k": 73_137_731}]}),
    ] {
        let error = parse(&document).unwrap_err().to_string();
        assert!(!error.contains("hidden") && !error.contains("73137731"), "{error}");
    }
}

#[test]
fn candidates_match_kid_and_alg() {
    let anonymous = with(named_key("p256")["jwk"].clone(), "kid", Value::Null);
    let keys = json!({"keys": [named_key("p256")["jwk"], named_key("rsa")["jwk"], anonymous]});
    let (set, _) = parse(&keys).unwrap();
    for (id, algorithm, count) in [
        (Some("p256"), Algorithm::Es256, 2),
        (Some("new"), Algorithm::Es256, 1),
        (None, Algorithm::Es256, 2),
        (Some("rsa"), Algorithm::Rs512, 1),
        (Some("p256"), Algorithm::Rs256, 0),
        (None, Algorithm::Hs256, 0),
    ] {
        assert_eq!(set.candidates(id, algorithm).count(), count, "{id:?} {algorithm:?}");
    }
}
