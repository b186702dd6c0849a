//! Properties of all documents and requests: no panic, and no fault outside the limits.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Returns a document with every field.
fn full() -> Value {
    let share = json!({"value": 50});
    json!({
        "schedule": {"startsAt": "2026-11-01T00:00:00Z", "expiresAt": "2026-12-01T18:00:00Z",
            "windows": [{"days": ["SAT"], "from": "00:00", "to": "23:00"}], "utcOffset": "+01:00"},
        "maxDelay": "2s", "maxActiveFaults": 10, "maxFaultsPerSecond": 5, "markHeader": "x-fault",
        "successCriteria": {"maxErrorRate": {"value": 1}, "minRequestCount": 10, "window": "10s"},
        "pathNormalization": "BASE", "metrics": {"labels": true}, "dryRun": false,
        "http": [
            {"name": "exempt", "match": [{"uri": {"prefix": "/healthz"}}]},
            {"name": "all", "match": [{"headers": {"x-tester": {"regex": ".*"}}}],
                "schedule": {"startsAt": "2026-11-01T00:00:00Z", "rampUp": "1h"},
                "consistentHash": {"httpHeaderName": "x-user"}, "salt": "s",
                "fault": {
                    "delay": {"percentage": share, "headerDelay": {}, "phase": "RESPONSE"},
                    "abort": {"percentage": share, "headerAbort": {}, "grpcMessage": "no",
                        "body": {"string": "x"}, "headers": {"response": {"set": {"a": "b"}}}},
                    "response": {"percentage": share, "httpStatus": 500, "truncateAfter": 9,
                        "headers": {"response": {"remove": ["etag"]}}},
                    "responseRateLimit": {"percentage": share, "headerLimit": {}}}},
            {"name": "drawn", "fault": {
                "delay": {"percentage": share, "percentileDelay": [
                    {"percentile": 50, "delay": "20ms"}, {"percentile": 100, "delay": "2s"}]},
                "abort": {"percentage": share, "reset": {}}, "draw": "SHARED"}},
        ],
    })
}

/// Collects the JSON pointers of all values in a document.
fn pointers(value: &Value, pointer: &str, all: &mut Vec<String>) {
    all.push(pointer.to_owned());
    match value {
        Value::Array(list) => (0..).zip(list).for_each(|(index, inner): (usize, _)| {
            pointers(inner, &format!("{pointer}/{index}"), all);
        }),
        Value::Object(members) => {
            for (name, inner) in members {
                pointers(inner, &format!("{pointer}/{name}"), all);
            }
        }
        _ => {}
    }
}

fn other_value() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(503.0),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("5s"),
        json!("0ms"),
        json!("1h"),
        json!("9999999h"),
        json!("REQUEST"),
        json!("x y"),
        json!("\u{0}"),
        json!("(("),
        json!([]),
        json!({}),
        json!([[]]),
        json!({"value": 100}),
        json!({"exact": "a"}),
        json!([{}]),
        json!({"percentage": {"value": 100}, "fixedDelay": "1h"}),
        json!({"percentage": {"value": 100}, "paretoDelay": {"scale": "1ms", "shape": 0.001}}),
        json!({"percentage": {"value": 100}, "normalDelay": {"mean": "0ms", "stddev": "1h"}}),
        json!({"percentage": {"value": 100}, "grpcStatus": "INTERNAL"}),
    ])
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> =
        ["1", "5000", "418", "99999999999", "/healthz", "application/grpc", "0.5"]
            .iter()
            .map(|stem| stem.as_bytes().to_vec())
            .collect();
    prop_oneof![vec(1..=255_u8, 0..12), select(words)]
}

fn any_request() -> impl Strategy<Value = Request> {
    let names = vec![
        ":path",
        ":method",
        "cookie",
        "content-type",
        "x-tester",
        "x-user",
        "x-envoy-fault-delay-request",
        "x-envoy-fault-delay-request-percentage",
        "x-envoy-fault-abort-request",
        "x-envoy-fault-abort-grpc-request",
        "x-envoy-fault-abort-request-percentage",
        "x-envoy-fault-throughput-response",
    ];
    vec((select(names), any_bytes()), 0..10).prop_map(|headers| Request {
        headers: headers.into_iter().collect::<Headers>(),
        ..Request::default()
    })
}

/// Calls every method of the policy for a request.
fn exercise(policy: &Policy, request: &Request, draws: &Draws) {
    let explained = policy.explain(request, draws, now());
    assert!(!explained.to_string().is_empty());
    let Some(plan) = policy.decide(request, draws, now()).plan else { return };
    assert!(policy.may_fire(draws), "a plan without a draw that may fire");
    let is_fixed =
        |fault: &Fault| matches!(&fault.delay, Some(Delay { length: DelayLength::Fixed(_), .. }));
    let is_fixed = policy.fault(&plan).is_some_and(is_fixed);
    assert!(is_fixed || plan.delay.is_none_or(|length| length <= policy.max_delay), "{plan:?}");
    assert!(policy.summary(&plan).is_ascii() && !policy.counts(&plan).is_empty());
    if let Some(reply) = policy.reply(&plan) {
        assert!((200..600).contains(&reply.status));
    }
    for phase in [Phase::Request, Phase::Response] {
        policy.after_delay(&plan, phase, now(), || false);
    }
    let _ = (policy.on_request(&plan), policy.on_response(&plan), policy.body_edit(&plan));
}

proptest! {
    #[test]
    fn changed_documents_are_refused_or_keep_the_limits(
        changes in vec((any::<prop::sample::Index>(), prop::option::of(other_value())), 0..4),
        request in any_request(),
        seed in any::<u64>(),
    ) {
        let mut document = full();
        for (index, value) in changes {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let pointer = index.get(&all).clone();
            match (value, pointer.rsplit_once('/')) {
                (Some(value), _) => *document.pointer_mut(&pointer).unwrap() = value,
                (None, Some((parent, name))) => match document.pointer_mut(parent) {
                    Some(Value::Object(members)) => drop(members.remove(name)),
                    Some(Value::Array(list)) => drop(list.remove(name.parse().unwrap())),
                    _ => {}
                },
                (None, None) => {}
            }
        }
        let compiled = parse_config::<Config>(document.to_string().as_bytes())
            .and_then(|config| Policy::new(&config));
        schema_check::compare::<Config>(&document, compiled.is_ok());
        match compiled {
            Ok(policy) => {
                let expired = policy.expiry_warnings(now());
                for warning in policy.warnings().iter().chain(&expired) {
                    prop_assert!(!warning.to_string().is_empty());
                }
                let mut generator = crate::Generator::new(seed);
                for _ in 0..20 {
                    exercise(&policy, &request, &Draws::random(&mut generator));
                }
            }
            Err(invalid) => prop_assert!(!invalid.errors().is_empty()),
        }
    }

    #[test]
    fn any_text_is_accepted_or_refused(bytes in vec(any::<u8>(), 0..200), cut in 0..2_000_usize) {
        let _ = crate::check(&bytes, now());
        let mut text = full().to_string().into_bytes();
        text.truncate(cut);
        text.extend(bytes);
        let _ = crate::check(&text, now());
    }

    #[test]
    fn any_request_gets_a_decision(request in any_request(), seed in any::<u64>()) {
        let policy = policy(&full());
        let mut generator = crate::Generator::new(seed);
        for draws in [LOWEST, Draws::random(&mut generator), Draws::random(&mut generator)] {
            exercise(&policy, &request, &draws);
        }
    }
}
