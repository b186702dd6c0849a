//! Configurations: accepted, refused and replaced.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;

use super::{
    Telemetry, metric,
    scenarios::{LOGGED, SECOND, TICK, TRACED, request, serve},
    start,
};

#[test]
fn a_plugin_without_streams_counts_and_sends_nothing() {
    let labelled = r#"{"metrics": {"labels": true}}"#;
    for document in ["", "{}", labelled, TRACED, LOGGED] {
        let proxy = Proxy::new();
        proxy.add_cluster("collector");
        let mut worker = start(&proxy, document);
        worker.advance(SECOND * 5);
        drop(worker);
        assert_eq!(proxy.metrics(), [], "{document}");
        assert_eq!(proxy.histograms(), [], "{document}");
        assert!(proxy.calls().is_empty() && proxy.log(3).is_empty(), "{document}");
        assert!(proxy.shared_keys().is_empty(), "{document}");
    }
}

#[test]
fn a_plugin_without_streams_sends_what_an_earlier_one_handed_over() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut old = start(&proxy, TRACED);
    serve(&mut old, "/1/stream", &[]);
    drop(old);
    let mut without_streams = start(&proxy, TRACED);
    without_streams.advance(TICK);
    assert_eq!(without_streams.calls().len(), 1);
}

#[test]
fn reads_the_node_and_defines_metrics_only_if_they_are_used() {
    let proxy = Proxy::new();
    drop(start(&proxy, "{}"));
    let arguments: Vec<String> = proxy.trace().into_iter().map(|call| call.argument).collect();
    let has = |part: &str| arguments.iter().any(|argument| argument.contains(part));
    for unused in ["xds.node", "spans_", "logs_", "export_", "queue_bytes", "series"] {
        assert!(!has(unused), "{unused}: {arguments:?}");
    }
    assert!(has("requests_total"));
}

#[test]
fn refuses_a_document_with_the_path_of_each_error() {
    for (document, paths) in [
        (r#"{"metrics": {"prefix": "a b"}}"#, &["metrics.prefix"][..]),
        (
            r#"{"slos": [{"name": "a", "latency": "1s", "errorWhen": "1"}], "errorWhen": "weir.error"}"#,
            &["slos[0].errorWhen", "errorWhen"],
        ),
        (r#"{"tracing": {"providers": [{"name": "none"}]}}"#, &["tracing[0].providers[0].name"]),
        (r#"{"x": 1}"#, &["x"]),
        ("{", &[]),
    ] {
        let proxy = Proxy::new();
        let refused = proxy.worker::<Telemetry>(document).err().unwrap_or_default();
        assert!(!refused.is_empty(), "{document}");
        assert!(paths.iter().all(|path| refused.contains(path)), "{document}: {refused}");
        assert!(proxy.shared_keys().is_empty() && proxy.metrics().is_empty(), "{document}");
    }
}

#[test]
fn logs_warnings_about_the_document() {
    let proxy = Proxy::new();
    drop(start(&proxy, r#"{"responseHeaders": {"serverTiming": true}}"#));
    let expected = "responseHeaders: without a filter, every caller receives timings and ids";
    assert_eq!(proxy.log(3), [expected]);
}

#[test]
fn streams_keep_the_configuration_with_which_they_began() {
    let document = |name: &str| {
        format!(
            r#"{{"metrics": {{"prefix": "{name}"}},
                "responseHeaders": {{"traceId": "x-{name}"}}, "tracing": {{}}}}"#
        )
    };
    let proxy = Proxy::new();
    let mut old = start(&proxy, &document("old"));
    let stream = old.request(&request("/1/stream", &[]));
    let mut new = start(&proxy, &document("new"));
    let next = new.request(&request("/2/stream", &[]));
    old.respond(stream, 200);
    new.respond(next, 200);
    assert!(old.end(stream).response_header("x-old").is_some());
    assert!(new.end(next).response_header("x-new").is_some());
    drop(old);
    new.advance(TICK);
    let totals = ["old_requests_total", "new_requests_total", "old_requests_in_flight"];
    assert_eq!(totals.map(|name| proxy.metric(name)), [1, 1, 0]);
    assert_eq!(metric(&proxy, "expression_errors_total"), 0);
}
