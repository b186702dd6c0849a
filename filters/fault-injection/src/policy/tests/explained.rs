//! Explanations agree with decisions.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn document() -> Value {
    json!({"http": [
        {"name": "health", "match": [{"uri": {"exact": "/health"}}]},
        {"name": "later", "match": [{"uri": {"exact": "/later"}}], "fault": abort(503, 100.0),
            "schedule": {"startsAt": "2026-12-01T09:00:00Z"}},
        {"name": "sticky", "match": [{"uri": {"exact": "/sticky"}}], "fault": abort(503, 50.0),
            "consistentHash": {"httpHeaderName": "x-user"}},
        {"name": "asked", "match": [{"uri": {"exact": "/asked"}}], "fault": {
            "delay": {"headerDelay": {}, "percentage": {"value": 10}},
            "abort": {"headerAbort": {}, "percentage": {"value": 10}},
            "responseRateLimit": {"headerLimit": {}, "percentage": {"value": 10}}}},
        {"name": "slow", "match": [{"uri": {"prefix": "/slow"}}], "fault": {
            "delay": {"fixedDelay": "5s", "percentage": {"value": 0.5}},
            "response": {"httpStatus": 500, "percentage": {"value": 25}}}},
    ]})
}

#[test]
fn explains_each_outcome() {
    let policy = policy(&document());
    let draws = Draws { delay: 4_999, abort: 0, response: 250_000, rate: 0, length: 1 };
    for (headers, text) in [
        (&[(":path", "/other")][..], "no entry matches: no fault"),
        (&[(":path", "/health")], "entry health matches\nthe entry has no fault: exempt"),
        (
            &[(":path", "/later")],
            "entry later matches\nabort: the draw 0 % is below 100 %\n\
             the schedule is not active: no fault",
        ),
        (
            &[(":path", "/sticky")],
            "entry sticky matches\nthe request has no key, so its draws are random\n\
             abort: the draw 0 % is below 50 %\nfires: entry=sticky;abort=503;phase=REQUEST",
        ),
        (
            &[(":path", "/asked"), ("x-envoy-fault-delay-request-percentage", "0.4")],
            "entry asked matches\ndelay: the draw 0.4999 % is not below 0.4 %\n\
             abort: the draw 0 % is below 10 %\n\
             responseRateLimit: the draw 0 % is below 10 %\nnothing fires: no fault",
        ),
        (
            &[(":path", "/slow?x")],
            "entry slow matches\ndelay: the draw 0.4999 % is below 0.5 %\n\
             response: the draw 25 % is not below 25 %\n\
             fires: entry=slow;delay=5000;phase=REQUEST",
        ),
    ] {
        let explanation = policy.explain(&request(headers), &draws, now());
        assert_eq!(explanation.to_string(), text, "{headers:?}");
    }
}

#[test]
fn explanation_agrees_with_the_decision() {
    let policy = policy(&document());
    let mut generator = crate::Generator::new(29);
    let paths = ["/health", "/later", "/sticky", "/asked", "/slow", "/"];
    for index in 0..20_000_usize {
        let user = index.to_string();
        let headers = [
            (":path", paths[index % paths.len()]),
            ("x-user", user.as_str()),
            ("x-envoy-fault-abort-request", "418"),
        ];
        let (request, draws) = (request(&headers), Draws::random(&mut generator));
        let plan = policy.decide(&request, &draws, now()).plan;
        let explained = match policy.explain(&request, &draws, now()).outcome {
            Outcome::Fires(summary) => Some(summary),
            Outcome::Unmatched | Outcome::Exempt | Outcome::Inactive | Outcome::NothingFires => {
                None
            }
        };
        assert_eq!(explained, plan.map(|plan| policy.summary(&plan)), "{headers:?} {draws:?}");
    }
}
