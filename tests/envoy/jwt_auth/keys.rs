//! Keys and deny lists fetched from a server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{Filter, Setup},
    client::{Request, Response},
    envoy::Envoy,
    identity_provider::{Behaviour, DENY_LIST_PATH, IdentityProvider, JWKS_PATH},
    upstream::Upstream,
};

use super::{FILTER, Rig, assert_no_trap, with};

/// Timeout until a change reaches every worker.
const SOON: Duration = Duration::from_secs(20);

/// Starts Envoy with the key server behind cluster `keys`.
pub(super) fn start(concurrency: u32, issuer: IdentityProvider, config: Value) -> Result<Rig> {
    let app = Upstream::start()?;
    let setup = Setup::new(app.address(), vec![Filter::new(FILTER, config)]);
    let keys = Some(issuer.address());
    let envoy = Envoy::start(Setup { concurrency, keys, ..setup })?;
    Ok(Rig { envoy, app, issuer })
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
pub(super) fn send(rig: &Rig, algorithm: Algorithm) -> Result<Response> {
    let token = rig.issuer.token(algorithm, &rig.issuer.claims())?;
    rig.envoy.http1().send(Request::get("/").bearer(&token))
}

/// Returns a token whose `kid` is in no key set.
fn token_of_unknown_key(issuer: &IdentityProvider, kid: &str) -> Result<String> {
    let header = json!({"alg": "ES256", "kid": kid}).to_string();
    issuer.token_of(Algorithm::ES256, &header, &issuer.claims().to_string())
}

/// Returns a key set of one key.
fn only(issuer: &IdentityProvider, algorithm: Algorithm) -> Value {
    json!({"keys": [issuer.keys().jwk(algorithm)]})
}

/// Sends requests until one gets the status `wanted`.
fn until(rig: &Rig, algorithm: Algorithm, wanted: u16) -> Result<()> {
    let begun = Instant::now();
    loop {
        let answer = send(rig, algorithm)?;
        if answer.status == wanted {
            return Ok(());
        }
        ensure!(begun.elapsed() < SOON, "still {}: {}", answer.status, answer.text());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the value of a counter or gauge of the filter.
pub(super) fn counted(rig: &Rig, name: &str) -> Result<u64> {
    Ok(rig.envoy.stats()?.value(&format!("wasmcustom.weir_jwt_auth_{name}")))
}

#[test]
fn the_first_request_waits_for_the_key_set() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[]);
    let mut rig = start(1, issuer, config)?;
    let answer = send(&rig, Algorithm::ES256)?;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), rig.envoy.log());
    assert_eq!(rig.envoy.http1().send(Request::get("/").bearer("a.b.c"))?.status, 401);
    assert_eq!(rig.issuer.jwks_requests(), 1);
    assert_eq!(counted(&rig, "jwks_fetch_success_total")?, 1);
    assert_eq!(counted(&rig, "held_requests")?, 0);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn four_workers_fetch_once_at_start_and_once_for_a_rotation() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(only(&issuer, Algorithm::ES256));
    let config = fetching(&issuer, &[]);
    let mut rig = start(4, issuer, config)?;
    for _ in 0..40 {
        assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    }
    assert_eq!(rig.issuer.jwks_requests(), 1, "{}", rig.envoy.log());

    rig.issuer.publish(rig.issuer.keys().jwks());
    let statuses = thread::scope(|scope| {
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(|| send(&rig, Algorithm::RS256))).collect();
        let answer = |call: thread::ScopedJoinHandle<'_, Result<Response>>| {
            Ok(call.join().map_err(|_| anyhow!("a client panicked"))??.status)
        };
        calls.into_iter().map(answer).collect::<Result<Vec<u16>>>()
    })?;
    assert_eq!(statuses, [200; 20], "{}", rig.envoy.log());
    assert_eq!(rig.issuer.jwks_requests(), 2);
    assert_eq!(counted(&rig, "jwks_refetch_unknown_kid_total")?, 1);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn invented_keys_cost_one_fetch_per_interval() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1h"))]);
    let mut rig = start(4, issuer, config)?;
    for turn in 0..60 {
        let token = token_of_unknown_key(&rig.issuer, &format!("invented-{turn}"))?;
        let answer = rig.envoy.http1().send(Request::get("/").bearer(&token))?;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(answer.text().contains("match kid or alg"), "{}", answer.text());
    }
    assert_eq!(rig.issuer.jwks_requests(), 2);
    assert!(counted(&rig, "jwks_refetch_limited_total")? >= 50);
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn tokens_of_a_withdrawn_key_are_refused_by_every_worker() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1s"))]);
    let mut rig = start(4, issuer, config)?;
    for _ in 0..20 {
        assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    }
    rig.issuer.publish(only(&rig.issuer, Algorithm::RS256));
    let token = token_of_unknown_key(&rig.issuer, "reason-to-fetch")?;
    rig.envoy.http1().send(Request::get("/").bearer(&token))?;
    // Every worker checks for a new set once a second.
    thread::sleep(Duration::from_millis(1_500));
    for _ in 0..40 {
        assert_eq!(send(&rig, Algorithm::ES256)?.status, 401);
        assert_eq!(send(&rig, Algorithm::RS256)?.status, 200);
    }
    assert!(counted(&rig, "token_cache_flushes_total")? >= 1);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_server_that_fails_is_asked_again_and_requests_get_503_until_then() -> Result<()> {
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
        issuer.behave(behaviour.clone());
        let mut config = fetching(&issuer, &[("maxPause", json!("300ms"))]);
        config["jwtRules"][0]["timeout"] = json!("500ms");
        let mut rig = start(2, issuer, config)?;
        let begun = Instant::now();
        let answer = send(&rig, Algorithm::ES256)?;
        assert_eq!(answer.status, 503, "{behaviour:?}: {}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.text().contains("Jwks remote fetch is failed"), "{}", answer.text());
        assert!(begun.elapsed() >= Duration::from_millis(250), "{behaviour:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{behaviour:?}: {:?}", begun.elapsed());
        rig.issuer.behave(Behaviour::Healthy);
        until(&rig, Algorithm::ES256, 200)?;
        assert!(counted(&rig, "jwks_fetch_failed_total")? >= 1, "{behaviour:?}");
        assert_no_trap(&mut rig.envoy)?;
    }
    Ok(())
}

#[test]
fn a_known_key_set_serves_while_the_server_is_down() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("unknownKidInterval", json!("1s"))]);
    let mut rig = start(1, issuer, config)?;
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    rig.issuer.behave(Behaviour::Status(500));
    let token = token_of_unknown_key(&rig.issuer, "reason-to-fetch")?;
    assert_eq!(rig.envoy.http1().send(Request::get("/").bearer(&token))?.status, 401);
    assert_eq!(counted(&rig, "jwks_fetch_failed_total")?, 1);
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_cold_start_can_refuse_or_admit_at_once() -> Result<()> {
    for (cold_start, status) in [("DENY", 503), ("ALLOW", 200)] {
        let issuer = IdentityProvider::start()?;
        issuer.behave(Behaviour::Status(500));
        let config = fetching(&issuer, &[("coldStart", json!(cold_start))]);
        let mut rig = start(1, issuer, config)?;
        assert_eq!(send(&rig, Algorithm::ES256)?.status, status, "{cold_start}");
        let expired = with(rig.issuer.claims(), "exp", json!(1));
        let expired = rig.issuer.token(Algorithm::ES256, &expired)?;
        assert_eq!(rig.envoy.http1().send(Request::get("/").bearer(&expired))?.status, 401);
        assert_no_trap(&mut rig.envoy)?;
    }
    Ok(())
}

#[test]
fn keys_are_found_through_the_discovery_document() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let rule = json!({"issuer": issuer.issuer(), "jwksFetch": {"cluster": "keys"}});
    let mut rig = start(4, issuer, json!({"jwtRules": [rule]}))?;
    for _ in 0..10 {
        assert_eq!(send(&rig, Algorithm::ES256)?.status, 200, "{}", rig.envoy.log());
    }
    assert_eq!((rig.issuer.discovery_requests(), rig.issuer.jwks_requests()), (1, 1));
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_cluster_that_is_not_there_costs_503_and_a_line_that_names_the_cure() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[("cluster", json!("nowhere")), ("maxPause", json!("50ms"))]);
    let mut rig = start(1, issuer, config)?;
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 503);
    rig.envoy.wait_for_log("through cluster nowhere: the proxy knows no such cluster")?;
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn servers_that_require_accept_and_user_agent_answer() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.demand(&[
        ("accept", "application/jwk-set+json"),
        ("accept", "application/json"),
        ("accept", "*/*"),
        ("user-agent", "weir-jwt-auth/"),
    ]);
    let uri = format!("{}{DENY_LIST_PATH}", issuer.issuer());
    let rule = json!({
        "issuer": issuer.issuer(),
        "jwksFetch": {"cluster": "keys"},
        "revocation": {"uri": uri, "cluster": "keys"},
    });
    let mut rig = start(1, issuer, json!({"jwtRules": [rule]}))?;
    let claims = with(rig.issuer.claims(), "jti", json!("1"));
    let token = rig.issuer.token(Algorithm::ES256, &claims)?;
    let answer = rig.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), rig.envoy.log());
    assert_no_trap(&mut rig.envoy)
}

/// Returns the issuer's key set with irregularities that are common among key servers.
fn sloppy(issuer: &IdentityProvider) -> Value {
    let of = |algorithm, members: &[(&str, Value)]| {
        let jwk = issuer.keys().jwk(algorithm).clone();
        members.iter().fold(jwk, |jwk, (name, value)| with(jwk, name, value.clone()))
    };
    let member = |algorithm, name: &str| {
        let value = issuer.keys().jwk(algorithm).get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    // `AAAA` encodes three zero bytes.
    let longer = format!("AAAA{}", member(Algorithm::ES256, "y"));
    let padded = format!("{}==", member(Algorithm::RS256, "n"));
    json!({"keys": [
        of(Algorithm::RS256, &[("n", json!(padded)), ("key_ops", json!([]))]),
        of(Algorithm::ES256, &[("y", json!(longer)), ("use", json!("jwt-svid"))]),
        of(Algorithm::ES384, &[("kid", json!(7)), ("use", json!(""))]),
        of(Algorithm::EdDSA, &[("key_ops", json!(["sign"])), ("use", json!("SIG"))]),
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AAAA"},
    ]})
}

#[test]
fn fetches_a_sloppy_key_set_with_an_api_key() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(sloppy(&issuer));
    issuer.demand(&[("x-api-key", "hidden"), ("user-agent", "mine/1")]);
    let headers = json!([
        {"name": "x-api-key", "value": "hidden"},
        {"name": "user-agent", "value": "mine/1"},
    ]);
    let config = fetching(&issuer, &[("headers", headers)]);
    let mut rig = start(1, issuer, config)?;
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let answer = send(&rig, algorithm)?;
        assert_eq!(answer.status, 200, "{algorithm:?}: {}\n{}", answer.text(), rig.envoy.log());
    }
    let header = json!({"alg": "ES384", "kid": "7"}).to_string();
    let claims = rig.issuer.claims().to_string();
    let token = rig.issuer.token_of(Algorithm::ES384, &header, &claims)?;
    assert_eq!(rig.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
    assert!(!rig.envoy.log().contains("hidden"), "{}", rig.envoy.log());
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn certificates_by_kid_are_a_key_set() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(issuer.keys().certificates());
    let config = fetching(&issuer, &[]);
    let mut rig = start(1, issuer, config)?;
    let answer = send(&rig, Algorithm::RS256)?;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), rig.envoy.log());
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_key_set_serves_whatever_its_content_type() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.answer_with(&[("content-type", "text/plain"), ("cache-control", "no-store")]);
    let config = fetching(&issuer, &[]);
    let mut rig = start(1, issuer, config)?;
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_fetched_deny_list_refuses_its_tokens_and_is_renewed() -> Result<()> {
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
    let mut rig = start(4, lists, config)?;
    let status = |token: &str| -> Result<u16> {
        Ok(rig.envoy.http1().send(Request::get("/").bearer(token))?.status)
    };
    for _ in 0..10 {
        assert_eq!((status(&one)?, status(&other)?), (401, 200));
    }
    assert_eq!(rig.issuer.jwks_requests(), 1);
    rig.issuer.publish(json!({"jti": ["other"]}));
    let begun = Instant::now();
    while status(&other)? != 401 {
        ensure!(begun.elapsed() < SOON, "the new list has no effect");
        thread::sleep(Duration::from_millis(100));
    }
    assert_no_trap(&mut rig.envoy)
}

#[test]
fn a_client_that_leaves_and_a_new_configuration_disturb_no_waiting_request() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.behave(Behaviour::Slow(Duration::from_secs(2)));
    let config = fetching(&issuer, &[]);
    let mut rig = start(1, issuer, config.clone())?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    let leaving = std::net::TcpStream::connect(rig.envoy.address())?;
    let text = format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    std::io::Write::write_all(&mut &leaving, text.as_bytes())?;
    let client = rig.envoy.http1();
    let waiting = thread::spawn(move || client.send(Request::get("/").bearer(&token)));
    let begun = Instant::now();
    while counted(&rig, "held_requests")? < 2 {
        ensure!(begun.elapsed() < SOON, "no request is held:\n{}", rig.envoy.log());
    }
    drop(leaving);
    let changed = with(config, "publish", json!("NONE"));
    rig.envoy.reconfigure(&[Filter::new(FILTER, changed)])?;
    let answer = waiting.join().map_err(|_| anyhow!("the client panicked"))??;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    assert_eq!(counted(&rig, "held_requests")?, 0);
    assert_no_trap(&mut rig.envoy)
}
