//! Faults in the response phase, and request bodies during a delay.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::{Client, Request, Response},
    envoy::Envoy,
    ports,
    server::{Server, full},
    upstream::REPLY_STATUS,
};

use super::{Fixture, all, always, filter};

/// Starts an application that responds with a body of this many bytes.
fn app_with_body(bytes: usize) -> Result<Server> {
    let body: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
    Server::start(ports::listen(0)?, move |_| {
        let body = body.clone();
        async move { hyper::Response::new(full(body)) }
    })
}

fn envoy(app: &Server, fault: Value) -> Result<Envoy> {
    Envoy::start(EnvoyOptions::new(app.address(), vec![filter(&always(fault))]))
}

fn both(envoy: &Envoy) -> [Client; 2] {
    [envoy.http1(), envoy.http2()]
}

fn is_prefix_of_body(response: &Response) -> bool {
    response.body.iter().enumerate().all(|(index, byte)| *byte == index as u8)
}

#[test]
fn delays_the_response_of_the_application() -> Result<()> {
    let fixture =
        Fixture::start(&always(json!({"delay": {"fixedDelay": "150ms", "phase": "RESPONSE"}})))?;
    for client in both(&fixture.envoy) {
        let started = Instant::now();
        assert_eq!(client.get("/")?.status, 200);
        assert!(started.elapsed() >= Duration::from_millis(150));
    }
    assert_eq!((fixture.app.count(), fixture.stat("active")?), (2, 0));
    Ok(())
}

#[test]
fn replaces_the_response_with_and_without_a_delay() -> Result<()> {
    let abort = json!({"httpStatus": 502, "phase": "RESPONSE", "body": {"string": "lost"},
        "headers": {"response": {"set": {"retry-after": "3"}}}});
    let delay = json!({"fixedDelay": "50ms", "phase": "RESPONSE"});
    for fault in [json!({"abort": abort}), json!({"abort": abort, "delay": delay})] {
        let fixture = Fixture::start(&always(fault))?;
        for client in both(&fixture.envoy) {
            let response = client.get("/")?;
            assert_eq!((response.status, response.text().as_str()), (502, "lost"));
            assert_eq!(response.header("retry-after"), Some("3"));
        }
        assert_eq!(fixture.app.count(), 2, "the application did not get both requests");
        let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
        assert_eq!((response.status, response.grpc_status()), (200, Some("14")));
    }
    Ok(())
}

#[test]
fn resets_streams_in_both_phases() -> Result<()> {
    for (phase, worked) in [("REQUEST", 0), ("RESPONSE", 2)] {
        let mut fixture = Fixture::start(&always(json!({"abort": {"reset": {}, "phase": phase}})))?;
        for client in both(&fixture.envoy) {
            assert!(client.get("/").is_err(), "{phase}");
        }
        assert_eq!(fixture.app.count(), worked);
        assert_eq!(fixture.stat("resets_total")?, 2);
        let log = fixture.envoy.wait_for_access_log(2)?;
        let trace = format!("entry=x;abort=reset;phase={phase}");
        assert!(log.iter().all(|line| line["fault"] == trace.as_str()), "{log:?}");
    }
    Ok(())
}

#[test]
fn changes_status_and_headers_and_adds_the_mark() -> Result<()> {
    let change = json!({"response": {"httpStatus": 500,
        "headers": {"response": {"set": {"x-a": "1"}, "remove": ["content-type"]}}}});
    let mut config = always(change);
    config["markHeader"] = json!("x-fault");
    let fixture = Fixture::start(&config)?;
    for client in both(&fixture.envoy) {
        let response = client.send(Request::get("/").header(REPLY_STATUS, "201"))?;
        assert_eq!((response.status, response.header("x-a")), (500, Some("1")));
        assert_eq!(response.header("content-type"), None);
        assert_eq!(response.header("x-fault"), Some("entry=x;response=changed;phase=RESPONSE"));
        assert!(response.text().contains("\"path\":\"/\""), "{}", response.text());
    }
    Ok(())
}

#[test]
fn replaces_and_truncates_bodies() -> Result<()> {
    let app = app_with_body(300_000)?;
    for (change, length) in [
        (json!({"body": {"string": "short"}}), 5),
        (json!({"body": {"string": ""}}), 0),
        (json!({"truncateAfter": 0}), 0),
        (json!({"truncateAfter": 100_000}), 100_000),
        (json!({"truncateAfter": 400_000}), 300_000),
        (json!({"resetAfter": 300_000}), 300_000),
    ] {
        let envoy = envoy(&app, json!({"response": change}))?;
        for client in both(&envoy) {
            let response = client.get("/")?;
            assert_eq!((response.status, response.body.len()), (200, length), "{change}");
            let replaced = change.get("body").is_some();
            assert!(replaced || is_prefix_of_body(&response), "{change}");
        }
        let head = envoy.http1().send(Request::new(hyper::Method::HEAD, "/"));
        // A response to HEAD has no body, so `resetAfter` resets at the headers.
        let is_reset = change.get("resetAfter").is_some();
        assert_eq!(head.map_or(0, |response| response.status), if is_reset { 0 } else { 200 });
    }
    Ok(())
}

#[test]
fn resets_in_the_middle_of_a_body() -> Result<()> {
    let app = app_with_body(300_000)?;
    let envoy = envoy(&app, json!({"response": {"resetAfter": 1_000}}))?;
    for client in both(&envoy) {
        let response = client.get("/").map(|response| (response.status, response.body.len()));
        assert!(response.is_err(), "{client:?}: {response:?}");
    }
    Ok(())
}

#[test]
fn limits_the_rate_of_a_response_body() -> Result<()> {
    let app = app_with_body(3_000 * 1_024)?;
    let limit = all(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1_000}}}));
    let envoy = envoy(&app, limit)?;
    for client in both(&envoy) {
        let mut quickest = f64::INFINITY;
        // On a busy machine, one of three attempts must be late by less than 5 %.
        for _ in 0..3 {
            let started = Instant::now();
            let response = client.get("/")?;
            let elapsed = started.elapsed().as_secs_f64();
            assert_eq!(response.body.len(), 3_000 * 1_024);
            assert!(is_prefix_of_body(&response));
            assert!(elapsed >= 3.0, "{elapsed} s");
            quickest = quickest.min(elapsed);
            if quickest < 3.15 {
                break;
            }
        }
        assert!(quickest < 3.15, "{quickest} s");
    }
    let pauses = envoy.stats()?.value("cluster.app.upstream_flow_control_paused_reading_total");
    assert!(pauses > 0, "no backpressure on the application");
    Ok(())
}

#[test]
fn trailers_follow_a_rate_limited_body() -> Result<()> {
    // The response of the application has five bytes: 5 / 1024 s.
    let fixture =
        Fixture::start(&always(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1}}})))?;
    let started = Instant::now();
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((response.grpc_status(), response.body.len()), (Some("0"), 5));
    assert!(started.elapsed() >= Duration::from_micros(4_882), "{:?}", started.elapsed());
    assert_eq!(fixture.stat("active")?, 0);
    Ok(())
}

#[test]
fn keeps_a_request_body_received_during_a_delay() -> Result<()> {
    let fixture = Fixture::start(&always(json!({"delay": {"fixedDelay": "300ms"}})))?;
    let body = vec![7; 3 * 1024 * 1024];
    for client in both(&fixture.envoy) {
        let request = Request::new(hyper::Method::POST, "/").body(&body);
        assert_eq!(client.send(request)?.json()?["bodyLength"], body.len());
    }
    Ok(())
}

#[test]
fn changes_and_truncates_grpc_responses() -> Result<()> {
    for (change, length) in [(json!({"truncateAfter": 2}), 2), (json!({"httpStatus": 500}), 5)] {
        let fixture = Fixture::start(&always(json!({"response": change})))?;
        let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
        assert_eq!((response.body.len(), response.grpc_status()), (length, Some("0")), "{change}");
        assert_eq!(response.status, if length == 5 { 500 } else { 200 }, "{change}");
        assert_eq!(fixture.stat("responses_total")?, 1);
    }
    Ok(())
}
