//! Memory use over many tokens and configurations.

use std::{
    io::{Read, Write},
    net::TcpStream,
    ops::Range,
};

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, identity_provider::IdentityProvider};

use super::{FILTER, Rig, rule, trusting_and, with};

/// Number of tokens sent before the first measurement: more than fit into the cache.
const TOKENS_TO_FILL: usize = 5_000;
/// Number of tokens sent between the measurements.
const TOKENS: usize = 15_000;
/// Number of configuration changes before the first measurement.
const CHANGES_TO_WARM: usize = 40;
/// Number of configuration changes between the measurements.
const CHANGES: usize = 160;
/// Maximum growth of the process, in MiB.
const GROWTH: u64 = 24;

#[test]
fn distinct_tokens_do_not_fill_the_memory() -> Result<()> {
    let mut rig = Rig::start(|issuer| {
        let secret = issuer.keys().secret_jwks().to_string();
        trusting_and(issuer, &[("jwks", json!(secret)), ("algorithms", json!(["HS256"]))])
    })?;
    let mut connection = TcpStream::connect(rig.envoy.address())?;
    send_distinct(&rig.issuer, &mut connection, 0..TOKENS_TO_FILL)?;
    let before = rig.envoy.memory()?;
    let all = TOKENS_TO_FILL.saturating_add(TOKENS);
    send_distinct(&rig.issuer, &mut connection, TOKENS_TO_FILL..all)?;
    let after = rig.envoy.memory()?;
    let stats = rig.envoy.stats()?;
    let name = "wasmcustom.weir_jwt_auth_token_cache_evictions_total";
    assert!(stats.value(name) > u64::try_from(TOKENS)?, "{:?}", stats.holding("token_cache"));
    eprintln!("{before} MiB, {after} MiB after {TOKENS} more tokens");
    assert!(after.saturating_sub(before) <= GROWTH, "{before} MiB grew to {after} MiB");
    super::assert_no_trap(&mut rig.envoy)
}

#[test]
fn changes_of_the_configuration_do_not_fill_the_memory() -> Result<()> {
    let mut rig = Rig::start(super::trusting)?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    change(&mut rig, &token, 0..CHANGES_TO_WARM)?;
    let before = rig.envoy.memory()?;
    change(&mut rig, &token, CHANGES_TO_WARM..CHANGES_TO_WARM.saturating_add(CHANGES))?;
    let after = rig.envoy.memory()?;
    eprintln!("{before} MiB, {after} MiB after {CHANGES} more configurations");
    assert!(after.saturating_sub(before) <= GROWTH, "{before} MiB grew to {after} MiB");
    super::assert_no_trap(&mut rig.envoy)
}

/// Applies one configuration after the other and sends a request to each.
fn change(rig: &mut Rig, token: &str, turns: Range<usize>) -> Result<()> {
    for turn in turns {
        let header: Value = json!([{"header": format!("x-user-{turn}"), "claim": "sub"}]);
        let rule = with(rule(&rig.issuer), "outputClaimToHeaders", header);
        rig.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])?;
        let answer = rig.envoy.http1().send(Request::get("/").bearer(token))?;
        ensure!(answer.status == 200, "turn {turn}: {}", answer.text());
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
        let head = read_answer(connection)?;
        ensure!(head.starts_with("HTTP/1.1 200"), "token {number}: {head}");
    }
    Ok(())
}

/// Reads one response including its body and returns its head.
fn read_answer(connection: &mut TcpStream) -> Result<String> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = connection.read(&mut piece)?;
        ensure!(length > 0, "the connection was closed");
        answer.extend_from_slice(piece.get(..length).unwrap_or_default());
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let field = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= field.context("no content-length")?.parse()? {
            return Ok(head.to_owned());
        }
    }
}
