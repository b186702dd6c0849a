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

use super::{Fixture, trusting, with};

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
fn requests_pass_without_a_token_if_no_rule_requires_one() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let response = fixture.envoy.http1().get("/orders?page=2")?;
    assert_eq!(response.status, 200);
    assert_eq!(Received::from_response(&response)?.path, "/orders?page=2");
    Ok(())
}

#[test]
fn every_denial_gives_its_reason_to_client_and_log() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let refusals = refusals();
    for refusal in &refusals {
        let claims = with(fixture.issuer.claims(), refusal.claim, refusal.value.clone());
        let token = fixture.issuer.token(Algorithm::ES256, &claims)?;
        let response = fixture.envoy.http1().send(Request::get("/orders?q=1").bearer(&token))?;
        assert_eq!(response.status, refusal.status, "{}: {}", refusal.code, response.text());
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        let body = response.json()?;
        assert_eq!(body["status"], json!(refusal.status));
        assert_eq!(body["detail"], json!(refusal.text));
        let challenge = format!(
            "Bearer realm=\"http://app.example.com/orders\", error=\"invalid_token\", \
             error_description=\"{}\"",
            refusal.text
        );
        assert_eq!(response.header("www-authenticate"), Some(challenge.as_str()));
    }
    assert_eq!(fixture.app.count(), 0);
    let log = fixture.envoy.wait_for_access_log(refusals.len())?;
    for refusal in &refusals {
        let details = json!(format!("weir_jwt_auth_denied{{{}}}", refusal.code));
        assert!(log.iter().any(|line| line["details"] == details), "{details}: {log:?}");
    }
    Ok(())
}

#[test]
fn denies_grpc_calls_with_trailers_only() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    for refusal in refusals() {
        let claims = with(fixture.issuer.claims(), refusal.claim, refusal.value.clone());
        let token = fixture.issuer.token(Algorithm::ES256, &claims)?;
        let call = Request::grpc("/orders.v1.Orders/List");
        let response = fixture.envoy.http2().send(call.bearer(&token))?;
        assert_eq!(response.status, 200, "{}", refusal.code);
        assert!(response.is_trailers_only(), "{response:?}");
        assert_eq!(response.grpc_status(), Some(refusal.grpc_status), "{}", refusal.code);
        let message = response.header("grpc-message").context("no grpc-message")?;
        assert_eq!(message, refusal.text);
    }
    assert_eq!(fixture.app.count(), 0);
    Ok(())
}

#[test]
fn forwards_a_grpc_call_with_a_valid_token() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::RS256, &fixture.issuer.claims())?;
    let call = Request::grpc("/orders.v1.Orders/List");
    let response = fixture.envoy.http2().send(call.bearer(&token))?;
    assert_eq!(response.grpc_status(), Some("0"));
    assert!(!response.is_trailers_only());
    assert_eq!(fixture.app.count(), 1);
    Ok(())
}

#[test]
fn denies_head_without_a_body() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let response = client.send(Request::new(Method::HEAD, "/orders").bearer("a.b.c"))?;
        assert_eq!(response.status, 401);
        assert!(response.body.is_empty(), "{}", response.text());
        assert!(response.header("www-authenticate").is_some());
    }
    Ok(())
}

#[test]
fn denies_in_plain_text_on_request() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let send = |accept: &str| -> Result<Response> {
        fixture.envoy.http1().send(Request::get("/").bearer("abc").header("accept", accept))
    };
    let text = send("text/plain")?;
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(text.text().starts_with("Jwt is not in the form"), "{}", text.text());
    for accept in ["application/json", "application/problem+json", "*/*"] {
        let json = send(accept)?;
        assert_eq!(json.header("content-type"), Some("application/problem+json"), "{accept}");
    }
    Ok(())
}

#[test]
fn preflight_needs_no_token() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let preflight = Request::new(Method::OPTIONS, "/orders")
        .header("origin", "https://shop.example.com")
        .header("access-control-request-method", "GET");
    assert_eq!(fixture.envoy.http1().send(preflight.clone().bearer("a.b.c"))?.status, 200);
    let no_preflight = Request::new(Method::OPTIONS, "/orders").bearer("a.b.c");
    assert_eq!(fixture.envoy.http1().send(no_preflight)?.status, 401);
    Ok(())
}
