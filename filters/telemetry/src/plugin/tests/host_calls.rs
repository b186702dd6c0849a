//! The host calls of usual requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{HostCall, Proxy};

use super::{
    Meter,
    scenarios::{CONTEXT, LOGGED, TICK, TRACED, request},
    start,
};

/// A request without a body whose response has one.
fn get(worker: &mut Meter) {
    let headers = request("/1/stream", &[("x-user", "alice"), CONTEXT[0]]);
    let stream = worker.request(&headers);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, b"ok", true);
    worker.end(stream);
}

/// A request with a body whose response has none.
fn post(worker: &mut Meter) {
    let stream = worker.open(request("/1/stream", &[]).into_iter().collect(), false);
    worker.request_body(stream, b"body", true);
    worker.respond(stream, 201);
    worker.end(stream);
}

/// Returns the host calls of the second request of a worker.
fn host_calls(document: &str, serve: fn(&mut Meter)) -> Vec<String> {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    serve(&mut worker);
    worker.advance(TICK);
    serve(&mut worker);
    proxy.clear_trace();
    serve(&mut worker);
    let line = |HostCall { callback, name, argument }| {
        format!("{callback}: {name} {argument}").trim_end().to_owned()
    };
    proxy.trace().into_iter().map(line).collect()
}

#[test]
fn makes_only_these_host_calls() {
    let labelled = r#"{"operations": [{"pathTemplate": "/{id}/stream", "name": "stream"}],
        "metrics": {"labels": true}}"#;
    let status = "log: header :status";
    let content_type = "log: header content-type";
    for (document, serve, expected) in [
        ("{}", get as fn(&mut Meter), &[status][..]),
        ("{}", post, &[status, content_type]),
        (labelled, get, &["request_headers: headers RequestHeaders", status]),
        (
            TRACED,
            get,
            &[
                "request_headers: headers RequestHeaders",
                "request_headers: set_header traceparent",
                status,
                "log: clock",
                "log: property source.address",
                "log: property request.protocol",
                "log: property response.code_details",
                "log: property xds.cluster_name",
                "log: property filter_state.peer",
                "log: property xds.route_name",
            ],
        ),
        (
            LOGGED,
            get,
            &[
                status,
                "log: property request.time",
                "log: headers RequestHeaders",
                "log: property request.protocol",
                "log: property response.code_details",
                "log: property response.flags",
                "log: property upstream.address",
                "log: property xds.cluster_name",
                "log: property xds.route_name",
                "log: property source.address",
                "log: property weir.jwt",
                "log: property metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.sub",
                "log: clock",
            ],
        ),
    ] {
        assert_eq!(host_calls(document, serve), expected, "{document}");
    }
}

#[test]
fn reads_the_method_only_of_a_request_that_may_be_a_tunnel() {
    for (ends, status, expected) in [(true, "200", 0), (false, "200", 1), (false, "403", 0)] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, "{}");
        let stream = worker.open(request("/1/stream", &[]).into_iter().collect(), false);
        worker.request_body(stream, b"body", ends);
        worker.response_headers(stream, &[(":status", status)], true);
        worker.end(stream);
        let reads = proxy.trace().into_iter().filter(|call| call.argument == ":method").count();
        assert_eq!(reads, expected, "{ends} {status}");
    }
}

#[test]
fn a_tick_without_changes_only_looks_for_items_of_an_earlier_plugin() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, TRACED);
    worker.advance(TICK);
    proxy.clear_trace();
    worker.advance(TICK);
    let calls: Vec<_> = proxy.trace().into_iter().map(|call| call.name).collect();
    assert_eq!(calls, ["dequeue"]);
}
