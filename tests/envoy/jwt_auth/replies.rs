//! Responses to denied requests.

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    identity_provider::now,
    upstream::Received,
};

use super::{Rig, trusting, with};

/// A changed claim and the expected denial.
struct Refusal {
    claim: &'static str,
    value: Value,
    status: u16,
    text: &'static str,
    code: &'static str,
    grpc_status: &'static str,
}

fn refusals() -> Vec<Refusal> {
    let refusal = |claim, value, status, text, code, grpc_status| Refusal {
        claim,
        value,
        status,
        text,
        code,
        grpc_status,
    };
    let long_ago = json!(now().saturating_sub(3600));
    let far_away = json!(now().saturating_add(3600));
    let other = json!("https://other.example.com");
    vec![
        refusal("exp", long_ago, 401, "Jwt is expired", "expired", "16"),
        refusal("nbf", far_away, 401, "Jwt not yet valid", "not_yet_valid", "16"),
        refusal("iss", other, 401, "Jwt issuer is not configured", "unknown_issuer", "16"),
        refusal(
            "aud",
            json!("billing.example.com"),
            403,
            "Audiences in Jwt are not allowed",
            "audience_not_allowed",
            "7",
        ),
    ]
}

#[test]
fn a_request_without_a_token_passes_when_no_rule_asks_for_one() -> Result<()> {
    let rig = Rig::start(trusting)?;
    let answer = rig.envoy.http1().get("/orders?page=2")?;
    assert_eq!(answer.status, 200);
    assert_eq!(Received::from_response(&answer)?.path, "/orders?page=2");
    Ok(())
}

#[test]
fn every_refusal_says_why_to_client_and_operator() -> Result<()> {
    let mut rig = Rig::start(trusting)?;
    let refusals = refusals();
    for refusal in &refusals {
        let claims = with(rig.issuer.claims(), refusal.claim, refusal.value.clone());
        let token = rig.issuer.token(Algorithm::ES256, &claims)?;
        let answer = rig.envoy.http1().send(Request::get("/orders?q=1").bearer(&token))?;
        assert_eq!(answer.status, refusal.status, "{}: {}", refusal.code, answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let body = answer.json()?;
        assert_eq!(body["status"], json!(refusal.status));
        assert_eq!(body["detail"], json!(refusal.text));
        let challenge = format!(
            "Bearer realm=\"http://app.example.com/orders\", error=\"invalid_token\", \
             error_description=\"{}\"",
            refusal.text
        );
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    }
    assert_eq!(rig.app.count(), 0);
    let log = rig.envoy.wait_for_access_log(refusals.len())?;
    for refusal in &refusals {
        let details = json!(format!("weir_jwt_auth_denied{{{}}}", refusal.code));
        assert!(log.iter().any(|line| line["details"] == details), "{details}: {log:?}");
    }
    Ok(())
}

#[test]
fn a_grpc_call_gets_trailers_only() -> Result<()> {
    let rig = Rig::start(trusting)?;
    for refusal in refusals() {
        let claims = with(rig.issuer.claims(), refusal.claim, refusal.value.clone());
        let token = rig.issuer.token(Algorithm::ES256, &claims)?;
        let call = Request::grpc("/orders.v1.Orders/List");
        let answer = rig.envoy.http2().send(call.bearer(&token))?;
        assert_eq!(answer.status, 200, "{}", refusal.code);
        assert!(answer.is_trailers_only(), "{answer:?}");
        assert_eq!(answer.grpc_status(), Some(refusal.grpc_status), "{}", refusal.code);
        let message = answer.header("grpc-message").context("no grpc-message")?;
        assert_eq!(message, refusal.text);
    }
    assert_eq!(rig.app.count(), 0);
    Ok(())
}

#[test]
fn a_grpc_call_with_a_good_token_reaches_the_application() -> Result<()> {
    let rig = Rig::start(trusting)?;
    let token = rig.issuer.token(Algorithm::RS256, &rig.issuer.claims())?;
    let call = Request::grpc("/orders.v1.Orders/List");
    let answer = rig.envoy.http2().send(call.bearer(&token))?;
    assert_eq!(answer.grpc_status(), Some("0"));
    assert!(!answer.is_trailers_only());
    assert_eq!(rig.app.count(), 1);
    Ok(())
}

#[test]
fn head_gets_no_body() -> Result<()> {
    let rig = Rig::start(trusting)?;
    for client in [rig.envoy.http1(), rig.envoy.http2()] {
        let answer = client.send(Request::new(Method::HEAD, "/orders").bearer("a.b.c"))?;
        assert_eq!(answer.status, 401);
        assert!(answer.body.is_empty(), "{}", answer.text());
        assert!(answer.header("www-authenticate").is_some());
    }
    Ok(())
}

#[test]
fn plain_text_for_those_who_ask_for_it() -> Result<()> {
    let rig = Rig::start(trusting)?;
    let ask = |accept: &str| -> Result<Response> {
        rig.envoy.http1().send(Request::get("/").bearer("abc").header("accept", accept))
    };
    let text = ask("text/plain")?;
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(text.text().starts_with("Jwt is not in the form"), "{}", text.text());
    for accept in ["application/json", "application/problem+json", "*/*"] {
        let json = ask(accept)?;
        assert_eq!(json.header("content-type"), Some("application/problem+json"), "{accept}");
    }
    Ok(())
}

#[test]
fn a_preflight_needs_no_token() -> Result<()> {
    let rig = Rig::start(trusting)?;
    let preflight = Request::new(Method::OPTIONS, "/orders")
        .header("origin", "https://shop.example.com")
        .header("access-control-request-method", "GET");
    assert_eq!(rig.envoy.http1().send(preflight.clone().bearer("a.b.c"))?.status, 200);
    let no_preflight = Request::new(Method::OPTIONS, "/orders").bearer("a.b.c");
    assert_eq!(rig.envoy.http1().send(no_preflight)?.status, 401);
    Ok(())
}
