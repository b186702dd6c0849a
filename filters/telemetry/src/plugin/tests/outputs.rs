//! Response headers, filter state, log lines and the facts of other filters.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::memory::Proxy;

use super::{
    Meter, metric,
    scenarios::{SECOND, request, serve},
    start,
};

/// Returns the last line of the proxy's log.
fn line(proxy: &Proxy) -> String {
    proxy.log(3).pop().unwrap_or_default()
}

#[test]
fn adds_response_headers_only_for_requests_of_the_filter() {
    let document = |more: &str| {
        format!(
            r#"{{{more} "tracing": {{}}, "responseHeaders": {{
                "serverTiming": true, "traceId": "x-trace-id", "requestId": true,
                "filter": {{"match": [{{"headers": {{"x-debug": {{}}}}}}]}}}}}}"#
        )
    };
    let all = ["server-timing", "x-trace-id", "x-request-id"];
    for (document, more, expected) in [
        (document(""), ("x-debug", "1"), true),
        (document(""), ("x-other", "1"), false),
        (document(r#""dryRun": true,"#), ("x-debug", "1"), false),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &document);
        let stream = worker.request(&request("/1/stream", &[more, ("x-request-id", "id-1")]));
        proxy.pass(Duration::from_micros(12_340));
        worker.response_headers(stream, &[(":status", "200"), ("x-app", "1")], true);
        let stream = worker.end(stream);
        let found = all.map(|name| stream.response_header(name).is_some());
        assert_eq!(found, [expected; 3], "{document} {more:?}");
        assert_eq!(stream.response_header("x-app").as_deref(), Some("1"));
        let timing = stream.response_header("server-timing");
        assert!(timing.is_none_or(|timing| timing == "proxy;dur=12.3"));
    }
}

#[test]
fn replaces_a_request_id_and_keeps_other_timings() {
    let document = r#"{"responseHeaders": {"serverTiming": true, "requestId": true}}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let stream = worker.request(&request("/1/stream", &[("x-request-id", "ours")]));
    let headers = [(":status", "200"), ("x-request-id", "theirs"), ("server-timing", "db;dur=1")];
    worker.response_headers(stream, &headers, true);
    let response = worker.end(stream).response();
    let values = |name: &str| response.all(name).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(values("x-request-id"), [b"ours"]);
    assert_eq!(values("server-timing").len(), 2);
}

#[test]
fn publishes_the_operation_only_if_it_is_configured() {
    let operations = r#""operations": [{"pathTemplate": "/{id}/stream", "name": "stream"}]"#;
    for (document, path, expected) in [
        (format!(r#"{{"filterState": true, {operations}}}"#), "/1/stream", Some(&b"stream"[..])),
        (format!(r#"{{"filterState": true, {operations}}}"#), "/other", Some(b"other")),
        (format!("{{{operations}}}"), "/1/stream", None),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &document);
        let stream = serve(&mut worker, path, &[]);
        assert_eq!(stream.property("weir.operation"), expected, "{document}");
    }
}

#[test]
fn logs_the_facts_of_other_filters() {
    let document = r#"{"accessLogging": {"fields": {
        "tag": {"value": "weir.tag"}, "fault": {"value": "weir.fault"},
        "user": {"value": "request.auth.claims['sub']", "redact": "HASH"}}}}"#;
    let proxy = Proxy::new();
    for (name, value) in [
        ("weir.tag", "v2"),
        ("weir.fault", "delay"),
        ("weir.jwt", r#"{"claims": {"sub": "alice"}}"#),
    ] {
        proxy.set_property(name, value.as_bytes());
    }
    let mut worker = start(&proxy, document);
    serve(&mut worker, "/1/stream?secret=1", &[]);
    let line = line(&proxy);
    for part in [r#""tag":"v2""#, r#""fault":"delay""#, r#""path":"/1/stream""#] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("alice") && !line.contains("secret"), "{line}");
}

#[test]
fn hashes_are_equal_in_all_workers_and_configurations_of_a_proxy() {
    let document = |more: &str| {
        format!(
            r#"{{{more} "accessLogging": {{"fields": {{
                "user": {{"value": "request.headers['x-user']", "redact": "HASH"}}}}}}}}"#
        )
    };
    let hash = |proxy: &Proxy, worker: &mut Meter, user: &str| {
        serve(worker, "/1/stream", &[("x-user", user)]);
        let line = line(proxy);
        line.split(r#""user":""#).nth(1).and_then(|rest| rest.get(..16)).unwrap().to_owned()
    };
    let proxy = Proxy::new();
    let [mut first, mut second] = [start(&proxy, &document("")), start(&proxy, &document(""))];
    let alice = hash(&proxy, &mut first, "alice");
    assert_eq!(hash(&proxy, &mut second, "alice"), alice);
    assert_ne!(hash(&proxy, &mut second, "bob"), alice);
    drop((first, second));
    let mut after = start(&proxy, &document(r#""filterState": true,"#));
    assert_eq!(hash(&proxy, &mut after, "alice"), alice, "the key outlives a configuration");
    let keyed = document(r#""redaction": {"key": "0123456789abcdef"},"#);
    let mut keyed = start(&proxy, &keyed);
    assert_ne!(hash(&proxy, &mut keyed, "alice"), alice, "the key of the document");
}

#[test]
fn limits_sampled_lines_and_errors_separately() {
    let document = r#"{"accessLogging": {"maxPerSecond": 2}}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let status = |worker: &mut Meter, status| {
        let stream = worker.request(&request("/1/stream", &[]));
        worker.respond(stream, status);
        worker.end(stream);
    };
    for _ in 0..5 {
        status(&mut worker, 200);
        status(&mut worker, 500);
    }
    assert_eq!(proxy.log(3).len(), 4);
    worker.advance(SECOND);
    let counts = ["logs_built_total", "logs_limited_total"].map(|name| metric(&proxy, name));
    assert_eq!(counts, [4, 6]);
}

#[test]
fn builds_no_line_that_the_log_level_hides() {
    let proxy = Proxy::new();
    proxy.set_log_level(4);
    let mut worker = start(&proxy, r#"{"accessLogging": [{}, {"level": "INFO"}]}"#);
    serve(&mut worker, "/1/stream", &[]);
    worker.advance(SECOND);
    assert_eq!(metric(&proxy, "logs_built_total"), 0);
    assert!(!proxy.trace().iter().any(|call| call.name == "property" && call.callback == "log"));
}
