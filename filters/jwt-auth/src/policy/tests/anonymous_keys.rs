//! Keys without `kid`.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Metric, Reason,
    algorithm::Algorithm,
    testing::{ISSUER, bearer, claims, key, other_key, sign, tester, token, with},
};

const ALGORITHM: Algorithm = Algorithm::Es256;

/// A provider with `wrong` keys before the right one, all without `kid`.
fn provider(wrong: usize, has_good: bool) -> Value {
    let mut keys = vec![other_key(ALGORITHM); wrong];
    keys.extend(has_good.then(|| with(key(ALGORITHM)["jwk"].clone(), "kid", Value::Null)));
    json!({"issuer": ISSUER, "jwks": json!({"keys": keys}).to_string()})
}

#[test]
fn the_same_token_always_gets_the_same_result() {
    for (first, second, refused) in [
        (3, 4, None),
        (7, 0, None),
        (4, 4, Some(Reason::BadSignature)),
        (8, 0, Some(Reason::BadSignature)),
        (9, 0, Some(Reason::BadSignature)),
    ] {
        let providers = [provider(first, false), provider(second, true)];
        let mut tester = tester(&json!({"jwtRules": providers}));
        let good = token(ALGORITHM, &claims());
        for turn in 0..4 {
            assert_eq!(tester.bearer(&good), refused, "{first} and {second} keys, turn {turn}");
        }
    }
}

#[test]
fn counts_skipped_checks_and_never_caches_them() {
    let mut tester = tester(&json!({"jwtRules": [provider(8, true)]}));
    let good = bearer(&token(ALGORITHM, &claims()));
    for _ in 0..3 {
        let (_, counts) = tester.send(&good);
        assert!(counts.contains(&Metric::KeyChecksLimited), "{counts:?}");
        assert!(!counts.contains(&Metric::TokenCacheNegativeHits), "{counts:?}");
    }
}

#[test]
fn tries_the_named_key_before_keys_without_kid() {
    let mut keys = vec![other_key(ALGORITHM); 20];
    keys.push(key(ALGORITHM)["jwk"].clone());
    let jwks = json!({"keys": keys}).to_string();
    let mut tester = tester(&json!({"jwtRules": [{"issuer": ISSUER, "jwks": jwks}]}));
    assert_eq!(tester.bearer(&token(ALGORITHM, &claims())), None);
    let nameless = sign(ALGORITHM, r#"{"alg":"ES256"}"#, &claims().to_string());
    assert_eq!(tester.bearer(&nameless), Some(Reason::BadSignature));
}
