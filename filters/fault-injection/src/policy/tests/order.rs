//! The order of faults on a stream, and their outputs.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns a policy with one entry, and the plan of a request that gets all its faults.
fn plan(fault: Value) -> (Policy, Plan) {
    plan_of(json!({"markHeader": "x-fault", "http": [{"name": "x", "fault": fault,
        "schedule": {"expiresAt": "2026-12-01T18:00:00Z"}}]}))
}

fn plan_of(mut document: Value) -> (Policy, Plan) {
    for part in document["http"][0]["fault"].as_object_mut().unwrap().values_mut() {
        part["percentage"] = json!({"value": 100});
    }
    let policy = policy(&document);
    let plan = policy.decide(&request(&[("content-type", "application/grpc")]), &LOWEST, now());
    (policy, plan.plan.unwrap())
}

#[test]
fn a_delay_comes_before_the_abort_of_its_phase() {
    let second = Duration::from_secs(1);
    for (delay, abort, on_request, after, on_response) in [
        ("REQUEST", "REQUEST", Step::Delay(second), Step::Abort, Step::Continue),
        ("REQUEST", "RESPONSE", Step::Delay(second), Step::Continue, Step::Abort),
        ("RESPONSE", "REQUEST", Step::Abort, Step::Abort, Step::Delay(second)),
        ("RESPONSE", "RESPONSE", Step::Continue, Step::Continue, Step::Delay(second)),
    ] {
        let (policy, plan) = plan(json!({"delay": {"fixedDelay": "1s", "phase": delay},
            "abort": {"httpStatus": 503, "phase": abort}}));
        assert_eq!(policy.on_request(&plan), on_request, "{delay} {abort}");
        assert_eq!(policy.after_delay(&plan, Phase::Request, now(), || false), after);
        assert_eq!(policy.on_response(&plan), on_response, "{delay} {abort}");
    }
}

#[test]
fn skips_an_abort_after_the_end_of_the_schedule() {
    let fault = json!({"delay": {"fixedDelay": "1s"}, "abort": {"httpStatus": 503}});
    let (policy, plan) = plan(fault);
    let late = at("2026-12-01T18:00:00Z");
    assert_eq!(policy.after_delay(&plan, Phase::Request, late, || false), Step::Continue);
    assert_eq!(policy.after_delay(&plan, Phase::Request, now(), || true), Step::Continue);
}

#[test]
fn a_delay_of_zero_does_not_hold_the_stream() {
    let (policy, plan) = plan_of(json!({"http": [{"match": [{"headers": {"content-type": {}}}],
        "fault": {"delay": {"normalDelay": {"mean": "0ms", "stddev": "0ms"}}}}]}));
    assert_eq!(plan.delay, Some(Duration::ZERO));
    assert!(!plan.holds_stream());
    assert_eq!(policy.on_request(&plan), Step::Continue);
}

#[test]
fn replies_are_as_in_envoy_except_for_details() {
    let (policy, plan) = plan(json!({"abort": {"httpStatus": 503}}));
    let reply = policy.reply(&plan).unwrap();
    assert_eq!((reply.status, reply.grpc_status), (503, None));
    assert_eq!(reply.body, b"fault filter abort");
    assert_eq!(reply.details, "weir_fault_injection_abort{x}");
    let mark = (HeaderName::from_static("x-fault"), b"entry=x;abort=503;phase=REQUEST".to_vec());
    assert_eq!(reply.headers, [mark]);
}

#[test]
fn grpc_clients_get_their_own_message() {
    let (policy, grpc) = plan(json!({"abort": {"grpcStatus": "UNAVAILABLE",
        "body": {"string": "for people"}, "grpcMessage": "for programs",
        "headers": {"response": {"set": {"retry-after": "3"}, "add": {"a": "b"}}}}}));
    let reply = policy.reply(&grpc).unwrap();
    assert_eq!((reply.status, reply.grpc_status), (200, Some(GrpcStatus::Unavailable)));
    assert_eq!(reply.body, b"for programs");
    let names: Vec<_> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["retry-after", "a", "x-fault"]);
    let http = policy.decide(&request(&[]), &LOWEST, now()).plan.unwrap();
    assert_eq!(policy.reply(&http).unwrap().body, b"for people");
}

#[test]
fn a_reset_has_no_reply() {
    let (policy, plan) = plan(json!({"abort": {"reset": {}, "phase": "RESPONSE"}}));
    assert_eq!(policy.reply(&plan), None);
    assert_eq!(policy.summary(&plan), "entry=x;abort=reset;phase=RESPONSE");
    assert_eq!(policy.counts(&plan), [Metric::Resets]);
}

#[test]
fn changes_status_headers_and_body() {
    let (policy, plan) = plan(json!({"response": {"httpStatus": 500, "truncateAfter": 5,
        "headers": {"response": {"remove": ["etag"]}}}}));
    let (status, edits) = policy.response_edits(&plan).unwrap();
    assert_eq!((status, edits.remove[0].as_str()), (Some(500), "etag"));
    assert_eq!(policy.body_edit(&plan), Some(&BodyEdit::Truncate(5)));
    assert_eq!(policy.summary(&plan), "entry=x;response=changed;phase=RESPONSE");
    assert!(!plan.holds_stream());
}

#[test]
fn counts_each_fault_once() {
    let (policy, plan) = plan_of(json!({"dryRun": true, "http": [{"fault": {
        "delay": {"fixedDelay": "5s"}, "abort": {"grpcStatus": "INTERNAL"},
        "response": {"httpStatus": 500}, "responseRateLimit": {"fixedLimit": {"limitKbps": 9}}}}]}));
    use Metric::{Aborts, Delays, DryRun, RateLimits, Responses};
    assert_eq!(policy.counts(&plan), [Delays, Aborts, Responses, RateLimits, DryRun]);
    assert_eq!(
        policy.summary(&plan),
        "dry_run;entry=http-0;delay=5000;abort=INTERNAL;response=changed;rate=9;phase=REQUEST,RESPONSE"
    );
    assert!(plan.holds_stream());
}
