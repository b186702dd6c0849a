//! Aborts with an HTTP or gRPC status.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::{Rig, always};

#[test]
fn the_first_entry_that_matches_decides() -> Result<()> {
    let abort =
        |status: u16| json!({"abort": {"percentage": {"value": 100}, "httpStatus": status}});
    let mut rig = Rig::start(&json!({"http": [
        {"name": "exempt", "match": [{"uri": {"prefix": "/checkout/health"}}]},
        {"name": "checkout", "match": [{"uri": {"prefix": "/checkout"}}], "fault": abort(503)},
        {"name": "beta", "match": [{"headers": {"x-beta": {}}}], "fault": abort(418)},
    ]}))?;
    let client = rig.envoy.http1();
    assert_eq!(client.get("/checkout/health")?.status, 200);
    assert_eq!(client.get("/other")?.status, 200);
    let answer = client.get("/checkout?x=1")?;
    assert_eq!((answer.status, answer.text().as_str()), (503, "fault filter abort"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(client.send(Request::get("/").header("x-beta", "1"))?.status, 418);
    assert_eq!(rig.app.count(), 2);
    let log = rig.envoy.wait_for_access_log(4)?;
    let line = log.iter().find(|line| line["status"] == 503).unwrap();
    assert_eq!(line["details"], "weir_fault_injection_abort{checkout}");
    assert_eq!(line["fault"], "entry=checkout;abort=503;phase=REQUEST");
    assert_eq!(rig.stat("aborts_total")?, 2);
    Ok(())
}

#[test]
fn grpc_gets_its_own_status() -> Result<()> {
    let rig = Rig::start(&always(json!({"abort": {"grpcStatus": "UNAVAILABLE"}})))?;
    let answer = rig.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((answer.status, answer.grpc_status()), (200, Some("14")));
    assert!(answer.is_trailers_only());
    assert_eq!(answer.header("grpc-message"), Some("fault filter abort"));
    Ok(())
}

#[test]
fn the_body_is_chosen_and_grpc_is_told_something_else() -> Result<()> {
    let abort = json!({"httpStatus": 503, "body": {"bytes": "AP/+"}, "grpcMessage": "for programs",
        "headers": {"response": {"set": {"content-type": "application/x-odd"}}}});
    let rig = Rig::start(&always(json!({"abort": abort})))?;
    for client in [rig.envoy.http1(), rig.envoy.http2()] {
        let answer = client.get("/")?;
        assert_eq!((answer.status, &answer.body[..]), (503, &[0, 0xff, 0xfe][..]));
    }
    let answer = rig.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((answer.status, answer.grpc_status()), (200, Some("14")));
    assert_eq!(answer.header("grpc-message"), Some("for programs"));
    Ok(())
}

#[test]
fn a_header_matches_by_any_of_its_values() -> Result<()> {
    let rig =
        Rig::start(&json!({"http": [{"match": [{"headers": {"x-role": {"exact": "tester"}}}],
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
        for client in [rig.envoy.http1(), rig.envoy.http2()] {
            assert_eq!(client.send(request.clone())?.status, status, "{values:?}");
        }
    }
    Ok(())
}
