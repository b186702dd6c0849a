//! Aborts with an HTTP or gRPC status.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::{Fixture, always};

#[test]
fn first_matching_entry_decides() -> Result<()> {
    let abort =
        |status: u16| json!({"abort": {"percentage": {"value": 100}, "httpStatus": status}});
    let mut fixture = Fixture::start(&json!({"http": [
        {"name": "exempt", "match": [{"uri": {"prefix": "/checkout/health"}}]},
        {"name": "checkout", "match": [{"uri": {"prefix": "/checkout"}}], "fault": abort(503)},
        {"name": "beta", "match": [{"headers": {"x-beta": {}}}], "fault": abort(418)},
    ]}))?;
    let client = fixture.envoy.http1();
    assert_eq!(client.get("/checkout/health")?.status, 200);
    assert_eq!(client.get("/other")?.status, 200);
    let response = client.get("/checkout?x=1")?;
    assert_eq!((response.status, response.text().as_str()), (503, "fault filter abort"));
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(client.send(Request::get("/").header("x-beta", "1"))?.status, 418);
    assert_eq!(fixture.app.count(), 2);
    let log = fixture.envoy.wait_for_access_log(4)?;
    let line = log.iter().find(|line| line["status"] == 503).unwrap();
    assert_eq!(line["details"], "weir_fault_injection_abort{checkout}");
    assert_eq!(line["fault"], "entry=checkout;abort=503;phase=REQUEST");
    assert_eq!(fixture.stat("aborts_total")?, 2);
    Ok(())
}

#[test]
fn aborts_grpc_calls_with_a_grpc_status() -> Result<()> {
    let fixture = Fixture::start(&always(json!({"abort": {"grpcStatus": "UNAVAILABLE"}})))?;
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((response.status, response.grpc_status()), (200, Some("14")));
    assert!(response.is_trailers_only());
    assert_eq!(response.header("grpc-message"), Some("fault filter abort"));
    Ok(())
}

#[test]
fn sends_a_custom_body_and_grpc_message() -> Result<()> {
    let abort = json!({"httpStatus": 503, "body": {"bytes": "AP/+"}, "grpcMessage": "for programs",
        "headers": {"response": {"set": {"content-type": "application/x-odd"}}}});
    let fixture = Fixture::start(&always(json!({"abort": abort})))?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let response = client.get("/")?;
        assert_eq!((response.status, &response.body[..]), (503, &[0, 0xff, 0xfe][..]));
    }
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((response.status, response.grpc_status()), (200, Some("14")));
    assert_eq!(response.header("grpc-message"), Some("for programs"));
    Ok(())
}

#[test]
fn matches_any_value_of_a_repeated_header() -> Result<()> {
    let fixture =
        Fixture::start(&json!({"http": [{"match": [{"headers": {"x-role": {"exact": "tester"}}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]}))?;
    for (values, status) in [
        (&["tester"][..], 503),
        (&["user", "tester"], 503),
        (&["tester", "user"], 503),
        (&["user,tester"], 200),
        (&["user"], 200),
        (&[], 200),
    ] {
        let request = Request::get("/");
        let request = values.iter().fold(request, |request, value| request.header("x-role", value));
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            assert_eq!(client.send(request.clone())?.status, status, "{values:?}");
        }
    }
    Ok(())
}
