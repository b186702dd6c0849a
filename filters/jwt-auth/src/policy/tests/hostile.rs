//! `testdata/hostile.json`: tokens that must be refused, with the reasons.
//!
//! An entry has a `token`, which may be repeated, or a `recipe` that modifies a valid one: `header`
//! and `payload` are signed as given, `payloadText` and `signature` replace an encoded part,
//! `member` replaces a member of the claims, and `append` is appended. `@` is replaced by `fill`
//! bytes or `nest` nested lists.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    algorithm::Algorithm,
    testing::{Tester, claims, jwks, named_key, request, rule, sign, tester},
};

const HEADER: &str = r#"{"alg":"ES256","kid":"p256"}"#;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../testdata/hostile.json")).unwrap()
}

fn bytes(case: &Value) -> Vec<u8> {
    if let Some(token) = case["token"].as_str() {
        let times = case["repeat"].as_u64().unwrap_or(1);
        return token.repeat(times as usize).into_bytes();
    }
    let recipe = &case["recipe"];
    let text = |name: &str| recipe[name].as_str().map(|text| filled(text, recipe));
    let header = text("header").unwrap_or_else(|| HEADER.to_owned());
    let payload = text("payload").or_else(|| text("member").map(|member| claims_with(&member)));
    let payload = payload.unwrap_or_else(|| claims().to_string());
    let good = sign(Algorithm::Es256, &header, &payload);
    let parts: Vec<&str> = good.split('.').collect();
    let payload = text("payloadText").unwrap_or_else(|| parts[1].to_owned());
    let signature = text("signature").unwrap_or_else(|| parts[2].to_owned());
    let spoilt = format!("{}.{payload}.{signature}", parts[0]);
    let append = text("append").unwrap_or_default();
    // Latin-1, so that the file can name any byte.
    [spoilt.into_bytes(), append.chars().map(|c| c as u8).collect()].concat()
}

fn filled(text: &str, recipe: &Value) -> String {
    let fill = "x".repeat(recipe["fill"].as_u64().unwrap_or_default() as usize);
    let depth = recipe["nest"].as_u64().unwrap_or_default() as usize;
    text.replace('@', &format!("{}{fill}{}", "[".repeat(depth), "]".repeat(depth)))
}

fn claims_with(member: &str) -> String {
    let name = member.split('"').nth(1).unwrap();
    let claims =
        if name == "iss" { claims() } else { crate::testing::with(claims(), name, Value::Null) };
    claims.to_string().replacen('{', &format!("{{{member},"), 1)
}

/// A tester with public keys only, as in the tests with Envoy.
fn trusting() -> Tester {
    let keys: Value = serde_json::from_str(&jwks()).unwrap();
    let public: Vec<&Value> =
        keys["keys"].as_array().unwrap().iter().filter(|key| key["kty"] != "oct").collect();
    let fields = json!({"jwks": json!({"keys": public}).to_string()});
    tester(&json!({"jwtRules": [rule(fields)]}))
}

#[test]
fn refuses_hostile_tokens() {
    let mut tester = trusting();
    for case in cases() {
        let value = [b"Bearer ".to_vec(), bytes(&case)].concat();
        let answer = tester.send(&request("/", [("authorization", value)])).0;
        let found = answer.reason().map(crate::Reason::code);
        assert_eq!(found, case["reason"].as_str(), "{}", case["name"]);
    }
}

#[test]
fn recipes_start_from_a_valid_token() {
    let good = bytes(&json!({"recipe": {}}));
    assert_eq!(trusting().bearer(std::str::from_utf8(&good).unwrap()), None);
}

#[test]
fn accepts_32_levels() {
    let case = json!({"recipe": {"member": "\"a\":@", "nest": 31}});
    assert_eq!(trusting().bearer(std::str::from_utf8(&bytes(&case)).unwrap()), None);
}

#[test]
fn public_keys_are_not_secrets() {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"rsa"}"#),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    let pem = named_key("rsa")["pem"].as_str().unwrap();
    let secret = jsonwebtoken::EncodingKey::from_secret(pem.as_bytes());
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &secret, jsonwebtoken::Algorithm::HS256);
    let forged = format!("{message}.{}", signature.unwrap());
    assert_eq!(trusting().bearer(&forged), Some(crate::Reason::UnsupportedAlgorithm));
    let with_secret = &mut tester(&json!({"jwtRules": [rule(json!({}))]}));
    assert_eq!(with_secret.bearer(&forged), Some(crate::Reason::KeyNotFound));
}
