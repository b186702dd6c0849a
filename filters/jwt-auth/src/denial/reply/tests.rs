use filter_core::Headers;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    algorithm::Algorithm,
    testing::{self, document, request, tester, with},
};

fn refused(fields: Value, headers: &Headers) -> Reply {
    let document = fields
        .as_object()
        .unwrap()
        .iter()
        .fold(document(json!({})), |all, (n, v)| with(all, n, v.clone()));
    tester(&document).send(headers).0.reply()
}

fn challenge(reply: &Reply) -> Option<String> {
    let found = reply.headers.iter().find(|(name, _)| *name == HeaderName::WWW_AUTHENTICATE);
    found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
}

fn bad(path: &str) -> Headers {
    request(path, [("authorization", "Bearer a")])
}

const FORMAT: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

#[test]
fn challenges_name_realm_and_reason_without_the_query() {
    let reply = refused(json!({}), &bad("/a \"b\\?access_token=secret#x"));
    let realm = "https://app.example.com/a%20%22b%5C";
    let expected = format!(
        "Bearer realm=\"{realm}\", error=\"invalid_request\", \
         error_description=\"Found multiple Jwt tokens\""
    );
    assert_eq!((reply.status, challenge(&reply)), (400, Some(expected)));
    assert_eq!(reply.details, "weir_jwt_auth_denied{multiple_tokens}");
}

#[test]
fn truncates_long_realms() {
    let reply = refused(json!({}), &bad(&format!("/{}", "x".repeat(1000))));
    let challenge = challenge(&reply).unwrap();
    assert_eq!(challenge.split('"').nth(1).map(str::len), Some(256));
}

#[test]
fn sends_the_configured_realm_and_metadata() {
    let url = "https://app.example.com/.well-known/oauth-protected-resource";
    let replies = json!({"replies": {"realm": "orders", "resourceMetadata": url}});
    let expected = format!(
        "Bearer realm=\"orders\", error=\"invalid_token\", error_description=\"{FORMAT}\", \
         resource_metadata=\"{url}\""
    );
    assert_eq!(challenge(&refused(replies, &bad("/"))), Some(expected));
}

#[test]
fn detail_limits_the_reply() {
    let reply = |detail: &str| refused(json!({"problem": {"detail": detail}}), &bad("/"));
    let none = reply("NONE");
    assert!(none.body.is_empty());
    assert_eq!(challenge(&none), Some("Bearer realm=\"https://app.example.com/\"".into()));
    let code: Value = serde_json::from_slice(&reply("CODE").body).unwrap();
    assert_eq!(code["code"], "BAD_FORMAT");
    assert_eq!(code["detail"], FORMAT);
    assert_eq!(code.get("provider"), None);
}

#[test]
fn grpc_clients_get_the_matching_status() {
    let mut headers = bad("/");
    headers.push("content-type", "application/grpc");
    let reply = refused(json!({}), &headers);
    assert_eq!(reply.grpc_status, Some(GrpcStatus::Unauthenticated));
    assert_eq!(reply.body, FORMAT.as_bytes());
    assert!(challenge(&reply).is_some());
}

#[test]
fn reasons_have_status_and_error() {
    let table = [
        ("RULE_UNMATCHED", 403, None),
        ("MISSING", 401, None),
        ("MULTIPLE_TOKENS", 400, Some("invalid_request")),
        ("AUDIENCE_NOT_ALLOWED", 403, Some("invalid_token")),
        ("STEP_UP_REQUIRED", 401, Some("insufficient_user_authentication")),
        ("INSUFFICIENT_SCOPE", 403, Some("insufficient_scope")),
        ("CLAIM_NOT_ALLOWED", 403, Some("insufficient_scope")),
        ("KEYS_UNAVAILABLE", 503, None),
        ("REVOCATION_UNAVAILABLE", 503, None),
        ("INTERNAL", 503, None),
    ];
    for reason in Reason::ALL {
        let listed = table.iter().find(|(code, ..)| *code == reason.code());
        let (_, status, error) = listed.unwrap_or(&("", 401, Some("invalid_token")));
        assert_eq!((reason.status(), reason.error()), (*status, *error), "{reason:?}");
    }
}

#[test]
fn full_detail_names_the_claim_but_not_its_value() {
    let when = json!([{"key": "request.auth.claims[realm][role]", "values": ["admin"]}]);
    let now = json!(testing::NOW - 3600);
    for (fields, name, value, claim) in [
        (json!({}), "exp", now.clone(), "exp"),
        (json!({"rules": [{"audiences": ["other"]}]}), "aud", json!("orders"), "aud"),
        (json!({"rules": [{"when": when}]}), "realm", json!({"role": "secret"}), "realm.role"),
    ] {
        let claims = with(testing::claims(), name, value);
        let headers = testing::bearer(&testing::token(Algorithm::Es256, &claims));
        let reply = refused(with(fields, "problem", json!({"detail": "FULL"})), &headers);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["claim"], claim);
        assert!(!body.to_string().contains("secret"));
    }
}

#[test]
fn details_name_reason_and_rule() {
    let rules = json!({"rules": [
        {"match": [{"uri": {"prefix": "/named"}}], "name": "refunds"},
        {"match": [{"uri": {"prefix": "/plain"}}]},
    ]});
    let missing = |path: &str| refused(rules.clone(), &testing::plain(path)).details;
    assert_eq!(missing("/named"), "weir_jwt_auth_denied{missing,refunds}");
    assert_eq!(missing("/plain"), "weir_jwt_auth_denied{missing,rule-1}");
    assert_eq!(missing("/other"), "weir_jwt_auth_denied{rule_unmatched}");
    let without = refused(json!({}), &bad("/")).details;
    assert_eq!(without, "weir_jwt_auth_denied{bad_format}");
}
