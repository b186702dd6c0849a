use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{algorithm::Algorithms, key::InvalidKey, testing};

#[cfg(not(target_arch = "wasm32"))]
mod wycheproof;

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../testdata/vectors.json")).unwrap()
}

fn split(token: &str) -> (&[u8], Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message.as_bytes(), URL_SAFE_NO_PAD.decode(signature).unwrap())
}

fn key(jwk: &Value, crypto: &Crypto) -> Key {
    Key::from_jwk(jwk.clone(), crypto).unwrap().key
}

/// A host that verifies signatures in pure Rust.
fn correct_host(digest: &str, info: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer {
    let Ok(key) = Key::from_public_key_info(info, &Crypto::pure()) else {
        return HostAnswer::Unavailable;
    };
    let fits = |algorithm: &Algorithm| {
        algorithm.digest().name() == digest && !Algorithms::RSA_PSS.contains(*algorithm)
    };
    let algorithm = key.algorithms().iter().find(fits).unwrap();
    let raw = match der::read_ecdsa_signature(signature, key.signature_bytes(algorithm)) {
        Some(raw) if algorithm.is_ecdsa() => raw,
        _ => signature.to_vec(),
    };
    let valid = key.is_valid(algorithm, &raw, message);
    if valid { HostAnswer::Valid } else { HostAnswer::Invalid }
}

fn accepting_host(_: &str, _: &[u8], _: &[u8], _: &[u8]) -> HostAnswer {
    HostAnswer::Valid
}

fn failing_host(_: &str, _: &[u8], _: &[u8], _: &[u8]) -> HostAnswer {
    HostAnswer::Unavailable
}

#[test]
fn verifies_published_signatures_but_not_changed_ones() {
    let crypto = Crypto::pure();
    for vector in vectors().iter().filter(|vector| vector["algorithm"] != "ES512") {
        let algorithm = Algorithm::from_name(vector["algorithm"].as_str().unwrap()).unwrap();
        let key = key(&vector["jwk"], &crypto);
        let (message, signature) = split(vector["token"].as_str().unwrap());
        assert!(key.verify(&crypto, algorithm, &signature, message).valid, "{}", vector["name"]);
        for index in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            assert!(!key.verify(&crypto, algorithm, &changed, message).valid);
        }
        for length in [0, signature.len() - 1] {
            let cut = signature[..length].to_vec();
            assert!(!key.verify(&crypto, algorithm, &cut, message).valid);
        }
        let longer = [&signature[..], &[0]].concat();
        assert!(!key.verify(&crypto, algorithm, &longer, message).valid);
    }
}

#[test]
fn es512_needs_the_host() {
    let vector = &vectors()[4];
    let refused = Key::from_jwk(vector["jwk"].clone(), &Crypto::pure()).err();
    assert_eq!(refused, Some(InvalidKey::NeedsHost));
}

#[test]
fn the_host_serves_algorithms_that_pass_the_test() {
    let served = |host| Crypto::with_host(host).by_host();
    let expected: Algorithms =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Es256, Algorithm::Es384]
            .into_iter()
            .collect();
    assert_eq!(served(correct_host), expected);
    assert_eq!(served(accepting_host), Algorithms::NONE);
    assert_eq!(served(failing_host), Algorithms::NONE);
}

#[test]
fn host_and_pure_rust_agree() {
    let (pure, host) = (Crypto::pure(), Crypto::with_host(correct_host));
    for algorithm in Algorithm::ALL.into_iter().filter(|found| *found != Algorithm::Es512) {
        let token = testing::token(algorithm, &json!({}));
        let (message, signature) = split(&token);
        let key = key(&testing::key(algorithm)["jwk"], &pure);
        let by_host = key.verify(&host, algorithm, &signature, message);
        assert!(by_host.valid, "{algorithm:?}");
        let is_by_host = host.by_host().contains(algorithm);
        assert_eq!(by_host.engine, Some(if is_by_host { Engine::Host } else { Engine::Pure }));
        assert!(key.verify(&pure, algorithm, &signature, message).valid);
        assert!(!key.verify(&host, algorithm, &signature, b"other").valid);
    }
}

#[test]
fn falls_back_to_pure_rust_if_the_host_fails() {
    let pure = Crypto::pure();
    let failing = Crypto::untested(failing_host, Algorithms::only(Algorithm::Es256));
    let token = testing::token(Algorithm::Es256, &json!({}));
    let (message, signature) = split(&token);
    let key = key(&testing::key(Algorithm::Es256)["jwk"], &pure);
    let check = key.verify(&failing, Algorithm::Es256, &signature, message);
    assert_eq!(check, Check { valid: true, engine: Some(Engine::Pure), host_failed: true });
}

#[test]
fn refuses_signatures_with_a_zero_half() {
    let crypto = Crypto::untested(accepting_host, Algorithms::only(Algorithm::Es256));
    let key = key(&testing::key(Algorithm::Es256)["jwk"], &Crypto::pure());
    for (r, s) in [(0, 0), (0, 1), (1, 0)] {
        let signature = [[r; 32], [s; 32]].concat();
        assert!(!key.verify(&crypto, Algorithm::Es256, &signature, b"").valid);
    }
}

#[test]
fn a_key_verifies_only_its_own_algorithms() {
    let crypto = Crypto::untested(accepting_host, Algorithms::ALL);
    for algorithm in Algorithm::ALL {
        let key = key(&testing::key(algorithm)["jwk"], &crypto);
        for other in Algorithm::ALL.into_iter().filter(|other| !key.algorithms().contains(*other)) {
            let signature = vec![1; key.signature_bytes(other)];
            assert!(!key.verify(&crypto, other, &signature, b"").valid);
        }
    }
}

#[test]
fn refuses_ed25519_signatures_with_a_point_of_small_order() {
    use curve25519_dalek::{constants::EIGHT_TORSION, edwards::EdwardsPoint, scalar::Scalar};
    use sha2::{Digest, Sha512};

    let secret = Scalar::from(7_u64);
    let public = EdwardsPoint::mul_base(&secret).compress().to_bytes();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public)});
    let key = key(&jwk, &Crypto::pure());
    for nonce in [Scalar::ZERO, Scalar::from(5_u64)] {
        let point = EdwardsPoint::mul_base(&nonce);
        let r = point.compress().to_bytes();
        let hash = Sha512::new().chain_update(r).chain_update(public).chain_update(b"m").finalize();
        let hash = Scalar::from_bytes_mod_order_wide(&hash.into());
        let signature = [r, (nonce + hash * secret).to_bytes()].concat();
        let is_small = EIGHT_TORSION.contains(&point);
        let check = key.verify(&Crypto::pure(), Algorithm::EdDsa, &signature, b"m");
        assert_eq!(check.valid, !is_small, "the equation holds for both");
    }
}
