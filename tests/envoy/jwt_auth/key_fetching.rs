//! Keys and deny lists fetched from a server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Request, Response},
    envoy::Envoy,
    identity_provider::{Behaviour, IdentityProvider, JWKS_PATH},
    process::wait_until,
    upstream::Upstream,
};

use super::{FILTER, Fixture, assert_no_trap, with};

/// Timeout until a change reaches every worker.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Starts Envoy with the key server behind cluster `keys`.
pub(super) fn start(concurrency: u32, issuer: IdentityProvider, config: Value) -> Result<Fixture> {
    let app = Upstream::start()?;
    let options = EnvoyOptions::new(app.address(), vec![Filter::new(FILTER, config)]);
    let keys = Some(issuer.address());
    let envoy = Envoy::start(EnvoyOptions { concurrency, keys, ..options })?;
    Ok(Fixture { envoy, app, issuer })
}

/// Returns a `pluginConfig` that fetches the issuer's keys, with additional fields in `jwksFetch`.
pub(super) fn fetching(issuer: &IdentityProvider, fetch: &[(&str, Value)]) -> Value {
    let fetch = fetch.iter().cloned();
    let fetch = fetch.fold(json!({"cluster": "keys"}), |all, (name, value)| with(all, name, value));
    json!({"jwtRules": [{
        "issuer": issuer.issuer(),
        "jwksUri": format!("{}{JWKS_PATH}", issuer.issuer()),
        "jwksFetch": fetch,
    }]})
}

/// Sends a request with a token of the issuer.
pub(super) fn send(fixture: &Fixture, algorithm: Algorithm) -> Result<Response> {
    let token = fixture.issuer.token(algorithm, &fixture.issuer.claims())?;
    fixture.envoy.http1().send(Request::get("/").bearer(&token))
}

/// Returns a token whose `kid` is in no key set.
fn token_of_unknown_key(issuer: &IdentityProvider, kid: &str) -> Result<String> {
    let header = json!({"alg": "ES256", "kid": kid}).to_string();
    issuer.token_of(Algorithm::ES256, &header, &issuer.claims().to_string())
}

/// Returns a key set of one key.
fn single_key(issuer: &IdentityProvider, algorithm: Algorithm) -> Value {
    json!({"keys": [issuer.keys().jwk(algorithm)]})
}

/// Sends requests until one gets the status `expected`.
fn send_until(fixture: &Fixture, algorithm: Algorithm, expected: u16) -> Result<()> {
    let started = Instant::now();
    loop {
        let response = send(fixture, algorithm)?;
        if response.status == expected {
            return Ok(());
        }
        ensure!(started.elapsed() < TIMEOUT, "still {}: {}", response.status, response.text());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the value of a counter or gauge of the filter.
pub(super) fn stat(fixture: &Fixture, name: &str) -> Result<u64> {
    Ok(fixture.envoy.stats()?.value(&format!("wasmcustom.weir_jwt_auth_{name}")))
}

/// Waits until a counter or gauge of the filter has a value.
pub(super) fn assert_stat(fixture: &Fixture, name: &str, value: u64) -> Result<()> {
    fixture.envoy.wait_for_stats(&[(format!("wasmcustom.weir_jwt_auth_{name}"), value)])
}

/// Waits until a counter of the filter has at least a value.
fn wait_for_stat(fixture: &Fixture, name: &str, least: u64) -> Result<()> {
    wait_until(&format!("counting {name}"), TIMEOUT, || Ok(stat(fixture, name)? >= least))
}

#[test]
fn first_request_waits_for_the_key_set() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[]);
    let mut fixture = start(1, issuer, config)?;
    let response = send(&fixture, Algorithm::ES256)?;
    assert_eq!(response.status, 200, "{}\n{}", response.text(), fixture.envoy.log());
    assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer("a.b.c"))?.status, 401);
    assert_eq!(fixture.issuer.jwks_requests(), 1);
    assert_stat(&fixture, "jwks_fetch_success_total", 1)?;
    assert_stat(&fixture, "held_requests", 0)?;
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn four_workers_fetch_once_at_start_and_once_per_rotation() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(single_key(&issuer, Algorithm::ES256));
    let config = fetching(&issuer, &[]);
    let mut fixture = start(4, issuer, config)?;
    for _ in 0..40 {
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    }
    assert_eq!(fixture.issuer.jwks_requests(), 1, "{}", fixture.envoy.log());

    fixture.issuer.publish(fixture.issuer.keys().jwks());
    let statuses = thread::scope(|scope| {
        let calls: Vec<_> =
            (0..20).map(|_| scope.spawn(|| send(&fixture, Algorithm::RS256))).collect();
        let response = |call: thread::ScopedJoinHandle<'_, Result<Response>>| {
            Ok(call.join().map_err(|_| anyhow!("a client panicked"))??.status)
        };
        calls.into_iter().map(response).collect::<Result<Vec<u16>>>()
    })?;
    assert_eq!(statuses, [200; 20], "{}", fixture.envoy.log());
    assert_eq!(fixture.issuer.jwks_requests(), 2);
    assert_stat(&fixture, "jwks_refetch_unknown_kid_total", 1)?;
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn unknown_kids_cause_one_fetch_per_interval() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1h"))]);
    let mut fixture = start(4, issuer, config)?;
    for index in 0..60 {
        let token = token_of_unknown_key(&fixture.issuer, &format!("invented-{index}"))?;
        let response = fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
        assert_eq!(response.status, 401, "{}", response.text());
        assert!(response.text().contains("match kid or alg"), "{}", response.text());
    }
    assert_eq!(fixture.issuer.jwks_requests(), 2);
    wait_for_stat(&fixture, "jwks_refetch_limited_total", 50)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn every_worker_refuses_tokens_of_a_removed_key() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1s"))]);
    let mut fixture = start(4, issuer, config)?;
    for _ in 0..20 {
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    }
    fixture.issuer.publish(single_key(&fixture.issuer, Algorithm::RS256));
    let token = token_of_unknown_key(&fixture.issuer, "reason-to-fetch")?;
    fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
    // Every worker checks for a new set once a second.
    thread::sleep(Duration::from_millis(1_500));
    for _ in 0..40 {
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, 401);
        assert_eq!(send(&fixture, Algorithm::RS256)?.status, 200);
    }
    wait_for_stat(&fixture, "token_cache_flushes_total", 1)?;
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn retries_a_failing_server_and_responds_503_meanwhile() -> Result<()> {
    for behaviour in [
        Behaviour::Status(500),
        Behaviour::Status(302),
        Behaviour::Garbage,
        Behaviour::Empty,
        Behaviour::Huge(300 * 1024),
        Behaviour::Huge(10 * 1024 * 1024),
        Behaviour::Slow(Duration::from_secs(2)),
    ] {
        let issuer = IdentityProvider::start()?;
        issuer.set_behaviour(behaviour.clone());
        let mut config = fetching(&issuer, &[("maxPause", json!("300ms"))]);
        config["jwtRules"][0]["timeout"] = json!("500ms");
        let mut fixture = start(2, issuer, config)?;
        let started = Instant::now();
        let response = send(&fixture, Algorithm::ES256)?;
        assert_eq!(response.status, 503, "{behaviour:?}: {}", response.text());
        assert_eq!(response.header("retry-after"), Some("1"));
        assert!(response.text().contains("Jwks remote fetch is failed"), "{}", response.text());
        assert!(started.elapsed() >= Duration::from_millis(250), "{behaviour:?}");
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{behaviour:?}: {:?}",
            started.elapsed()
        );
        fixture.issuer.set_behaviour(Behaviour::Healthy);
        send_until(&fixture, Algorithm::ES256, 200)?;
        wait_for_stat(&fixture, "jwks_fetch_failed_total", 1)?;
        assert_no_trap(&mut fixture.envoy)?;
    }
    Ok(())
}

#[test]
fn keeps_the_key_set_while_the_server_is_down() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1s"))]);
    let mut fixture = start(1, issuer, config)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    fixture.issuer.set_behaviour(Behaviour::Status(500));
    let token = token_of_unknown_key(&fixture.issuer, "reason-to-fetch")?;
    assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer(&token))?.status, 401);
    assert_stat(&fixture, "jwks_fetch_failed_total", 1)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn cold_start_denies_or_allows_at_once() -> Result<()> {
    for (cold_start, status) in [("DENY", 503), ("ALLOW", 200)] {
        let issuer = IdentityProvider::start()?;
        issuer.set_behaviour(Behaviour::Status(500));
        let config = fetching(&issuer, &[("coldStart", json!(cold_start))]);
        let mut fixture = start(1, issuer, config)?;
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, status, "{cold_start}");
        let expired = with(fixture.issuer.claims(), "exp", json!(1));
        let expired = fixture.issuer.token(Algorithm::ES256, &expired)?;
        assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer(&expired))?.status, 401);
        assert_no_trap(&mut fixture.envoy)?;
    }
    Ok(())
}

#[test]
fn finds_keys_through_the_discovery_document() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let rule = json!({"issuer": issuer.issuer(), "jwksFetch": {"cluster": "keys"}});
    let mut fixture = start(4, issuer, json!({"jwtRules": [rule]}))?;
    for _ in 0..10 {
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200, "{}", fixture.envoy.log());
    }
    assert_eq!((fixture.issuer.discovery_requests(), fixture.issuer.jwks_requests()), (1, 1));
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn logs_an_unknown_cluster_and_responds_503() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("cluster", json!("nowhere")), ("maxPause", json!("50ms"))]);
    let mut fixture = start(1, issuer, config)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 503);
    fixture.envoy.wait_for_log("through cluster nowhere: the proxy has no such cluster")?;
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn fetches_and_renews_a_deny_list() -> Result<()> {
    let (issuer, lists) = (IdentityProvider::start()?, IdentityProvider::start()?);
    let named = |id: &str| with(issuer.claims(), "jti", json!(id));
    let one = issuer.token(Algorithm::ES256, &named("one"))?;
    let other = issuer.token(Algorithm::ES256, &named("other"))?;
    lists.publish(json!({"jti": ["one"]}));
    let uri = format!("{}{JWKS_PATH}", lists.issuer());
    let revocation = json!({"uri": uri, "cluster": "keys", "refreshInterval": "5s"});
    let config = json!({"jwtRules": [{
        "issuer": issuer.issuer(),
        "jwks": issuer.keys().jwks().to_string(),
        "revocation": revocation,
    }]});
    let mut fixture = start(4, lists, config)?;
    let status = |token: &str| -> Result<u16> {
        Ok(fixture.envoy.http1().send(Request::get("/").bearer(token))?.status)
    };
    for _ in 0..10 {
        assert_eq!((status(&one)?, status(&other)?), (401, 200));
    }
    assert_eq!(fixture.issuer.jwks_requests(), 1);
    fixture.issuer.publish(json!({"jti": ["other"]}));
    let started = Instant::now();
    while status(&other)? != 401 {
        ensure!(started.elapsed() < TIMEOUT, "the new list has no effect");
        thread::sleep(Duration::from_millis(100));
    }
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn held_requests_survive_client_resets_and_reconfiguration() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.set_behaviour(Behaviour::Slow(Duration::from_secs(2)));
    let config = fetching(&issuer, &[]);
    let mut fixture = start(1, issuer, config.clone())?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let leaving = std::net::TcpStream::connect(fixture.envoy.address())?;
    let text = format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    std::io::Write::write_all(&mut &leaving, text.as_bytes())?;
    let client = fixture.envoy.http1();
    let waiting = thread::spawn(move || client.send(Request::get("/").bearer(&token)));
    let started = Instant::now();
    while stat(&fixture, "held_requests")? < 2 {
        ensure!(started.elapsed() < TIMEOUT, "no request is held:\n{}", fixture.envoy.log());
    }
    drop(leaving);
    let changed = with(config, "publish", json!("NONE"));
    fixture.envoy.reconfigure(&[Filter::new(FILTER, changed)])?;
    let response = waiting.join().map_err(|_| anyhow!("the client panicked"))??;
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    assert_stat(&fixture, "held_requests", 0)?;
    assert_no_trap(&mut fixture.envoy)
}
