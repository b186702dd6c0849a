//! Checks of tokens and their order.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::Request;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Metric, Reason,
    algorithm::Algorithm,
    testing::{ISSUER, NOW, bearer, claims, document, plain, sign, tester, token, with},
};

fn es256(claims: &Value) -> String {
    token(Algorithm::Es256, claims)
}

#[test]
fn admits_valid_tokens_of_every_algorithm() {
    let mut tester = tester(&document(json!({})));
    for algorithm in Algorithm::ALL.into_iter().filter(|found| *found != Algorithm::Es512) {
        assert_eq!(tester.bearer(&token(algorithm, &claims())), None, "{algorithm:?}");
    }
}

#[test]
fn admits_requests_without_a_token_if_there_are_no_rules() {
    let (answer, counts) = tester(&document(json!({}))).send(&plain("/"));
    assert_eq!(answer.reason(), None);
    assert_eq!(counts, [Metric::AllowedWithoutToken, Metric::Allowed]);
}

/// Fields of the entry, changes to the valid claims, and the expected reason.
fn cases() -> Vec<(Value, Value, Option<Reason>)> {
    let year = 31_536_000;
    vec![
        (json!({}), json!({"iss": "https://other"}), Some(Reason::UnknownIssuer)),
        (json!({}), json!({"iss": null}), Some(Reason::UnknownIssuer)),
        (json!({}), json!({"exp": NOW - 60}), Some(Reason::Expired)),
        (json!({}), json!({"exp": NOW - 59}), None),
        (json!({}), json!({"exp": NOW as f64 - 59.5}), Some(Reason::Expired)),
        (json!({}), json!({"exp": 0}), Some(Reason::Expired)),
        (json!({}), json!({"exp": null}), None),
        (json!({"clockSkew": "0s"}), json!({"exp": NOW}), Some(Reason::Expired)),
        (json!({"clockSkew": "0s"}), json!({"exp": NOW + 1}), None),
        (json!({}), json!({"nbf": NOW + 60}), None),
        (json!({}), json!({"nbf": NOW + 61}), Some(Reason::NotYetValid)),
        (json!({"clockSkew": "0s"}), json!({"nbf": NOW + 1}), Some(Reason::NotYetValid)),
        (json!({"audiences": ["orders"]}), json!({}), None),
        (json!({"audiences": []}), json!({"aud": null}), None),
        (json!({"audiences": ["a", "https://orders/"]}), json!({"aud": ["x", "orders"]}), None),
        (json!({"audiences": ["orders"]}), json!({"aud": "http://orders/"}), None),
        (json!({"audiences": ["x"]}), json!({}), Some(Reason::AudienceNotAllowed)),
        (json!({"audiences": ["x"]}), json!({"aud": []}), Some(Reason::AudienceNotAllowed)),
        (json!({"audiences": ["x"]}), json!({"aud": null}), Some(Reason::AudienceNotAllowed)),
        (
            json!({"requireExpiration": true}),
            json!({"exp": null}),
            Some(Reason::LifetimeNotAllowed),
        ),
        (json!({"maxLifetime": "10m"}), json!({}), None),
        (json!({"maxLifetime": "9m"}), json!({}), Some(Reason::LifetimeNotAllowed)),
        (json!({"maxLifetime": "9m"}), json!({"exp": null}), Some(Reason::LifetimeNotAllowed)),
        (json!({"maxAge": "1h"}), json!({}), Some(Reason::LifetimeNotAllowed)),
        (json!({"maxAge": "1h"}), json!({"iat": NOW - 3660}), None),
        (json!({"maxAge": "1h"}), json!({"iat": NOW - 3661}), Some(Reason::LifetimeNotAllowed)),
        (json!({"maxAge": "1h"}), json!({"iat": NOW + 61}), Some(Reason::LifetimeNotAllowed)),
        (json!({}), json!({"iat": NOW + year}), None),
        (json!({"tokenTypes": ["application/JWT"]}), json!({}), None),
        (json!({"tokenTypes": ["at+jwt"]}), json!({}), Some(Reason::WrongType)),
        (json!({"algorithms": ["RS256"]}), json!({}), Some(Reason::UnsupportedAlgorithm)),
        (json!({}), json!({"exp": i64::MAX}), None),
        (json!({}), json!({"exp": u64::MAX}), None),
        (json!({}), json!({"exp": 1e30}), None),
        (json!({"requireExpiration": true}), json!({"exp": u64::MAX}), None),
        (json!({"maxLifetime": "10m"}), json!({"exp": u64::MAX}), Some(Reason::LifetimeNotAllowed)),
        (json!({}), json!({"nbf": u64::MAX}), Some(Reason::NotYetValid)),
        (json!({}), json!({"nbf": 1e30}), Some(Reason::NotYetValid)),
        (json!({}), json!({"iat": u64::MAX}), None),
        (json!({"maxAge": "1h"}), json!({"iat": 1e30}), Some(Reason::LifetimeNotAllowed)),
        (json!({}), json!({"exp": -1}), Some(Reason::BadPayload)),
        (json!({}), json!({"nbf": -1e30}), Some(Reason::BadPayload)),
        (json!({}), json!({"nbf": -0.0}), None),
        (json!({"issuer": null}), json!({"iss": "anyone"}), None),
        (json!({"issuer": null}), json!({"iss": null}), None),
    ]
}

#[test]
fn checks_claims_as_configured() {
    for (fields, changes, reason) in cases() {
        let claims = changes
            .as_object()
            .unwrap()
            .iter()
            .fold(claims(), |claims, (name, value)| with(claims, name, value.clone()));
        let found = tester(&document(fields.clone())).bearer(&es256(&claims));
        assert_eq!(found, reason, "{fields} {changes}");
    }
}

#[test]
fn reports_the_first_failed_check() {
    let worst = json!({"iss": ISSUER, "nbf": NOW + 999, "exp": 1, "aud": "x"});
    let mut tester = tester(&document(json!({"audiences": ["orders"]})));
    let bad = es256(&worst).replace(char::is_whitespace, "");
    let bad = format!("{}AA", &bad[..bad.len() - 2]);
    assert_eq!(tester.bearer(&bad), Some(Reason::NotYetValid));
    let late = token(Algorithm::Es256, &with(worst, "nbf", Value::Null));
    assert_eq!(tester.bearer(&late), Some(Reason::Expired));
}

#[test]
fn reports_the_provider_with_the_latest_failure() {
    let one = crate::testing::rule(json!({"name": "one", "audiences": ["x"]}));
    let two = crate::testing::rule(json!({"name": "two", "maxAge": "1h"}));
    let mut tester = tester(&json!({"jwtRules": [two, one]}));
    assert_eq!(tester.bearer(&es256(&claims())), Some(Reason::LifetimeNotAllowed));
    let recent = with(claims(), "iat", json!(NOW));
    assert_eq!(tester.bearer(&es256(&recent)), None);
}

#[test]
fn selects_keys_by_kid_and_alg() {
    let payload = claims().to_string();
    let mut tester = tester(&document(json!({})));
    for (header, reason) in [
        (json!({"alg": "ES256"}), None),
        (json!({"alg": "ES256", "kid": "p256"}), None),
        (json!({"alg": "ES256", "kid": "rsa"}), Some(Reason::KeyNotFound)),
        (json!({"alg": "ES256", "kid": "new"}), Some(Reason::KeyNotFound)),
        (json!({"alg": "ES384", "kid": "p384"}), Some(Reason::BadSignature)),
        (json!({"alg": "RS256"}), Some(Reason::BadSignature)),
        (json!({"alg": "ES512"}), Some(Reason::UnsupportedAlgorithm)),
    ] {
        let token = sign(Algorithm::Es256, &header.to_string(), &payload);
        assert_eq!(tester.bearer(&token), reason, "{header}");
    }
}

#[test]
fn counts_the_use_of_clock_skew() {
    let mut tester = tester(&document(json!({})));
    for (exp, used) in [(NOW + 1, false), (NOW, true)] {
        let token = es256(&with(claims(), "exp", json!(exp)));
        let (_, counts) = tester.send(&bearer(&token));
        assert_eq!(counts.contains(&Metric::ClockSkewUsed), used);
    }
}

#[test]
fn bound_tokens_need_their_certificate() {
    let digest = [0xAB; 32];
    let thumbprint = URL_SAFE_NO_PAD.encode(digest);
    let bound = json!({"x5t#S256": thumbprint});
    let (own, other) = ("ab".repeat(32), "cd".repeat(32));
    let failed = Some(Reason::BindingFailed);
    for (binding, confirmation, peer, reason) in [
        ("IGNORE", bound.clone(), None, None),
        ("IF_PRESENT", json!(null), None, None),
        ("IF_PRESENT", bound.clone(), Some(&own), None),
        ("IF_PRESENT", bound.clone(), Some(&other), failed),
        ("IF_PRESENT", bound.clone(), None, failed),
        ("IF_PRESENT", json!({"jkt": "x"}), Some(&own), failed),
        ("IF_PRESENT", json!("x"), Some(&own), failed),
        ("REQUIRED", json!(null), Some(&own), failed),
        ("REQUIRED", bound.clone(), Some(&own), None),
        ("REQUIRED", json!({"x5t#S256": ""}), Some(&String::new()), failed),
    ] {
        let mut tester = tester(&document(json!({"certificateBinding": binding})));
        let headers = bearer(&es256(&with(claims(), "cnf", confirmation.clone())));
        let name = "connection.sha256_peer_certificate_digest".to_owned();
        assert_eq!(tester.policy.needs().attributes.contains(&name), binding != "IGNORE");
        let attributes = peer.map(|digest| (name, digest.clone().into_bytes()));
        let attributes = attributes.into_iter().collect();
        let request = Request { headers, attributes, ..Request::default() };
        for _ in ["new", "remembered"] {
            let found = tester.send_request(&request).0.reason();
            assert_eq!(found, reason, "{binding} {confirmation} {peer:?}");
        }
    }
}

#[test]
fn refuses_revoked_tokens_and_tokens_without_jti() {
    let mut tester = tester(&document(json!({"revocation": {"jti": ["4f2c"]}})));
    for (id, reason) in [
        (json!("other"), None),
        (json!("4f2c"), Some(Reason::Revoked)),
        (json!(null), Some(Reason::Revoked)),
    ] {
        let token = es256(&with(claims(), "jti", id.clone()));
        assert_eq!([tester.bearer(&token), tester.bearer(&token)], [reason, reason], "{id}");
    }
}

#[test]
fn admits_published_tokens_until_they_expire() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../testdata/vectors.json")).unwrap();
    for vector in vectors.iter().filter(|vector| vector["name"] != "RFC 7515 A.4") {
        let jwks = json!({"keys": [vector["jwk"]]}).to_string();
        let mut tester = tester(&json!({"jwtRules": [{"issuer": "joe", "jwks": jwks}]}));
        let token = vector["token"].as_str().unwrap();
        // The payloads of the one for Ed25519 and of those of RFC 7520 are sentences.
        let of_7520 = vector["name"].as_str().unwrap().starts_with("RFC 7520");
        let sentence = of_7520 || vector["algorithm"] == "EdDSA";
        for (now, reason) in [(1_300_819_380, None), (1_300_819_440, Some(Reason::Expired))] {
            tester.now = now;
            let reason = if sentence { Some(Reason::BadPayload) } else { reason };
            assert_eq!(tester.bearer(token), reason, "{}", vector["name"]);
        }
    }
}

/// Signs a token with HS256; each part is padded if `padded` has a `=` in its position.
fn padded_token(claims: &Value, padded: &str) -> String {
    let pad = |text: String, part: usize| {
        let fill = "=".repeat((4 - text.len() % 4) % 4);
        if padded.as_bytes()[part] == b'=' { format!("{text}{fill}") } else { text }
    };
    // Neither the header nor the payload is a multiple of three bytes long.
    let header = pad(URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256" }"#), 0);
    let mut claims = claims.to_string();
    claims.push_str(&" ".repeat((4 - claims.len() % 3) % 3));
    let payload = pad(URL_SAFE_NO_PAD.encode(claims), 1);
    let message = format!("{header}.{payload}");
    let signature = crate::testing::mac(&message);
    format!("{message}.{}", pad(signature, 2))
}

#[test]
fn admits_padded_parts_if_the_entry_accepts_padding() {
    let (header, payload) = (Some(Reason::BadHeader), Some(Reason::BadPayload));
    for (padded, refused) in [
        ("---", None),
        ("===", header),
        ("=--", header),
        ("-=-", payload),
        ("-==", payload),
        ("--=", Some(Reason::BadFormat)),
    ] {
        let token = padded_token(&claims(), padded);
        let accepting = json!({"acceptPadding": true});
        assert_eq!(tester(&document(accepting)).bearer(&token), None, "{token}");
        assert_eq!(tester(&document(json!({}))).bearer(&token), refused, "{token}");
    }
}

#[test]
fn only_entries_that_accept_padding_serve_padded_tokens() {
    let two = json!({"issuer": "https://two", "acceptPadding": true});
    let document =
        json!({"jwtRules": [crate::testing::rule(json!({})), crate::testing::rule(two)]});
    let of_two = with(claims(), "iss", json!("https://two"));
    let of_none = with(claims(), "iss", json!("https://three"));
    for (claims, padded, reason) in [
        (claims(), "---", None),
        (claims(), "-=-", Some(Reason::BadPayload)),
        (of_two.clone(), "---", None),
        (of_two.clone(), "===", None),
        (with(of_two, "exp", json!(1)), "===", Some(Reason::Expired)),
        (of_none.clone(), "-=-", Some(Reason::BadPayload)),
        (of_none, "---", Some(Reason::UnknownIssuer)),
    ] {
        let found = tester(&document).bearer(&padded_token(&claims, padded));
        assert_eq!(found, reason, "{padded} {claims}");
    }
}

#[test]
fn refuses_incomplete_padding() {
    let mut tester = tester(&document(json!({"acceptPadding": true})));
    let good = padded_token(&claims(), "===");
    for (from, to) in [("=.", "."), ("==.", "=."), ("==.", "===."), ("=.", "=A.")] {
        let spoilt = good.replacen(from, to, 1);
        assert_ne!(spoilt, good);
        assert!(tester.bearer(&spoilt).is_some(), "{spoilt}");
    }
}
