//! Streams that end in unusual ways are counted exactly once.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    process::wait_until,
    upstream::Upstream,
};

use super::{FILTER, Fixture, filter};

/// Timeout of reads and waits.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the counters: requests, errors, requests without a response, and requests in flight.
fn counts(envoy: &Envoy) -> Result<[u64; 4]> {
    let stats = envoy.stats()?;
    let value = |name: &str| stats.value(&format!("wasmcustom.weir_telemetry_{name}"));
    Ok([
        value("requests_total"),
        value("request_errors_total"),
        value("requests_no_response_total"),
        value("requests_in_flight"),
    ])
}

/// Waits until the counters have these values.
fn wait_for(envoy: &Envoy, expected: [u64; 4]) -> Result<()> {
    let mut last = [0; 4];
    wait_until("counting the streams", TIMEOUT, || {
        last = counts(envoy)?;
        Ok(last == expected)
    })
    .with_context(|| format!("expected {expected:?}, got {last:?}"))
}

/// Starts an upstream that responds to each connection with `answer` and then closes it.
fn upstream(response: &'static [u8]) -> Result<std::net::SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { continue };
            let mut request = [0; 4096];
            let _ = socket.read(&mut request);
            let _ = socket.write_all(response);
            let _ = socket.shutdown(Shutdown::Both);
        }
    });
    Ok(address)
}

fn start(app: std::net::SocketAddr, filters: Vec<Filter>) -> Result<Envoy> {
    Envoy::start(EnvoyOptions::new(app, filters))
}

#[test]
fn an_incomplete_response_is_an_error() -> Result<()> {
    let app = upstream(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")?;
    let envoy = start(app, vec![filter(&json!({}))])?;
    assert!(envoy.http1().get("/").is_err());
    wait_for(&envoy, [1, 1, 0, 0])
}

#[test]
fn an_upstream_reset_is_an_error() -> Result<()> {
    let app = upstream(b"")?;
    let envoy = start(app, vec![filter(&json!({}))])?;
    assert_eq!(envoy.http1().get("/")?.status, 503);
    wait_for(&envoy, [1, 1, 0, 0])
}

#[test]
fn a_response_without_a_body_is_complete() -> Result<()> {
    let app = upstream(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    let envoy = start(app, vec![filter(&json!({}))])?;
    assert_eq!(envoy.http1().get("/")?.status, 204);
    wait_for(&envoy, [1, 0, 0, 0])
}

#[test]
fn a_client_reset_is_not_an_error() -> Result<()> {
    // An upstream that accepts connections and never responds.
    let app = TcpListener::bind("127.0.0.1:0")?;
    let envoy = start(app.local_addr()?, vec![filter(&json!({"slos": [{"name": "all"}]}))])?;
    let mut client = TcpStream::connect(envoy.address())?;
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")?;
    wait_for(&envoy, [0, 0, 0, 1])?;
    drop(client);
    wait_for(&envoy, [1, 0, 1, 0])?;
    assert_eq!(envoy.stats()?.value("wasmcustom.weir_telemetry_slo_all_total"), 0);
    Ok(())
}

#[test]
fn counts_local_replies_of_other_filters() -> Result<()> {
    let app = Upstream::start()?;
    let abort =
        json!({"http": [{"fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}}]});
    let logged = json!({"accessLogging": [{}]});
    let filters = vec![Filter::new("fault-injection", abort.clone()), filter(&logged)];
    let mut envoy = start(app.address(), filters)?;
    let response = envoy.http1().send(Request::new(Method::POST, "/").body(b"12345"))?;
    assert_eq!((response.status, response.text().len()), (418, 18));
    wait_for(&envoy, [1, 0, 0, 0])?;
    assert_eq!(envoy.stats()?.value("wasmcustom.weir_telemetry_requests_4xx_total"), 1);
    // The byte counts come from the proxy.
    let log = envoy.stop()?;
    assert!(log.contains(r#""bytes_sent":18,"#), "{log}");
    // A local reply of a later filter.
    let filters = vec![filter(&json!({})), Filter::new("fault-injection", abort)];
    let envoy = start(app.address(), filters)?;
    assert_eq!(envoy.http1().get("/")?.status, 418);
    wait_for(&envoy, [1, 0, 0, 0])
}

#[test]
fn counts_requests_rejected_by_the_codec() -> Result<()> {
    let fixture = Fixture::start(&json!({}))?;
    let response = fixture.envoy.http1().raw(b"GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n")?;
    assert!(response.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&response));
    let codec = fixture.envoy.stats()?.value("http.ingress.downstream_rq_4xx");
    wait_for(&fixture.envoy, [codec, 0, 0, 0])
}

#[test]
fn counts_grpc_errors_in_trailers_and_trailers_only_responses() -> Result<()> {
    let fixture = Fixture::start(&json!({}))?;
    let response = fixture.envoy.http2().send(Request::grpc("/shop.Orders/Get"))?;
    assert_eq!(response.grpc_status(), Some("0"));
    wait_for(&fixture.envoy, [1, 0, 0, 0])?;
    let abort = json!({"http": [{"fault": {"abort":
        {"percentage": {"value": 100}, "grpcStatus": "UNAVAILABLE"}}}]});
    let filters = vec![filter(&json!({})), Filter::new("fault-injection", abort)];
    let envoy = start(fixture.app.address(), filters)?;
    assert!(envoy.http2().send(Request::grpc("/shop.Orders/Get"))?.is_trailers_only());
    wait_for(&envoy, [1, 1, 0, 0])
}

#[test]
fn counts_grpc_messages_if_enabled() -> Result<()> {
    let enable = |metric: &str| json!({"match": {"metric": metric}, "disabled": false});
    let fixture = Fixture::start(&json!({"metrics": [{"overrides":
        [enable("GRPC_REQUEST_MESSAGES"), enable("GRPC_RESPONSE_MESSAGES")]}]}))?;
    let three = [[0, 0, 0, 0, 1, 7].as_slice(), &[0; 5], &[0; 5]].concat();
    fixture.envoy.http2().send(Request::grpc("/shop.Orders/Get").body(&three))?;
    fixture.wait_for("request_messages_total", 3)?;
    fixture.wait_for("response_messages_total", 1)
}

#[test]
fn counts_a_websocket_at_its_end_without_a_duration() -> Result<()> {
    let app = upstream(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello",
    )?;
    let mut options = EnvoyOptions::new(app, vec![filter(&json!({}))]);
    options.upgrades = vec!["websocket".to_owned()];
    let envoy = Envoy::start(options)?;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let response = envoy.http1().raw(request)?;
    assert!(response.starts_with(b"HTTP/1.1 101") && response.ends_with(b"hello"));
    wait_for(&envoy, [1, 0, 0, 0])?;
    assert_eq!(envoy.stats()?.value("wasmcustom.weir_telemetry_requests_1xx_total"), 1);
    let scrape = super::prometheus::Scrape::of(&envoy)?;
    assert_eq!(scrape.sum("weir_telemetry_request_duration_ms_count"), 0, "{FILTER}");
    Ok(())
}

/// Opens a WebSocket and waits for the upstream's `hello`.
fn websocket(envoy: &Envoy) -> Result<TcpStream> {
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let mut socket = TcpStream::connect(envoy.address())?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.write_all(request)?;
    let mut response = Vec::new();
    while !response.ends_with(b"hello") {
        let mut part = [0; 512];
        let size = socket.read(&mut part)?;
        anyhow::ensure!(size > 0, "closed after {response:?}");
        response.extend(part.into_iter().take(size));
    }
    Ok(socket)
}

/// Starts an upstream that accepts WebSockets and keeps them open until the peer closes them.
fn websocket_upstream() -> Result<std::net::SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let response = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello";
    thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { continue };
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                let _ = socket.read(&mut bytes);
                let _ = socket.write_all(response);
                while socket.read(&mut bytes).is_ok_and(|size| size > 0) {}
            });
        }
    });
    Ok(address)
}

#[test]
fn counts_streams_of_the_previous_configuration() -> Result<()> {
    let mut options = EnvoyOptions::new(websocket_upstream()?, vec![filter(&json!({}))]);
    options.upgrades = vec!["websocket".to_owned()];
    let mut envoy = Envoy::start(options)?;
    let (long, short) = (websocket(&envoy)?, websocket(&envoy)?);
    wait_for(&envoy, [0, 0, 0, 2])?;
    envoy.reconfigure(&[filter(&json!({"slos": [{"name": "more"}]}))])?;
    drop(short);
    wait_for(&envoy, [1, 0, 0, 1])?;
    drop(long);
    wait_for(&envoy, [2, 0, 0, 0])
}
