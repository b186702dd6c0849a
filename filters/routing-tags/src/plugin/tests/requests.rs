//! Requests and responses of one worker.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::rc::Rc;

use filter_host::{
    Action, Stream,
    headers::Map,
    memory::{Proxy, StreamState},
    property,
    published::{self, Facts},
};

use super::{RoutingTags, start};

/// Returns a document with this tag for all requests and these other fields.
fn tagging(fields: &str) -> String {
    format!(r#"{{"http": [{{"name": "all", "tag": "v2"}}]{fields}}}"#)
}

/// Returns a stream with these request headers after a complete response.
fn exchange(proxy: &Proxy, document: &str, headers: &[(&str, &str)]) -> StreamState {
    let mut worker = start(proxy, document);
    let stream = worker.request(headers);
    worker.response_headers(stream, &[(":status", "200"), ("server", "x")], true);
    worker.end(stream)
}

#[test]
fn writes_the_tag_of_the_first_rule_that_matches() {
    let document = r#"{"http": [
        {"match": [{"headers": {"x-user": {"exact": "premium"}}}], "tag": "v2"},
        {"match": [{"headers": {"x-user": {}}}], "tag": "v1"}]}"#;
    for (headers, tag) in [
        (&[("x-user", "premium"), ("x-weir-tag", "forged")][..], Some("v2")),
        (&[("x-user", "basic")], Some("v1")),
        (&[("x-weir-tag", "forged"), ("x-weir-tag", "twice")], None),
        (&[], None),
    ] {
        let stream = exchange(&Proxy::new(), document, headers);
        assert_eq!(stream.request_header("x-weir-tag").as_deref(), tag, "{headers:?}");
    }
}

#[test]
fn removes_tags_from_trailers_of_any_client() {
    let trusting = r#"{"trustInbound": [{}], "baggageKey": "weir-tag"}"#;
    for (document, left) in [
        ("{}", &[("baggage", "a=1,weir-tag=v2"), ("x-other", "1")][..]),
        (trusting, &[("x-other", "1"), ("baggage", "a=1")]),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, document);
        let stream = worker.open([("x-weir-tag", "v2")].into_iter().collect(), false);
        assert_eq!(worker.request_body(stream, b"body", false), Action::Continue);
        worker.request_trailers(
            stream,
            &[("x-weir-tag", "v2"), ("baggage", "a=1,weir-tag=v2"), ("x-other", "1")],
        );
        let trailers = worker.end(stream).map(Map::RequestTrailers);
        assert_eq!(trailers, left.iter().copied().collect(), "{document}");
    }
}

#[test]
fn changes_the_response_and_issues_a_cookie_once() {
    let document = r#"{
        "headers": {"response": {"remove": ["server"], "set": {"x-served": "%TAG%"}}},
        "http": [{"name": "all", "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 0}],
            "consistentHash": {"httpCookie": {"name": "id", "ttl": "0s", "path": "/"}}}]}"#;
    let proxy = Proxy::new();
    let stream = exchange(&proxy, document, &[(":scheme", "https")]);
    assert_eq!(stream.response_header("x-served").as_deref(), Some("a"));
    assert_eq!(stream.response_header("server"), None);
    let cookie = stream.response_header("set-cookie").unwrap_or_default();
    let (pair, attributes) = cookie.split_once("; ").unwrap_or_default();
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=Lax");
    let returning = exchange(&proxy, document, &[("cookie", pair)]);
    assert_eq!(returning.request_header("x-weir-tag").as_deref(), Some("a"));
    assert_eq!(returning.response_header("set-cookie"), None);
}

#[test]
fn changes_a_local_reply_of_a_later_filter() {
    let document = tagging(r#", "headers": {"response": {"set": {"x-served": "%TAG%"}}}"#);
    let stream = exchange(&Proxy::new(), &document, &[]);
    assert_eq!(stream.response_header("x-served").as_deref(), Some("v2"));
}

#[test]
fn explains_the_decision_in_the_response() {
    let document = tagging(r#", "explain": [{}]"#);
    for (value, expected) in [("1", Some("x-weir-tag=v2;rule=all")), ("0", None)] {
        let stream = exchange(&Proxy::new(), &document, &[("x-weir-explain", value)]);
        assert_eq!(stream.response_header("x-weir-explain").as_deref(), expected);
    }
}

#[test]
fn writes_filter_state_only_if_configured() {
    for (fields, expected) in
        [(r#", "filterState": true"#, Some(&b"v2"[..])), (r#", "filterState": false"#, None)]
    {
        let stream = exchange(&Proxy::new(), &tagging(fields), &[]);
        assert_eq!(stream.property("weir.tag"), expected, "{fields}");
    }
}

#[test]
fn publishes_the_tag_to_the_filters_of_a_suite() {
    for fields in ["", r#", "filterState": true"#, r#", "dryRun": true"#] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &tagging(fields));
        let facts = Rc::<Facts>::default();
        let suite = Rc::clone(&facts);
        proxy.interrupt(move |_| drop(published::enter(Some(Rc::clone(&suite)))));
        // The first header makes the host call in which the stream of a suite becomes current.
        let stream = worker.request(&[("x-weir-tag", "forged")]);
        proxy.stop_interrupts();
        published::enter(Some(facts));
        let tag = property::read(&["weir.tag"]).ok().flatten();
        published::enter(None);
        assert_eq!(tag.as_deref(), Some(&b"v2"[..]), "{fields}");
        let is_written = worker.end(stream).property("weir.tag").is_some();
        assert_eq!(is_written, fields.contains("filterState"), "{fields}");
    }
}

#[test]
fn a_stream_that_an_earlier_filter_answered_makes_no_host_call() {
    let proxy = Proxy::new();
    let worker = start(&proxy, super::canaries::CANARY);
    proxy.clear_trace();
    let mut stream = filter_host::Plugin::open(worker.plugin(), 2);
    stream.on_log();
    drop::<<RoutingTags as filter_host::Plugin>::Stream>(stream);
    assert!(proxy.trace().is_empty());
}

#[test]
fn a_dry_run_changes_nothing() {
    let document =
        tagging(r#", "dryRun": true, "headers": {"response": {"set": {"x-served": "%TAG%"}}}"#);
    let headers = [("x-weir-tag", "mine"), ("x-other", "1")];
    let stream = exchange(&Proxy::new(), &document, &headers);
    assert_eq!(stream.request(), headers.into_iter().collect());
    assert_eq!(stream.response(), [(":status", "200"), ("server", "x")].into_iter().collect());
}
