//! Units that are taken at the response, and costs that the request names.

use anyhow::Result;
use hyper::{HeaderMap, Response, header::HeaderValue};
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{
    bootstrap::Filter,
    client::Request,
    envoy::Envoy,
    identity_provider::IdentityProvider,
    ports,
    server::{Server, full},
    upstream::{REPLY_GRPC_STATUS, REPLY_STATUS},
};

use super::{Fixture, entry, filter, options, requests::statuses};

#[test]
fn failed_logins_are_charged_by_status() -> Result<()> {
    let charge = json!({"status": ["401", "5xx"]});
    let sliding = json!({"requests": 3, "per": "1h", "window": "SLIDING", "charge": charge});
    let config = json!({"http": [
        entry("sliding", sliding),
        entry("bucket", json!({"requests": 3, "per": "1h", "charge": charge})),
        entry("fixed",
            json!({"requests": 3, "per": "720h", "window": "FIXED", "charge": charge})),
    ]});
    let fixture = Fixture::start(&config)?;
    let client = fixture.envoy.http1();
    for path in ["/sliding", "/bucket", "/fixed"] {
        let reply = |status| Request::get(path).header(REPLY_STATUS, status);
        let replies = ["200", "401", "200", "404", "503", "401", "200"].map(reply);
        let expected = [200, 401, 200, 404, 503, 401, 429];
        assert_eq!(statuses(&client, replies)?, expected, "{path}");
    }
    Ok(())
}

/// Starts an application whose responses have the header `x-tokens` of the request.
fn app_with_tokens() -> Result<Server> {
    Server::start(ports::listen(0)?, |request| async move {
        let mut response = Response::new(full("done"));
        for value in request.headers().get_all("x-tokens") {
            response.headers_mut().append("x-tokens", value.clone());
        }
        response
    })
}

#[test]
fn a_response_header_names_the_units() -> Result<()> {
    let app = app_with_tokens()?;
    let charge = json!({"responseHeader": "x-tokens", "max": 50});
    let limit = |requests: u32| json!({"requests": requests, "per": "1h", "charge": charge});
    let config = json!({"http": [
        entry("units", limit(100)), entry("most", limit(100)), entry("none", limit(2)),
        entry("overdraft", limit(10)),
    ]});
    let envoy = Envoy::start(options(app.address(), vec![filter(&config)]))?;
    let client = envoy.http1();
    let send = |path: &str, tokens: &[&str]| {
        let request = |tokens: &&str| Request::get(path).header("x-tokens", tokens);
        statuses(&client, tokens.iter().map(request))
    };
    assert_eq!(send("/units", &["40", "40.5", "19", "1"])?, [200, 200, 200, 429]);
    assert_eq!(send("/most", &["999999999999999999999", "49", "1", "1"])?, [200, 200, 200, 429]);
    assert_eq!(send("/none", &["-5", "many", "1"])?, [200, 200, 429]);
    assert_eq!(send("/overdraft", &["9", "50", "1"])?, [200, 200, 429]);
    Ok(())
}

#[test]
fn a_grpc_status_is_charged_in_trailers_and_headers() -> Result<()> {
    let charge = json!({"grpcStatus": ["RESOURCE_EXHAUSTED", "INTERNAL"]});
    let config = json!({"http": [
        entry("trailers", json!({"requests": 2, "per": "1h", "charge": charge})),
        entry("headers", json!({"requests": 2, "per": "1h", "charge": charge})),
    ]});
    let fixture = Fixture::start(&config)?;
    let call = |envoy: &Envoy, path: &str, status: &str| -> Result<Option<String>> {
        let request = Request::grpc(&format!("/{path}/Get")).header(REPLY_GRPC_STATUS, status);
        let response = envoy.http2().send(request)?;
        Ok(response.grpc_status().map(str::to_owned))
    };
    let calls = [("0", "0"), ("13", "13"), ("5", "5"), ("8", "8"), ("0", "8"), ("0", "8")];
    for (status, expected) in calls {
        assert_eq!(call(&fixture.envoy, "trailers", status)?.as_deref(), Some(expected));
    }
    assert_eq!(fixture.app.count(), 4);
    let app = trailers_only_app()?;
    let envoy = Envoy::start(options(app.address(), vec![filter(&config)]))?;
    for (status, expected) in calls {
        assert_eq!(call(&envoy, "headers", status)?.as_deref(), Some(expected));
    }
    Ok(())
}

/// Starts an application that sends the gRPC status in the headers of a response without a body.
fn trailers_only_app() -> Result<Server> {
    Server::start(ports::listen(0)?, |request| async move {
        let mut response = Response::new(full(""));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        let status = request.headers().get(REPLY_GRPC_STATUS).cloned();
        headers.insert("grpc-status", status.unwrap_or(HeaderValue::from_static("0")));
        *response.headers_mut() = headers;
        response
    })
}

#[test]
fn a_header_or_a_claim_names_the_cost() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwks = issuer.keys().jwks().to_string();
    let rules = json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]});
    let cost = |from: &str| json!({"from": from, "default": 2, "max": 6});
    let limit = |from: &str| json!({"requests": 10, "per": "1h", "cost": cost(from)});
    let config = json!({"http": [
        entry("header", limit("%REQ(x-cost)%")), entry("zero", limit("%REQ(x-cost)%")),
        entry("claim", limit("%CLAIM(weight)%")), entry("free", limit("%CLAIM(weight)%")),
        entry("plan", json!({"requests": 1, "per": "1h",
            "requestsFrom": {"claim": "plan", "max": 3}})),
    ]});
    let fixture = Fixture::start_chain(1, vec![Filter::new("jwt-auth", rules), filter(&config)])?;
    let client = fixture.envoy.http1();
    let header = |path: &str, costs: &[&str]| {
        let request = |cost: &&str| Request::get(path).header("x-cost", cost);
        statuses(&client, costs.iter().map(request))
    };
    // 6 of at most 6, 2 by default, and 2; then nothing is left.
    assert_eq!(header("/header", &["99", "x", "2", "1"])?, [200, 200, 200, 429]);
    assert_eq!(header("/zero", &["0"; 11])?, [&[200; 10][..], &[429]].concat());
    let token = |name: &str, value: serde_json::Value| {
        let mut claims = issuer.claims();
        claims[name] = value;
        issuer.token(Algorithm::ES256, &claims)
    };
    let signed = |path: &str, token: &str| Request::get(path).bearer(token).header("x-cost", "0");
    let (five, free) = (token("weight", json!(5))?, token("weight", json!(0))?);
    let plan = token("plan", json!(100))?;
    let thrice = |path: &str, token: &str| statuses(&client, (0..3).map(|_| signed(path, token)));
    assert_eq!(thrice("/claim", &five)?, [200, 200, 429]);
    for _ in 0..5 {
        assert_eq!(thrice("/free", &free)?, [200; 3], "a claim may be 0");
    }
    assert_eq!(thrice("/plan", &plan)?, [200; 3]);
    assert_eq!(thrice("/plan", &plan)?, [429; 3], "at most max");
    Ok(())
}
