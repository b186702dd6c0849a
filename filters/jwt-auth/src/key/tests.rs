use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    crypto::HostAnswer,
    testing::{named_key, with},
};

fn jwk(name: &str) -> Value {
    named_key(name)["jwk"].clone()
}

fn read(jwk: Value) -> Result<Algorithms, InvalidKey> {
    Key::from_jwk(jwk, &Crypto::pure()).map(|found| found.key.algorithms())
}

#[test]
fn a_key_serves_what_its_type_and_its_document_allow() {
    let rsa = Algorithms::RSA_PKCS1.union(Algorithms::RSA_PSS);
    let only = Algorithms::only;
    for (jwk, algorithms) in [
        (jwk("rsa"), rsa),
        (with(jwk("rsa"), "alg", json!("PS384")), only(Algorithm::Ps384)),
        (jwk("p256"), only(Algorithm::Es256)),
        (jwk("p384"), only(Algorithm::Es384)),
        (jwk("ed25519"), only(Algorithm::EdDsa)),
        (with(jwk("ed25519"), "alg", json!("Ed25519")), only(Algorithm::EdDsa)),
        (jwk("secret"), Algorithms::HMAC),
        (with(jwk("secret"), "k", json!("A".repeat(43))), only(Algorithm::Hs256)),
        (with(jwk("p256"), "use", json!("sig")), only(Algorithm::Es256)),
        (with(jwk("p256"), "key_ops", json!(["verify"])), only(Algorithm::Es256)),
        (with(jwk("p256"), "x5c", json!(["ignored"])), only(Algorithm::Es256)),
    ] {
        assert_eq!(read(jwk.clone()), Ok(algorithms), "{jwk}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused_for_a_reason() {
    let other_x = jwk("p384")["x"].clone();
    let even = format!("{}A", &jwk("rsa")["n"].as_str().unwrap()[..341]);
    let small_order = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (jwk, reason) in [
        (jwk("rsa1024"), InvalidKey::RsaModulus),
        (with(jwk("rsa"), "n", json!(format!("{even}A"))), InvalidKey::RsaModulus),
        (with(jwk("rsa"), "n", json!("A".repeat(1500))), InvalidKey::RsaModulus),
        (with(jwk("rsa"), "e", json!("AQ")), InvalidKey::RsaExponent),
        (with(jwk("rsa"), "e", json!("AQAA")), InvalidKey::RsaExponent),
        (with(jwk("rsa"), "e", json!("AgAAAAE")), InvalidKey::RsaExponent),
        (with(jwk("rsa"), "e", json!("AQAB==")), InvalidKey::NotBase64("e")),
        (with(jwk("rsa"), "n", Value::Null), InvalidKey::NotBase64("n")),
        (with(jwk("rsa"), "alg", json!("ES256")), InvalidKey::WrongAlgorithm),
        (with(jwk("rsa"), "alg", json!("none")), InvalidKey::WrongAlgorithm),
        (with(jwk("rsa"), "alg", json!("RSA-OAEP")), InvalidKey::WrongAlgorithm),
        (with(jwk("rsa"), "use", json!("enc")), InvalidKey::WrongPurpose),
        (with(jwk("rsa"), "key_ops", json!(["sign"])), InvalidKey::WrongPurpose),
        (with(jwk("p256"), "x", other_x), InvalidKey::NotOnCurve),
        (with(jwk("p256"), "x", jwk("p256")["y"].clone()), InvalidKey::NotOnCurve),
        (with(jwk("p256"), "crv", json!("P-384")), InvalidKey::NotOnCurve),
        (with(jwk("p256"), "crv", json!("secp256k1")), InvalidKey::UnsupportedType),
        (with(jwk("p256"), "kty", json!("XYZ")), InvalidKey::UnsupportedType),
        (with(jwk("ed25519"), "x", json!(small_order)), InvalidKey::WeakEd25519),
        (with(jwk("ed25519"), "x", json!("AAAA")), InvalidKey::WeakEd25519),
        (with(jwk("ed25519"), "crv", json!("Ed448")), InvalidKey::UnsupportedType),
        (with(jwk("secret"), "k", json!("A".repeat(42))), InvalidKey::ShortSecret),
        (
            with(with(jwk("secret"), "k", json!("A".repeat(43))), "alg", json!("HS512")),
            InvalidKey::ShortSecret,
        ),
        (jwk("p521"), InvalidKey::NeedsHost),
    ] {
        assert_eq!(read(jwk.clone()), Err(reason), "{jwk}");
    }
    assert!(matches!(read(json!({})), Err(InvalidKey::Malformed)));
    assert!(matches!(read(json!({"kty": 1})), Err(InvalidKey::Malformed)));
}

#[test]
fn with_the_host_p521_and_large_moduli_are_served() {
    // A host that answers every known-answer question rightly.
    fn knowing(_: &str, _: &[u8], signature: &[u8], _: &[u8]) -> HostAnswer {
        use std::cell::RefCell;
        thread_local!(static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        LAST.with_borrow_mut(|last| {
            let flipped = last.len() == signature.len()
                && last.iter().zip(signature).filter(|(a, b)| a != b).count() == 1;
            *last = signature.to_vec();
            if flipped { HostAnswer::Invalid } else { HostAnswer::Valid }
        })
    }
    let crypto = Crypto::with_host(knowing);
    let read = |jwk| Key::from_jwk(jwk, &crypto).map(|found| found.key.algorithms());
    assert_eq!(read(jwk("p521")), Ok(Algorithms::only(Algorithm::Es512)));
    let off = with(jwk("p521"), "x", jwk("p521")["y"].clone());
    assert_eq!(read(off), Err(InvalidKey::NotOnCurve));
    let large = with(jwk("rsa"), "n", json!(format!("{}8", "_".repeat(682))));
    assert_eq!(read(large.clone()), Ok(Algorithms::RSA_PKCS1.union(Algorithms::RSA_PSS)));
    let larger = with(jwk("rsa"), "n", json!(format!("{}_w", "_".repeat(1364))));
    assert_eq!(read(larger.clone()), Ok(Algorithms::RSA_PKCS1));
    assert_eq!(super::tests::read(larger), Err(InvalidKey::NeedsHost));
}

#[test]
fn pem_and_jwk_of_one_key_are_the_same_key() {
    let crypto = Crypto::pure();
    for name in ["rsa", "p256", "p384", "ed25519"] {
        let from_jwk = Key::from_jwk(jwk(name), &crypto).unwrap().key;
        for label in ["pem", "pkcs1Pem"] {
            let Some(pem) = named_key(name)[label].as_str() else { continue };
            let from_pem = Key::from_pem(pem, None, None, &crypto).unwrap();
            assert_eq!(from_pem.public_key_info, from_jwk.public_key_info, "{name} {label}");
            assert_eq!(from_pem.algorithms(), from_jwk.algorithms());
        }
    }
}

#[test]
fn texts_that_are_no_public_key_are_refused_for_a_reason() {
    let good = named_key("p256")["pem"].as_str().unwrap();
    let labelled = |label: &str| good.replace("PUBLIC KEY", label);
    for (pem, reason) in [
        (labelled("PRIVATE KEY"), InvalidKey::PrivateKey),
        (labelled("RSA PRIVATE KEY"), InvalidKey::PrivateKey),
        (labelled("CERTIFICATE"), InvalidKey::Certificate),
        (labelled("RSA PUBLIC KEY"), InvalidKey::NotPem),
        (labelled("DSA PARAMETERS"), InvalidKey::NotPem),
        (format!("{good}{good}"), InvalidKey::NotPem),
        (good.replace("END PUBLIC", "END PRIVATE"), InvalidKey::NotPem),
        (good.replace("MF", "!!"), InvalidKey::NotPem),
        ("x".to_owned(), InvalidKey::NotPem),
        (String::new(), InvalidKey::NotPem),
    ] {
        let found = Key::from_pem(&pem, None, None, &Crypto::pure()).err();
        assert_eq!(found, Some(reason), "{pem}");
    }
}

#[test]
fn nothing_of_a_secret_is_shown() {
    let key = Key::from_jwk(jwk("secret"), &Crypto::pure()).unwrap().key;
    assert_eq!(format!("{key:?}"), r#"Key { id: Some("secret"), .. }"#);
}
