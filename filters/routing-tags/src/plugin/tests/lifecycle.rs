//! Configurations: accepted, refused and replaced.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::memory::{Proxy, Worker};

use super::{RoutingTags, canaries::CANARY, start};

const METRIC: &str = "weir_routing_tags_";

#[test]
fn a_plugin_without_streams_counts_and_sends_nothing() {
    for (document, gauges) in [
        ("", &[][..]),
        (r#"{"http": [{"name": "all", "tag": "v2"}]}"#, &[]),
        (CANARY, &[("weir_routing_tags_canary_api_weight", 10_000)]),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, document);
        worker.advance(Duration::from_secs(5));
        drop(worker);
        let gauges: Vec<_> =
            gauges.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        assert_eq!(proxy.metrics(), gauges, "{document}");
        assert!(proxy.calls().is_empty() && proxy.log(3).is_empty(), "{document}");
    }
}

#[test]
fn refuses_a_document_with_the_path_of_each_error() {
    for (document, paths) in [
        (r#"{"http": [{"tag": "a b"}]}"#, &["http[0].tag"][..]),
        (r#"{"http": [{"tag": "a"}, {"tag": "b"}], "x": 1}"#, &["x"]),
        (r#"{"http": [{"tag": "a"}, {"tag": "b"}]}"#, &["http[1].match"]),
        (r#"{"tagHeader": "cookie"}"#, &["tagHeader"]),
        ("{", &[]),
    ] {
        let proxy = Proxy::new();
        let refused = proxy.worker::<RoutingTags>(document).err().unwrap_or_default();
        assert!(!refused.is_empty(), "{document}");
        assert!(paths.iter().all(|path| refused.contains(path)), "{document}: {refused}");
        assert!(proxy.shared_keys().is_empty(), "{document}");
    }
}

#[test]
fn logs_warnings_about_the_document() {
    for (document, warning) in [
        (r#"{"dryRun": true}"#, "dryRun: inbound tags of untrusted clients are not removed"),
        (r#"{"trustInbound": [{}]}"#, "trustInbound: trusts every client"),
    ] {
        let proxy = Proxy::new();
        drop(start(&proxy, document));
        let log = proxy.log(3);
        assert!(log.iter().any(|line| line.starts_with(warning)), "{log:?}");
    }
}

#[test]
fn streams_keep_the_configuration_with_which_they_began() {
    let document = |tag: &str| {
        format!(
            r#"{{"headers": {{"response": {{"set": {{"x-served": "%TAG%"}}}}}},
                "http": [{{"name": "all", "tag": "{tag}"}}]}}"#
        )
    };
    let proxy = Proxy::new();
    let mut old: Worker<RoutingTags> = start(&proxy, &document("v1"));
    let stream = old.request(&[]);
    let mut new = start(&proxy, &document("v2"));
    let next = new.request(&[]);
    old.respond(stream, 200);
    new.respond(next, 200);
    let served = |stream: filter_host::memory::StreamState| stream.response_header("x-served");
    assert_eq!(served(old.end(stream)).as_deref(), Some("v1"));
    assert_eq!(served(new.end(next)).as_deref(), Some("v2"));
    drop(old);
    assert_eq!(proxy.metric(&format!("{METRIC}rule_all_tag_v1_total")), 1, "reported when dropped");
    new.advance(Duration::from_secs(1));
    assert_eq!(proxy.metric(&format!("{METRIC}rule_all_total")), 2);
}

#[test]
fn never_logs_values_of_a_request() {
    let document = r#"{"http": [
        {"name": "t", "match": [{"headers": {"x-t": {}}}], "tag": "%REQ(x-t)%"},
        {"name": "s", "consistentHash": {"httpCookie": {"name": "c", "ttl": "1h"}},
         "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 9}]}]}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let stream = worker.request(&[("cookie", "c=secret"), ("x-t", "se/cret")]);
    worker.end(stream);
    assert_eq!(proxy.log(0), Vec::<String>::new());
}
