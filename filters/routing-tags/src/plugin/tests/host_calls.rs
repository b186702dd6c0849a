//! The host calls of typical requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;

use super::{canaries::CANARY, start};

/// Returns the host calls of the second request of a worker, with trailers if `has_trailers`.
fn host_calls(document: &str, has_trailers: bool) -> Vec<String> {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    for _ in 0..2 {
        proxy.clear_trace();
        let headers = [("x-a", "1"), ("x-weir-tag", "forged"), ("baggage", "a=1")];
        let stream = worker.open(headers.into_iter().collect(), !has_trailers);
        if has_trailers {
            worker.request_trailers(stream, &[("grpc-status", "0")]);
        }
        worker.respond(stream, 200);
        worker.end(stream);
    }
    let key = |argument: &str| argument.split(".canary.").next().is_some_and(|key| key != argument);
    let line = |call: filter_host::memory::HostCall| {
        let argument = if key(&call.argument) { "guard" } else { &call.argument };
        format!("{}: {} {argument}", call.callback, call.name).trim_end().to_owned()
    };
    proxy.trace().into_iter().map(line).collect()
}

#[test]
fn makes_only_these_host_calls() {
    let rule = r#"{"http": [{"match": [{"headers": {"x-a": {}}}], "tag": "v2"}]}"#;
    let filter_state =
        r#"{"filterState": true, "http": [{"match": [{"headers": {"x-a": {}}}], "tag": "v2"}]}"#;
    let without_match = r#"{"http": [{"tag": "v2"}]}"#;
    let read = "request_headers: headers RequestHeaders";
    let tag = "request_headers: set_header x-weir-tag";
    let trailer = "request_trailers: remove_header x-weir-tag";
    for (document, has_trailers, expected) in [
        (rule, false, vec![read, tag]),
        (rule, true, vec![read, tag, trailer]),
        (without_match, false, vec![tag]),
        (filter_state, false, vec![read, tag, "request_headers: set_property weir.tag"]),
        (
            "{}",
            false,
            vec!["request_headers: header x-weir-tag", "request_headers: remove_header x-weir-tag"],
        ),
        (
            r#"{"baggageKey": "weir-tag"}"#,
            true,
            vec![
                read,
                "request_headers: remove_header x-weir-tag",
                "request_trailers: headers RequestTrailers",
                trailer,
            ],
        ),
        (
            CANARY,
            false,
            vec![
                tag,
                "log: header :status",
                "log: header content-type",
                "log: clock",
                "log: shared_data guard",
                "log: replace_shared_data guard",
            ],
        ),
    ] {
        assert_eq!(host_calls(document, has_trailers), expected, "{document}");
    }
}

#[test]
fn refreshes_with_only_these_host_calls() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, CANARY);
    let mut ticked = |is_used: bool| {
        if is_used {
            let stream = worker.request(&[]);
            worker.end(stream);
            worker.advance(std::time::Duration::from_secs(1));
        }
        proxy.clear_trace();
        worker.advance(std::time::Duration::from_secs(1));
        proxy.trace().into_iter().map(|call| call.name).collect::<Vec<_>>()
    };
    assert_eq!(ticked(false), ["clock", "shared_data"]);
    assert_eq!(ticked(true), ["clock", "shared_data"]);
}
