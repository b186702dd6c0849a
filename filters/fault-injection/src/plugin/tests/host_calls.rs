//! The host calls of typical requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{HostCall, Proxy};
use serde_json::{Value, json};

use super::{
    always,
    exchange::{HELLO, exchange},
    start, with,
};

/// Returns the host calls of the second stream of a worker.
fn host_calls(document: &Value) -> Vec<String> {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    for _ in 0..2 {
        proxy.clear_trace();
        exchange(&proxy, &mut worker, &[("x-a", "1")], HELLO);
    }
    let line = |HostCall { callback, name, argument }: HostCall| {
        let prefixes = ["weir.fault-injection.", "weir_fault_injection_"];
        let is_long = prefixes.iter().any(|prefix| argument.starts_with(prefix));
        let short = argument.rsplit(['.', '_']).next().filter(|_| is_long).unwrap_or(&argument);
        format!("{callback}: {name} {short}").trim_end().to_owned()
    };
    proxy.trace().into_iter().map(line).collect()
}

/// Returns the calls with which a held stream that is due is resumed.
fn wake(release: &[&'static str], resume: &'static str) -> Vec<&'static str> {
    let begin = ["tick: record_metric ms", "tick: set_effective_context"];
    let end = [resume, "tick: set_effective_context", "tick: set_tick_period"];
    [&begin[..], release, &end].concat()
}

#[test]
fn a_request_without_a_fault_makes_only_these_host_calls() {
    let abort = |share: f64| json!({"abort": {"percentage": {"value": share}, "httpStatus": 503}});
    let only = |header: &str| json!({"http": [{"match": [{"headers": {header: {}}}], "fault": abort(100.0)}]});
    let criteria = json!({"maxErrorRate": {"value": 1}});
    let lookup = "request_headers: header x-b";
    for (document, expected) in [
        (json!({}), &[][..]),
        (json!({"http": [{"fault": abort(0.0001)}]}), &[]),
        (only("x-b"), &[lookup]),
        (
            with(only("x-b"), "successCriteria", criteria),
            &[
                lookup,
                "log: header :status",
                "log: header content-type",
                "log: shared_data guard",
                "log: replace_shared_data guard",
            ],
        ),
    ] {
        assert_eq!(host_calls(&document), expected, "{document}");
    }
}

#[test]
fn an_abort_makes_only_these_host_calls() {
    let document = json!({"http": [{"match": [{"headers": {"x-a": {}}}], "fault":
        {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]});
    let expected = [
        "request_headers: header x-a",
        "request_headers: headers RequestHeaders",
        "request_headers: increment_metric total",
        "request_headers: set_property weir.fault",
        "request_headers: send_local_response abort{http-0}",
    ];
    assert_eq!(host_calls(&document), expected);
}

#[test]
fn a_delay_makes_only_these_host_calls() {
    let document = json!({"http": [{"fault":
        {"delay": {"percentage": {"value": 100}, "fixedDelay": "10ms"}}}]});
    let request = [
        "request_headers: shared_data active",
        "request_headers: replace_shared_data active",
        "request_headers: increment_metric total",
        "request_headers: set_property weir.fault",
        "request_headers: increment_metric active",
        "request_headers: set_tick_period",
        "request_headers: record_metric ms",
    ];
    let release = [
        "tick: shared_data active",
        "tick: replace_shared_data active",
        "tick: increment_metric active",
    ];
    let expected = [&request[..], &wake(&release, "tick: resume Request")].concat();
    assert_eq!(host_calls(&document), expected);
}

#[test]
fn a_change_of_a_response_makes_only_these_host_calls() {
    let begin = [
        "request_headers: clock",
        "request_headers: increment_metric total",
        "request_headers: set_property weir.fault",
    ];
    let remove = "response_headers: remove_header content-length";
    let replace = "response_body: replace_buffer ResponseBody";
    for (change, response) in [
        (json!({"httpStatus": 418}), &["response_headers: set_header :status"][..]),
        (json!({"body": {"string": "other"}}), &[remove, replace, replace]),
        (json!({"truncateAfter": 7}), &[remove, "response_body: buffer ResponseBody", replace]),
        (json!({"resetAfter": 7}), &["response_body: reset Response"]),
    ] {
        let expected = [&begin[..], response].concat();
        assert_eq!(host_calls(&always(json!({"response": change}))), expected, "{change}");
    }
}

#[test]
fn a_rate_limit_makes_only_these_host_calls() {
    let begin = [
        "request_headers: clock",
        "request_headers: shared_data active",
        "request_headers: replace_shared_data active",
        "request_headers: increment_metric total",
        "request_headers: set_property weir.fault",
        "request_headers: increment_metric active",
    ];
    let chunk =
        [vec!["response_body: set_tick_period"], wake(&[], "tick: resume Response")].concat();
    let end = [
        "delete: shared_data active",
        "delete: replace_shared_data active",
        "delete: increment_metric active",
    ];
    let document = always(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}));
    assert_eq!(host_calls(&document), [&begin[..], &chunk, &chunk, &end].concat());
}
