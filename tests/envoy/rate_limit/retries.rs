//! An Envoy as a caller does not retry a refused request, although it retries status 429.

use anyhow::{Context, Result};
use hyper::Response;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    ports,
    server::{Server, full},
    upstream::Upstream,
};

use super::{filter, limit, options, wait_for};

/// Returns a route that retries status 429 up to twice.
fn retrying() -> Value {
    let policy = json!({
        "retry_on": "5xx,retriable-status-codes", "retriable_status_codes": [429],
        "num_retries": 2, "retry_back_off": {"base_interval": "0.001s"},
    });
    json!({"match": {"prefix": "/"}, "route": {"cluster": "app", "retry_policy": policy}})
}

/// Starts an Envoy without filters that retries.
fn caller(server: std::net::SocketAddr) -> Result<Envoy> {
    let options = EnvoyOptions::new(server, Vec::new());
    Envoy::start(EnvoyOptions { routes: vec![retrying()], ..options })
}

fn retries(caller: &Envoy) -> Result<u64> {
    Ok(caller.stats()?.value("cluster.app.upstream_rq_retry"))
}

#[test]
fn envoys_do_not_retry_refused_requests() -> Result<()> {
    let app = Upstream::start()?;
    let config = limit(json!({"name": "all", "requests": 1, "per": "1h"}));
    let server = Envoy::start(options(app.address(), vec![filter(&config)]))?;
    let caller = caller(server.address())?;
    assert_eq!(caller.http1().get("/")?.status, 200);
    assert_eq!(caller.http1().get("/")?.status, 429);
    let call = caller.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!(call.grpc_status(), Some("8"));
    assert_eq!(retries(&caller)?, 0);
    wait_for(&server, "denied_total", 2)
}

#[test]
fn envoys_retry_the_same_status_of_an_application() -> Result<()> {
    let refusing = |_| async {
        let response = Response::builder().status(429).body(full("")).context("no response");
        response.unwrap_or_default()
    };
    let app = Server::start(ports::listen(0)?, refusing)?;
    let caller = caller(app.address())?;
    assert_eq!(caller.http1().get("/")?.status, 429);
    assert_eq!(retries(&caller)?, 2);
    Ok(())
}
