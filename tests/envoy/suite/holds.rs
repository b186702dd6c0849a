//! Streams that a filter holds, and the filters after it.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{
    client::{Client, Request},
    identity_provider::{Behaviour, IdentityProvider},
    upstream::Received,
};

use super::{Fixture, TAG, USER, document, fetching, suite};

/// Time until the key server responds.
const KEYS: Duration = Duration::from_secs(2);
/// Delay of `/slow`.
const DELAY: Duration = Duration::from_millis(300);

/// Starts Envoy with keys that arrive after [`KEYS`].
fn start_waiting() -> Result<Fixture> {
    Fixture::start(|issuer: &IdentityProvider| {
        issuer.set_behaviour(Behaviour::Slow(KEYS));
        fetching(issuer)
    })
}

/// Fails unless each filter has counted this many requests of `alice`.
fn assert_passed(fixture: &Fixture, count: u64, delayed: u64) -> Result<()> {
    let alice = [("user", "alice"), ("tag", "canary")];
    fixture.wait_for(&[
        ("jwt_auth_allowed_total", &[], count),
        ("jwt_auth_held_requests", &[], 0),
        ("routing_tags_tagged_total", &[], count),
        ("telemetry_requests_total", &alice, count),
        ("telemetry_requests_total", &[], count),
        ("fault_injection_delays_total", &[], delayed),
        ("fault_injection_active", &[], 0),
    ])
}

#[test]
fn a_delayed_request_passes_every_filter_once() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let started = Instant::now();
        let response = client.send(fixture.signed("/slow")?.body(&[b'x'; 100_000]))?;
        assert!(started.elapsed() >= DELAY, "{:?}", started.elapsed());
        let received = Received::from_response(&response)?;
        assert_eq!((received.header(USER), received.header(TAG)), (vec!["alice"], vec!["canary"]));
        assert_eq!(received.body_length, 100_000);
    }
    assert_eq!(fixture.app.count(), 2);
    assert_passed(&fixture, 2, 2)?;
    fixture.assert_no_trap()
}

#[test]
fn a_request_that_waits_for_keys_passes_the_other_filters_afterwards() -> Result<()> {
    let mut fixture = start_waiting()?;
    let request = fixture.signed("/slow")?.body(&[b'x'; 100_000]);
    let started = Instant::now();
    let mut waiting = Vec::new();
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let request = request.clone();
        waiting.push(thread::spawn(move || client.send(request)));
    }
    fixture.wait_for(&[
        ("jwt_auth_held_requests", &[], 2),
        ("routing_tags_tagged_total", &[], 0),
        ("fault_injection_active", &[], 0),
    ])?;
    for client in waiting {
        let response = client.join().map_err(|_| anyhow!("the client panicked"))??;
        let received = Received::from_response(&response)?;
        assert_eq!((received.header(USER), received.header(TAG)), (vec!["alice"], vec!["canary"]));
        assert_eq!(received.body_length, 100_000);
    }
    assert!(started.elapsed() >= DELAY, "{:?}", started.elapsed());
    assert_eq!((fixture.app.count(), fixture.issuer.jwks_requests()), (2, 1));
    assert_passed(&fixture, 2, 2)?;
    fixture.assert_no_trap()
}

#[test]
fn a_request_denied_after_it_waited_reaches_no_other_filter() -> Result<()> {
    let mut fixture = start_waiting()?;
    let token = fixture.token()?;
    let (message, _) = token.rsplit_once('.').context("not a token")?;
    // A signature of another message.
    let claims = json!({"sub": "mallory"});
    let other = fixture.issuer.token(Algorithm::ES256, &claims)?;
    let (_, signature) = other.rsplit_once('.').context("not a token")?;
    let request = Request::get("/slow").bearer(&format!("{message}.{signature}"));
    let response = fixture.envoy.http1().send(request)?;
    assert_eq!(response.status, 401, "{}", response.text());
    fixture.wait_for(&[
        ("jwt_auth_denied_total", &[], 1),
        ("jwt_auth_held_requests", &[], 0),
        ("routing_tags_tagged_total", &[], 0),
        ("telemetry_requests_total", &[("response_code", "401")], 1),
        ("telemetry_requests_total", &[], 1),
        ("fault_injection_delays_total", &[], 0),
    ])?;
    assert_eq!(fixture.app.count(), 0);
    fixture.assert_no_trap()
}

/// Sends a request with a token and returns its connection.
fn send(fixture: &Fixture, path: &str) -> Result<TcpStream> {
    let token = fixture.token()?;
    let mut socket = TcpStream::connect(fixture.envoy.address())?;
    let text = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    socket.write_all(text.as_bytes())?;
    Ok(socket)
}

#[test]
fn a_client_that_leaves_during_a_delay_is_counted_once() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    let sockets = [send(&fixture, "/stuck")?, send(&fixture, "/stuck")?];
    fixture.wait_for(&[("fault_injection_active", &[], 2)])?;
    drop(sockets);
    let alice = [("user", "alice"), ("tag", "canary")];
    fixture.wait_for(&[
        ("fault_injection_active", &[], 0),
        ("fault_injection_abandoned_total", &[], 2),
        ("routing_tags_tagged_total", &[], 2),
        ("telemetry_requests_total", &alice, 2),
        ("telemetry_requests_in_flight", &[], 0),
    ])?;
    assert_eq!(fixture.app.count(), 0);
    fixture.assert_no_trap()
}

#[test]
fn a_client_that_leaves_while_it_waits_for_keys_reaches_no_other_filter() -> Result<()> {
    let mut fixture = start_waiting()?;
    let leaving = send(&fixture, "/slow")?;
    fixture.wait_for(&[("jwt_auth_held_requests", &[], 1)])?;
    drop(leaving);
    let response = fixture.envoy.http1().send(fixture.signed("/orders")?)?;
    assert_eq!(response.status, 200);
    fixture.wait_for(&[
        ("jwt_auth_held_requests", &[], 0),
        ("routing_tags_tagged_total", &[], 1),
        ("fault_injection_delays_total", &[], 0),
        ("telemetry_requests_total", &[], 2),
        ("telemetry_requests_in_flight", &[], 0),
    ])?;
    assert_eq!(fixture.app.count(), 1);
    fixture.assert_no_trap()
}

#[test]
fn held_requests_finish_under_their_document() -> Result<()> {
    let mut fixture = start_waiting()?;
    let (for_keys, client) = (fixture.signed("/slow")?, fixture.envoy.http1());
    let waiting = thread::spawn(move || client.send(for_keys));
    fixture.wait_for(&[("jwt_auth_held_requests", &[], 1)])?;
    let mut changed = fetching(&fixture.issuer);
    changed["routing-tags"] = json!({"http": [{"tag": "changed"}]});
    changed["fault-injection"] = json!({});
    fixture.envoy.reconfigure(&[suite(&changed)])?;
    let response = waiting.join().map_err(|_| anyhow!("the client panicked"))??;
    assert_eq!(Received::from_response(&response)?.header(TAG), ["canary"]);
    assert_eq!(tag(&fixture, fixture.envoy.http1())?, ["changed"]);
    fixture.wait_for(&[
        ("jwt_auth_held_requests", &[], 0),
        ("fault_injection_delays_total", &[], 1),
        ("telemetry_requests_total", &[], 2),
        ("telemetry_requests_in_flight", &[], 0),
    ])?;
    fixture.assert_no_trap()
}

/// Returns the tags that the application receives for `/slow`.
fn tag(fixture: &Fixture, client: Client) -> Result<Vec<String>> {
    let received = Received::from_response(&client.send(fixture.signed("/slow")?)?)?;
    Ok(received.header(TAG).into_iter().map(str::to_owned).collect())
}
