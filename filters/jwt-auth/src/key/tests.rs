use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
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

fn certificate(name: &str) -> String {
    let all = include_str!("../../testdata/certificates.json");
    let all: Value = serde_json::from_str(all).unwrap();
    all[name].as_str().unwrap().to_owned()
}

/// A host that passes every known-answer test.
fn passing_host() -> Crypto {
    fn answer(_: &str, _: &[u8], signature: &[u8], _: &[u8]) -> HostAnswer {
        use std::cell::RefCell;
        thread_local!(static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        LAST.with_borrow_mut(|last| {
            let flipped = last.len() == signature.len()
                && last.iter().zip(signature).filter(|(a, b)| a != b).count() == 1;
            *last = signature.to_vec();
            if flipped { HostAnswer::Invalid } else { HostAnswer::Valid }
        })
    }
    Crypto::with_host(answer)
}

fn read(jwk: Value) -> Result<Algorithms, InvalidKey> {
    Key::from_jwk(jwk, &Crypto::pure()).map(|found| found.key.algorithms())
}

#[test]
fn algorithms_depend_on_type_and_alg() {
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
        (with(jwk("p256"), "x5c", json!(["ignored"])), only(Algorithm::Es256)),
        (with(jwk("p256"), "alg", json!("")), only(Algorithm::Es256)),
        (with(jwk("p256"), "crv", Value::Null), only(Algorithm::Es256)),
        (with(with(jwk("p384"), "crv", json!("")), "alg", json!("ES384")), only(Algorithm::Es384)),
    ] {
        assert_eq!(read(jwk.clone()), Ok(algorithms), "{jwk}");
    }
}

#[test]
fn refuses_unusable_keys() {
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
        (with(jwk("rsa"), "use", json!("ENC")), InvalidKey::WrongPurpose),
        (with(jwk("rsa"), "key_ops", json!(["encrypt", "wrapKey"])), InvalidKey::WrongPurpose),
        (with(jwk("rsa"), "alg", json!("RS999")), InvalidKey::WrongAlgorithm),
        (with(jwk("p384"), "crv", Value::Null), InvalidKey::NotOnCurve),
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
fn accepts_every_purpose_except_encryption() {
    for (member, value) in [
        ("use", json!("sig")),
        ("use", json!("SIG")),
        ("use", json!("jwt-svid")),
        ("use", json!("")),
        ("use", json!(null)),
        ("use", json!(["enc"])),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!(["encrypt", "verify"])),
        ("key_ops", json!([])),
        ("key_ops", json!(["something new"])),
        ("key_ops", json!("verify")),
        ("key_ops", json!(null)),
    ] {
        for name in ["rsa", "p256", "ed25519", "secret"] {
            let mut jwk = jwk(name);
            jwk[member] = value.clone();
            assert!(read(jwk).is_ok(), "{name} with {member} {value}");
        }
    }
}

#[test]
fn accepts_inaccurate_encodings() {
    let (info, crypto) = (|key: &Key| key.public_key_info.clone(), passing_host());
    let of = |jwk: &Value| Key::from_jwk(jwk.clone(), &crypto).map(|found| info(&found.key));
    let bytes = |text: &Value| URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap();
    let padded = |bytes: &[u8]| json!(URL_SAFE.encode(bytes));
    for (name, members) in [
        ("rsa", ["n", "e"].as_slice()),
        ("p256", &["x", "y"]),
        ("p384", &["x", "y"]),
        ("p521", &["x", "y"]),
        ("ed25519", &["x"]),
    ] {
        let good = of(&jwk(name)).unwrap();
        for member in members {
            let value = &jwk(name)[member];
            let number = bytes(value);
            let changed = |value| of(&with(jwk(name), member, value));
            assert_eq!(changed(padded(&number)), Ok(good.clone()), "{name}.{member} padded");
            let (head, tail) = value.as_str().unwrap().split_at(2);
            let wrapped = json!(format!("{head}\r\n {tail}\n"));
            assert_eq!(changed(wrapped), Ok(good.clone()), "{name}.{member} wrapped");
            if name != "ed25519" {
                for zeros in [1, 2, 40] {
                    let longer = [vec![0; zeros], number.clone()].concat();
                    assert_eq!(
                        changed(padded(&longer)),
                        Ok(good.clone()),
                        "{name}.{member} longer"
                    );
                }
                let other = [vec![1], number].concat();
                assert_ne!(changed(padded(&other)), Ok(good.clone()), "{name}.{member} other");
            }
        }
    }
}

#[test]
fn accepts_coordinates_without_leading_zeros() {
    let crypto = passing_host();
    let x = URL_SAFE_NO_PAD.decode(jwk("p521")["x"].as_str().unwrap()).unwrap();
    assert_eq!(x[0], 0, "the test key has a leading zero");
    let good = Key::from_jwk(jwk("p521"), &crypto).unwrap().key;
    let short = with(jwk("p521"), "x", json!(URL_SAFE_NO_PAD.encode(&x[1..])));
    let short = Key::from_jwk(short, &crypto).unwrap().key;
    assert_eq!(short.public_key_info, good.public_key_info);
}

#[test]
fn reads_kid_as_text_or_integer() {
    for (kid, id) in [
        (json!("7"), Some("7")),
        (json!(7), Some("7")),
        (json!(-7), Some("-7")),
        (json!(u64::MAX), Some("18446744073709551615")),
        (json!(7.5), None),
        (json!(""), None),
        (json!(null), None),
        (json!(true), None),
        (json!(["7"]), None),
    ] {
        let mut jwk = jwk("p256");
        jwk["kid"] = kid.clone();
        let key = Key::from_jwk(jwk, &Crypto::pure()).unwrap().key;
        assert_eq!(key.id(), id, "{kid}");
    }
}

#[test]
fn reads_keys_from_x5c() {
    let crypto = passing_host();
    for (name, kind) in
        [("rsa", "RSA"), ("p256", "EC"), ("p384", "EC"), ("p521", "EC"), ("ed25519", "OKP")]
    {
        let body: String =
            certificate(name).lines().filter(|line| !line.starts_with('-')).collect();
        let only = json!({"kty": kind, "kid": name, "x5c": [body, "the issuer's"]});
        let read = |jwk: Value| Key::from_jwk(jwk, &crypto).map(|found| found.key);
        let wanted = read(jwk(name)).unwrap().public_key_info;
        assert_eq!(read(only.clone()).unwrap().public_key_info, wanted, "{name}");
        let wrong_type = with(only.clone(), "kty", json!("oct"));
        assert_eq!(read(wrong_type).err(), Some(InvalidKey::UnsupportedType), "{name}");
        let spoilt = with(only.clone(), "x5c", json!([&body[4..]]));
        assert_eq!(read(spoilt).err(), Some(InvalidKey::NotCertificate), "{name}");
        let absent = with(only, "x5c", json!([]));
        assert!(matches!(
            read(absent).err(),
            Some(InvalidKey::NotBase64(_) | InvalidKey::UnsupportedType)
        ));
    }
}

#[test]
fn the_host_enables_p521_and_large_moduli() {
    let crypto = passing_host();
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
fn pem_and_jwk_give_the_same_key() {
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
fn finds_a_pem_block_in_any_layout() {
    let good = named_key("p256")["pem"].as_str().unwrap();
    let wanted = Key::from_pem(good, None, None, &Crypto::pure()).unwrap().public_key_info;
    for text in [
        good.replace('\n', "\r\n"),
        good.replace('\n', " \n  "),
        good.trim_end().to_owned(),
        format!("\u{feff}{good}"),
        format!("Subject: CN=idp\n  key of 2026\n{good}# end\n"),
        good.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n\n"),
    ] {
        let found = Key::from_pem(&text, None, None, &Crypto::pure());
        assert_eq!(found.unwrap().public_key_info, wanted, "{text}");
    }
}

#[test]
fn refuses_text_without_a_public_key() {
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
fn debug_hides_secrets() {
    let key = Key::from_jwk(jwk("secret"), &Crypto::pure()).unwrap().key;
    assert_eq!(format!("{key:?}"), r#"Key { id: Some("secret"), .. }"#);
}
