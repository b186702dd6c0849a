//! Responses of the filters themselves, and bodies that a filter holds.

use std::time::{Duration, Instant};

use anyhow::Result;
use tests::client::Request;

use super::{Fixture, document};

#[test]
fn local_replies_are_counted_by_telemetry() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    let client = fixture.envoy.http1();
    assert_eq!(client.send(Request::get("/orders").bearer("a.b.c"))?.status, 401);
    let aborted = client.send(fixture.signed("/abort")?)?;
    assert_eq!(aborted.status, 418);
    let code = |code| [("response_code", code)];
    let aborted = [("response_code", "418"), ("user", "alice"), ("tag", "canary")];
    fixture.wait_for(&[
        ("jwt_auth_denied_total", &[], 1),
        ("fault_injection_aborts_total", &[], 1),
        ("routing_tags_tagged_total", &[], 1),
        ("telemetry_requests_total", &code("401"), 1),
        ("telemetry_requests_total", &aborted, 1),
        ("telemetry_requests_total", &[], 2),
        ("telemetry_requests_in_flight", &[], 0),
    ])?;
    let details = fixture.envoy.wait_for_access_log(2)?;
    let details: Vec<_> = details.iter().filter_map(|line| line["details"].as_str()).collect();
    assert_eq!(details, ["weir_jwt_auth_denied{bad_header}", "weir_fault_injection_abort{abort}"]);
    assert_eq!(fixture.app.count(), 0);
    fixture.assert_no_trap()
}

#[test]
fn a_rate_limited_body_arrives_whole_and_is_measured() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    for (client, count) in [(fixture.envoy.http1(), 1), (fixture.envoy.http2(), 2)] {
        let started = Instant::now();
        // The application echoes the header.
        let request = fixture.signed("/limited")?.header("x-fill", [b'x'; 1_500]);
        let response = client.send(request.body(&[b'x'; 3_000]))?;
        let (size, elapsed) = (response.body.len(), started.elapsed());
        assert_eq!(response.json()?["bodyLength"], 3_000);
        assert!(size > 1_500 && elapsed >= Duration::from_secs(1), "{size} bytes in {elapsed:?}");
        let line = format!("\"bytes_sent\":{size},");
        fixture.envoy.wait_for_log(&line)?;
        fixture.wait_for(&[
            ("fault_injection_rate_limits_total", &[], count),
            ("fault_injection_active", &[], 0),
            ("telemetry_requests_total", &[("response_code", "200"), ("user", "alice")], count),
        ])?;
    }
    fixture.assert_no_trap()
}

#[test]
fn grpc_trailers_pass_all_filters() -> Result<()> {
    let fixture = Fixture::start(document)?;
    let request = Request::grpc("/limited.Orders/Get").bearer(&fixture.token()?);
    let response = fixture.envoy.http2().send(request)?;
    assert_eq!((response.grpc_status(), response.body.len()), (Some("0"), 5));
    let labels = [("grpc_response_status", "0"), ("user", "alice"), ("tag", "canary")];
    fixture.wait_for(&[("telemetry_requests_total", &labels, 1)])
}
