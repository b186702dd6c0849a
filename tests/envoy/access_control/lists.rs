//! Lists that are fetched.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hyper::{Request, Response, body::Bytes, header::HeaderValue};
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client,
    envoy::Envoy,
    ports,
    process::wait_until,
    scale::thorough,
    server::{Body, Server, full},
    upstream::Upstream,
};

use super::{Fixture, filter, policy};

/// Timeout until a change reaches every worker.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The number of entries of the largest list.
const MAX_ENTRIES: u32 = 100_000;
/// The longest pause between two fetches without a failure, at `refreshInterval: 5s`.
const INTERVAL: Duration = Duration::from_secs(4);
/// Maximum growth of the process over many fetches, in MiB.
const MAX_GROWTH: u64 = 24;

/// A server of lists.
pub(super) struct ListServer {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    body: Bytes,
    status: u16,
    delay: Duration,
    /// The answers 200, by the number of the body, which is the entity tag.
    version: usize,
    requests: usize,
    not_modified: usize,
}

impl ListServer {
    pub(super) fn start(body: impl Into<Bytes>) -> Result<Self> {
        let state = State { body: body.into(), status: 200, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server =
            Server::start(ports::listen(0)?, move |request| respond(request, Arc::clone(&shared)))?;
        Ok(Self { server, state })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Publishes a body with this status, after a delay.
    fn publish(&self, status: u16, delay: Duration, body: impl Into<Bytes>) {
        let mut state = self.state();
        state.version = state.version.saturating_add(1);
        (state.status, state.delay, state.body) = (status, delay, body.into());
    }

    /// Waits until the server has got this number of requests.
    fn wait_for_requests(&self, count: usize) -> Result<()> {
        wait_until("fetching", TIMEOUT, || Ok(self.state().requests >= count))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(request: Request<Bytes>, state: Arc<Mutex<State>>) -> Response<Body> {
    let (mut response, delay) = {
        let mut state = lock(&state);
        state.requests = state.requests.saturating_add(1);
        let etag = format!("\"{}\"", state.version);
        let known = request.headers().get("if-none-match").map(HeaderValue::as_bytes);
        let (status, body) = if state.status == 200 && known == Some(etag.as_bytes()) {
            state.not_modified = state.not_modified.saturating_add(1);
            (304, Bytes::new())
        } else {
            (state.status, state.body.clone())
        };
        let mut response = Response::new(full(body));
        *response.status_mut() = status.try_into().unwrap_or_default();
        if let Ok(etag) = etag.parse() {
            response.headers_mut().insert("etag", etag);
        }
        (response, state.delay)
    };
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    tokio::time::sleep(delay).await;
    response
}

/// Starts Envoy with the server behind cluster `keys`.
fn start(concurrency: u32, server: &ListServer, config: &Value) -> Result<Fixture> {
    let app = Upstream::start()?;
    let options = EnvoyOptions::new(app.address(), vec![filter(config)]);
    let keys = Some(server.address());
    let envoy = Envoy::start(EnvoyOptions { concurrency, keys, ..options })?;
    Ok(Fixture { envoy, app })
}

/// Returns a policy with an action for the addresses of the list `blocked`.
fn document(action: &str, fields: &Value) -> Value {
    let mut list = json!({
        "uri": "http://lists.example.com/blocked.txt",
        "cluster": "keys",
        "refreshInterval": "5s",
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        list[name] = value.clone();
    }
    let rules = json!([{"from": [{"source": {"remoteIpLists": ["blocked"]}}]}]);
    json!({"policies": [policy("a", action, rules)], "lists": {"blocked": list}})
}

/// Returns a list of ranges that do not overlap, without or with the address of the client.
fn ranges(count: u32, has_client: bool) -> String {
    let mut text = String::from("# blocked\r\n");
    for number in 0..count {
        let address = Ipv4Addr::from(0x0a00_0000_u32.saturating_add(number.saturating_mul(8)));
        let is_client = has_client && number == count / 2;
        let range = if is_client { "127.0.0.1".to_owned() } else { format!("{address}/30") };
        let _ = writeln!(text, "{range}");
    }
    text
}

fn status(fixture: &Fixture) -> Result<u16> {
    Ok(fixture.envoy.http1().send(client::Request::get("/"))?.status)
}

/// Sends requests until 20 connections one after the other, which spread over the workers, get a
/// status.
fn wait_for_status(fixture: &Fixture, expected: u16) -> Result<()> {
    let started = Instant::now();
    let mut agreed = 0_u32;
    while agreed < 20 {
        agreed = if status(fixture)? == expected { agreed.saturating_add(1) } else { 0 };
        ensure!(started.elapsed() < TIMEOUT, "not {expected}: {}", fixture.envoy.log());
        if agreed == 0 {
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Waits until a counter or gauge has at least a value, and returns it.
fn wait_for_stat(fixture: &Fixture, name: &str, least: u64) -> Result<u64> {
    let name = format!("wasmcustom.weir_access_control_{name}");
    let mut value = 0;
    wait_until(&name, TIMEOUT, || {
        value = fixture.envoy.stats()?.value(&name);
        Ok(value >= least)
    })?;
    Ok(value)
}

#[test]
fn four_workers_fetch_a_list_of_100_000_ranges_once_per_interval() -> Result<()> {
    let server = ListServer::start(ranges(MAX_ENTRIES, true))?;
    let mut fixture = start(4, &server, &document("DENY", &json!({"onUnavailable": "EMPTY"})))?;
    wait_for_status(&fixture, 403)?;
    assert_eq!(server.state().requests, 1, "{}", fixture.envoy.log());
    fixture.wait_for(&[("list_blocked_entries", MAX_ENTRIES.into())])?;
    // The server confirms the list twice, then publishes another one.
    server.wait_for_requests(3)?;
    assert_eq!(server.state().not_modified, 2);
    server.publish(200, Duration::ZERO, ranges(MAX_ENTRIES, false));
    let published = Instant::now();
    wait_for_status(&fixture, 200)?;
    assert!(published.elapsed() < INTERVAL * 2, "{:?}", published.elapsed());
    assert_eq!(server.state().requests, 4);
    fixture.wait_for(&[("list_fetch_failed_total", 0), ("errors_total", 0)])?;
    fixture.assert_no_trap()
}

#[test]
fn a_bad_answer_keeps_the_last_good_list() -> Result<()> {
    let server = ListServer::start(ranges(3, true))?;
    let mut fixture = start(4, &server, &document("DENY", &json!({"onUnavailable": "EMPTY"})))?;
    wait_for_status(&fixture, 403)?;
    let good = ranges(3, false);
    let too_large = "#".repeat(4 * 1024 * 1024 + 1);
    let mut failures = 0;
    for (status, delay, body, reason) in [
        (503, Duration::ZERO, String::new(), "the answer has status 503"),
        (200, Duration::from_secs(7), good, "the answer has status 504"),
        (200, Duration::ZERO, too_large, "the answer is too large"),
        (200, Duration::ZERO, "::1\nhidden".to_owned(), "line 2 is not an address or a range"),
    ] {
        server.publish(status, delay, body);
        failures = wait_for_stat(&fixture, "list_fetch_failed_total", failures + 1)?;
        fixture.envoy.wait_for_log(reason)?;
        wait_for_status(&fixture, 403)?;
    }
    assert!(!fixture.envoy.log().contains("hidden"), "{}", fixture.envoy.log());
    server.publish(200, Duration::ZERO, ranges(3, false));
    wait_for_status(&fixture, 200)?;
    fixture.envoy.wait_for_log("list blocked: fetched again")?;
    fixture.assert_no_trap()
}

#[test]
fn an_unavailable_list_is_unsure_or_empty() -> Result<()> {
    for (action, on_unavailable, without, with) in [
        ("DENY", "UNSURE", 403, 403),
        ("ALLOW", "UNSURE", 403, 200),
        ("DENY", "EMPTY", 200, 403),
        ("ALLOW", "EMPTY", 403, 200),
    ] {
        let server = ListServer::start("")?;
        server.publish(500, Duration::ZERO, "");
        let fields = json!({"onUnavailable": on_unavailable, "staleIfError": "0s"});
        let mut fixture = start(1, &server, &document(action, &fields))?;
        wait_for_stat(&fixture, "list_fetch_failed_total", 1)?;
        wait_for_status(&fixture, without)?;
        server.publish(200, Duration::ZERO, ranges(3, true));
        fixture.wait_for(&[("list_blocked_entries", 3)])?;
        wait_for_status(&fixture, with)?;
        // Without `staleIfError`, the list is unavailable as soon as it is not fresh.
        server.publish(500, Duration::ZERO, "");
        fixture.wait_for(&[("list_blocked_entries", 0)])?;
        wait_for_status(&fixture, without)?;
        let unsure = if on_unavailable == "UNSURE" { 1 } else { 0 };
        ensure!(wait_for_stat(&fixture, "unsure_total", unsure)? >= unsure, "{action}");
        fixture.assert_no_trap()?;
    }
    Ok(())
}

#[test]
fn a_missing_cluster_makes_the_list_unavailable() -> Result<()> {
    let server = ListServer::start("127.0.0.1")?;
    let mut fixture = start(2, &server, &document("ALLOW", &json!({"cluster": "missing"})))?;
    fixture.envoy.wait_for_log("the proxy has no such cluster")?;
    assert_eq!(status(&fixture)?, 403);
    fixture.envoy.reconfigure(&[filter(&document("ALLOW", &json!({})))])?;
    wait_for_status(&fixture, 200)?;
    fixture.assert_no_trap()
}

/// Each of 8 lists is fetched every 4 seconds with another content.
#[test]
fn memory_does_not_grow_with_fetches() -> Result<()> {
    const LISTS: usize = 8;
    let count = 20_000;
    let server = ListServer::start(ranges(count, true))?;
    let mut config = document("DENY", &json!({}));
    let list = config["lists"]["blocked"].clone();
    let names: Vec<_> = (0..LISTS).map(|index| format!("list-{index}")).collect();
    config["lists"] = names
        .iter()
        .map(|name| {
            let mut list = list.clone();
            list["uri"] = json!(format!("http://lists.example.com/{name}"));
            (name.clone(), list)
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    config["policies"][0]["rules"][0]["from"][0]["source"]["remoteIpLists"] = json!(names);
    let mut fixture = start(2, &server, &config)?;
    let fetch = |rounds: u64| -> Result<()> {
        for round in 0..rounds {
            let before = server.state().requests;
            server.publish(200, Duration::ZERO, ranges(count, round % 2 == 0));
            server.wait_for_requests(before + LISTS)?;
            wait_for_status(&fixture, if round % 2 == 0 { 403 } else { 200 })?;
        }
        Ok(())
    };
    fetch(4)?;
    let before = fixture.envoy.memory()?;
    let rounds = thorough(6, 26);
    fetch(rounds)?;
    let after = fixture.envoy.memory()?;
    eprintln!("{before} MiB, {after} MiB after {} more fetches", rounds * 8);
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    fixture.assert_no_trap()
}
