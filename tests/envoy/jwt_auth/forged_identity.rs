//! Attempts of clients to forge a verified identity or to have it removed, and requests with
//! several credentials.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::IdentityProvider,
    upstream::{Received, Upstream},
};

use super::{FILTER, Fixture, assert_no_trap, publishing, trusting_and};

fn writing_user(issuer: &IdentityProvider) -> Value {
    let claims = json!([{"header": "x-user", "claim": "sub"}]);
    trusting_and(issuer, &[("outputClaimToHeaders", claims)])
}

/// Returns the application's cluster over HTTP/2, which supports trailers.
fn over_http2(app: &Upstream) -> Value {
    let address = json!({"socket_address": {
        "address": "127.0.0.1", "port_value": app.address().port(),
    }});
    json!({
        "name": "app",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "app", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address}}]},
        ]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type":
                    "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            },
        },
    })
}

#[test]
fn removes_output_headers_from_trailers() -> Result<()> {
    let (app, issuer) = (Upstream::start()?, IdentityProvider::start()?);
    for dry_run in [false, true] {
        let mut config = writing_user(&issuer);
        config["dryRun"] = json!(dry_run);
        let options = EnvoyOptions::new(app.address(), vec![Filter::new(FILTER, config)]);
        let mut envoy = Envoy::start(EnvoyOptions { clusters: vec![over_http2(&app)], ..options })?;
        let token = issuer.token(Algorithm::ES256, &issuer.claims())?;
        for request in [Request::new(Method::POST, "/").bearer(&token), Request::get("/")] {
            let request = request
                .body(b"body")
                .trailer("x-user", "root")
                .trailer("x-jwt-signature-verified", "true")
                .trailer("x-other", "kept");
            let response = envoy.http2().send(request)?;
            assert_eq!(response.status, 200, "{}", response.text());
            let received = Received::from_response(&response)?;
            assert_eq!(received.body_length, 4);
            let names: Vec<_> = received.trailers.iter().map(|(name, _)| name.as_str()).collect();
            let expected = match dry_run {
                false => &["x-other"][..],
                true => &["x-user", "x-jwt-signature-verified", "x-other"],
            };
            assert_eq!(names, expected);
        }
        assert_no_trap(&mut envoy)?;
    }
    Ok(())
}

#[test]
fn connection_header_cannot_drop_the_identity() -> Result<()> {
    let (app, issuer) = (Upstream::start()?, IdentityProvider::start()?);
    let filter = Filter::new(FILTER, writing_user(&issuer));
    let options = EnvoyOptions::new(app.address(), vec![filter]);
    let mut envoy =
        Envoy::start(EnvoyOptions { upgrades: vec!["websocket".to_owned()], ..options })?;
    let token = issuer.token(Algorithm::ES256, &issuer.claims())?;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: app.example.com\r\nconnection: upgrade, X-User\r\n\
         upgrade: websocket\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let mut socket = TcpStream::connect(envoy.address())?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.write_all(request.as_bytes())?;
    let mut response = vec![0; 4096];
    let length = socket.read(&mut response)?;
    response.truncate(length);
    let received = app.received();
    let received = received.first().with_context(|| format!("{}", response.escape_ascii()))?;
    assert_eq!(received.header("x-user"), ["alice"]);
    let connection = received.header("connection").join(", ").to_ascii_lowercase();
    assert!(connection.contains("upgrade") && !connection.contains("x-user"), "{connection}");
    assert_no_trap(&mut envoy)
}

#[test]
fn finds_one_token_among_other_credentials() -> Result<()> {
    let mut fixture = Fixture::start(|issuer| {
        let protocols = json!({"name": "sec-websocket-protocol", "prefix": "access_token, "});
        let headers = json!([{"name": "authorization", "prefix": "Bearer "}, protocols]);
        let cookies = json!([{"name": "session", "prefix": "Bearer "}]);
        publishing(trusting_and(issuer, &[("fromHeaders", headers), ("fromCookies", cookies)]))
    })?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let other = fixture.issuer.token(Algorithm::EdDSA, &fixture.issuer.claims())?;
    let bearer = format!("Bearer {token}");
    let protocols = format!("graphql-ws, access_token, {token}");
    let plain = || Request::get("/");
    for (request, status) in [
        (plain().header("authorization", "Basic eDp5").header("authorization", &bearer), 200),
        (plain().header("authorization", &bearer).header("authorization", "Basic eDp5"), 200),
        (plain().header("authorization", &bearer).header("authorization", &bearer), 200),
        (plain().bearer(&token).bearer(&other), 400),
        (plain().header("authorization", format!("{bearer}, {other}")), 400),
        (plain().header("sec-websocket-protocol", &protocols), 200),
        (plain().header("cookie", format!("session=; session={bearer}")), 200),
        (plain().bearer(&token).header("cookie", format!("session=Bearer {other}")), 400),
    ] {
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            let response = client.send(request.clone())?;
            assert_eq!(response.status, status, "{request:?}");
            if status == 200 {
                let received = Received::from_response(&response)?;
                assert!(received.header("authorization").is_empty());
                let rest = received.header("sec-websocket-protocol");
                assert!(rest.is_empty() || rest == ["graphql-ws"], "{rest:?}");
            }
        }
    }
    let log = fixture.envoy.wait_for_access_log(16)?;
    let known = log.iter().filter(|line| line["identity"].is_string()).count();
    assert_eq!(known, 10);
    assert_no_trap(&mut fixture.envoy)
}
