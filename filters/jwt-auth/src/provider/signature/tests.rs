use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    algorithm::{Algorithm, Algorithms},
    crypto::HostAnswer,
    testing::{claims, key, other_key, sign, with},
    token::Padding,
};

/// A host that accepts exactly the signatures checked with a key of `testdata/keys.json`.
fn host(_: &str, info: &[u8], _: &[u8], _: &[u8]) -> HostAnswer {
    let good = [Algorithm::Es256, Algorithm::Rs256].iter().any(|algorithm| {
        let set = key_set(&[key(*algorithm)["jwk"].clone()], &Crypto::pure());
        set.keys().iter().any(|key| key.is_public_key(info))
    });
    if good { HostAnswer::Valid } else { HostAnswer::Invalid }
}

fn key_set(keys: &[Value], crypto: &Crypto) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), crypto).unwrap().0
}

/// Searches for the key of a token without `kid`, which comes after `wrong` other keys.
fn search(algorithm: Algorithm, crypto: &Crypto, wrong: usize) -> (Signature, usize) {
    let mut keys = vec![other_key(algorithm); wrong];
    keys.push(with(key(algorithm)["jwk"].clone(), "kid", Value::Null));
    let header = json!({"alg": algorithm.name()}).to_string();
    let compact = sign(algorithm, &header, &claims().to_string());
    let token = Token::parse(compact.as_bytes(), Padding::Refused).unwrap();
    let (mut budget, mut counts) = (Budget::default(), Vec::new());
    let keys = key_set(&keys, crypto);
    let found =
        check_signature(&keys, &token, compact.as_bytes(), crypto, &mut budget, &mut counts);
    let checks = counts.iter().filter(|c| matches!(c, Metric::VerifyHost | Metric::VerifyPure));
    (found, checks.count())
}

#[test]
fn tries_keys_within_the_budget() {
    let pure = Crypto::pure();
    let by_host = Crypto::untested(host, Algorithms::only(Algorithm::Es256));
    for (algorithm, crypto, max) in [
        (Algorithm::Es256, &by_host, 64),
        (Algorithm::Hs256, &pure, 64),
        (Algorithm::EdDsa, &pure, 32),
        (Algorithm::Es256, &pure, 8),
        (Algorithm::Es384, &pure, 8),
    ] {
        let check = |wrong| search(algorithm, crypto, wrong);
        assert_eq!(check(0), (Signature::Valid, 1), "{algorithm:?}");
        assert_eq!(check(max - 1), (Signature::Valid, max), "{algorithm:?}");
        assert_eq!(check(max), (Signature::Unfinished, max), "{algorithm:?}");
    }
}

#[test]
fn failed_host_checks_cost_as_much_as_pure_rust() {
    fn failing(_: &str, _: &[u8], _: &[u8], _: &[u8]) -> HostAnswer {
        HostAnswer::Unavailable
    }
    let crypto = Crypto::untested(failing, Algorithms::only(Algorithm::Es256));
    let (found, checks) = search(Algorithm::Es256, &crypto, 90);
    assert_eq!(found, Signature::Unfinished);
    assert!(checks <= 16, "{checks}");
}
