//! Memory use over many tokens and configurations.

use std::{
    io::{Read, Write},
    net::TcpStream,
    ops::Range,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter, client::Request, identity_provider::IdentityProvider, process::wait_until,
};

use super::{FILTER, Fixture, rule, trusting_and, with};

/// Number of tokens sent before the first measurement: more than fit into the cache.
const TOKENS_TO_FILL: usize = 5_000;
/// Number of tokens sent between the measurements.
const TOKENS: usize = 15_000;
/// Number of configuration changes before the first measurement.
const CHANGES_TO_WARM: usize = 40;
/// Number of configuration changes between the measurements.
const CHANGES: usize = 160;
/// Maximum growth of the process, in MiB.
const MAX_GROWTH: u64 = 24;

#[test]
fn memory_does_not_grow_with_distinct_tokens() -> Result<()> {
    let mut fixture = Fixture::start(|issuer| {
        let secret = issuer.keys().secret_jwks().to_string();
        trusting_and(issuer, &[("jwks", json!(secret)), ("algorithms", json!(["HS256"]))])
    })?;
    let mut connection = TcpStream::connect(fixture.envoy.address())?;
    send_distinct(&fixture.issuer, &mut connection, 0..TOKENS_TO_FILL)?;
    let before = fixture.envoy.memory()?;
    let all = TOKENS_TO_FILL.saturating_add(TOKENS);
    send_distinct(&fixture.issuer, &mut connection, TOKENS_TO_FILL..all)?;
    let after = fixture.envoy.memory()?;
    let name = "wasmcustom.weir_jwt_auth_token_cache_evictions_total";
    let tokens = u64::try_from(TOKENS)?;
    wait_until("counting evictions", Duration::from_secs(10), || {
        Ok(fixture.envoy.stats()?.value(name) > tokens)
    })?;
    eprintln!("{before} MiB, {after} MiB after {TOKENS} more tokens");
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    super::assert_no_trap(&mut fixture.envoy)
}

#[test]
fn memory_does_not_grow_with_reconfigurations() -> Result<()> {
    let mut fixture = Fixture::start(super::trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    change(&mut fixture, &token, 0..CHANGES_TO_WARM)?;
    let before = fixture.envoy.memory()?;
    change(&mut fixture, &token, CHANGES_TO_WARM..CHANGES_TO_WARM.saturating_add(CHANGES))?;
    let after = fixture.envoy.memory()?;
    eprintln!("{before} MiB, {after} MiB after {CHANGES} more configurations");
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    super::assert_no_trap(&mut fixture.envoy)
}

/// Applies one configuration after the other and sends a request to each.
fn change(fixture: &mut Fixture, token: &str, turns: Range<usize>) -> Result<()> {
    for index in turns {
        let header: Value = json!([{"header": format!("x-user-{index}"), "claim": "sub"}]);
        let rule = with(rule(&fixture.issuer), "outputClaimToHeaders", header);
        fixture.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])?;
        let response = fixture.envoy.http1().send(Request::get("/").bearer(token))?;
        ensure!(response.status == 200, "turn {index}: {}", response.text());
    }
    Ok(())
}

/// Sends a distinct token for each number, one request after the other.
fn send_distinct(
    issuer: &IdentityProvider,
    connection: &mut TcpStream,
    numbers: Range<usize>,
) -> Result<()> {
    connection.set_nodelay(true)?;
    for number in numbers {
        let claims = with(issuer.claims(), "sub", json!(format!("user-{number}")));
        let token = issuer.token(Algorithm::HS256, &claims)?;
        write!(connection, "GET / HTTP/1.1\r\nhost: app\r\nauthorization: Bearer {token}\r\n\r\n")?;
        let head = read_response(connection)?;
        ensure!(head.starts_with("HTTP/1.1 200"), "token {number}: {head}");
    }
    Ok(())
}

/// Reads one response including its body and returns its head.
fn read_response(connection: &mut TcpStream) -> Result<String> {
    let mut response = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = connection.read(&mut piece)?;
        ensure!(length > 0, "the connection was closed");
        response.extend_from_slice(piece.get(..length).unwrap_or_default());
        let text = String::from_utf8_lossy(&response);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let field = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= field.context("no content-length")?.parse()? {
            return Ok(head.to_owned());
        }
    }
}
