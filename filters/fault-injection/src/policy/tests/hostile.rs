//! Hostile requests cause no panic and no additional fault.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn no_header_raises_a_percentage_or_a_delay() {
    let policy =
        policy(&json!({"maxDelay": "1s", "http": [{"match": [{"headers": {"x-tester": {}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 1}},
        "abort": {"headerAbort": {}, "percentage": {"value": 1}}}}]}));
    let values = ["100", "1e99", "-5", "NaN", "99999999999", "0x1", " 100", "100%", "\u{0}", ""];
    let names = [
        "x-envoy-fault-delay-request",
        "x-envoy-fault-delay-request-percentage",
        "x-envoy-fault-abort-request",
        "x-envoy-fault-abort-request-percentage",
    ];
    let mut generator = crate::Generator::new(5);
    for _ in 0..20_000 {
        let mut headers = vec![("x-tester", "1")];
        for name in names {
            let value = generator.bits() as usize % values.len();
            headers.push((name, values[value]));
        }
        let draws = Draws::random(&mut generator);
        let Some(plan) = policy.decide(&request(&headers), &draws, now()).plan else { continue };
        assert!(plan.delay.is_none() || draws.delay < 10_000, "{headers:?}");
        assert!(plan.abort.is_none() || draws.abort < 10_000, "{headers:?}");
        assert!(plan.delay.is_none_or(|delay| delay <= Duration::from_secs(1)));
    }
}

#[test]
fn accepts_any_bytes_in_headers() {
    let policy =
        policy(&json!({"http": [{"name": "a", "match": [{"headers": {"x": {"regex": ".*"}}}],
        "consistentHash": {"httpHeaderName": "x", "httpCookie": {"name": "c"}, "claim": "sub"},
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}},
        "abort": {"grpcStatus": "INTERNAL", "grpcMessage": "x", "percentage": {"value": 100}}}}]}));
    let mut generator = crate::Generator::new(9);
    let names = [":path", "cookie", "x", "x-envoy-fault-delay-request", "content-type"];
    for _ in 0..5_000 {
        let headers = names.map(|name| {
            let length = generator.bits() as usize % 20;
            let value: Vec<u8> = (0..length).map(|_| (generator.bits() as u8).max(1)).collect();
            (name, value)
        });
        let request = Request { headers: headers.into_iter().collect(), ..Request::default() };
        let decision = policy.decide(&request, &Draws::random(&mut generator), now());
        if let Some(plan) = decision.plan {
            assert!(policy.summary(&plan).starts_with("entry=a;"));
        }
    }
}
