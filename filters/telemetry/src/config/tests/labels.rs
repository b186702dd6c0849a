//! Implied labels and follow-up errors.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde_json::{Value, json};

use super::{
    istio_blocks::{check, provider},
    refusal, with_provider,
};
use crate::{Config, Direction, Policy};

/// Entries of `metrics` from Istio's documentation and tutorials, with the resulting labels of the
/// request count.
fn labelled_blocks() -> [(Value, &'static str); 8] {
    let prometheus = json!([{"name": "prometheus"}]);
    let entry =
        |overrides: Value| json!([{"providers": prometheus.clone(), "overrides": overrides}]);
    let count =
        |tags: Value| entry(json!([{"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": tags}]));
    [
        (
            entry(json!([{"tagOverrides": {"request_method": {"value": "request.method"},
                "request_host": {"value": "request.host"}}}])),
            "request_method request_host",
        ),
        (
            count(json!({"destination_port": {"value": "string(destination.port)"},
                "request_host": {"value": "request.host"}})),
            "destination_port request_host",
        ),
        (
            entry(json!([{"match": {"metric": "ALL_METRICS", "mode": "CLIENT"},
                "tagOverrides": {"response_code": {"operation": "REMOVE"}}},
                {"match": {"metric": "REQUEST_COUNT", "mode": "SERVER"},
                "tagOverrides": {"request_url_path": {"operation": "UPSERT", "value": "request.url_path"}}}])),
            "request_url_path",
        ),
        (
            entry(json!([{"match": {"metric": "REQUEST_COUNT", "mode": "CLIENT_AND_SERVER"},
                "tagOverrides": {"request_operation": {"value": "weir.operation"}}}])),
            "request_operation",
        ),
        (
            entry(json!([{"match": {"metric": "ALL_METRICS"}, "tagOverrides": {
                "response_code_class": {"value": "response.code >= 500 ? '5xx' : 'other'"},
                "user_agent": {"value": "request.useragent"}}}])),
            "response_code_class user_agent",
        ),
        (
            count(json!({
                "source_zone": {"value": "has(node.metadata.ZONE) ? node.metadata.ZONE : 'none'"},
                "tenant": {"value": "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'"},
                "cc_tenant": {"value": "filter_state.downstream_peer.labels['tenant']"}})),
            "tenant cc_tenant",
        ),
        (
            entry(json!([{"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {
                "destination_canonical_service_workload_label": {"value": "'x'"},
                "requestHost": {"value": "request.host"}, "x-client": {"value": "'y'"}}},
                {"match": {"metric": "REQUEST_DURATION"}, "disabled": true}])),
            "destination_canonical_service_workload_label requestHost x_client",
        ),
        (
            json!([{"definitions": [{"name": "orders", "dimensions": {"plan": "request.host"}}]}]),
            "request_method",
        ),
    ]
}

#[test]
fn tag_overrides_imply_labels_and_warn_with_the_tags_to_set() {
    for (metrics, labels) in labelled_blocks() {
        let document = json!({"metrics": metrics});
        assert_eq!(refusal(&document), "accepted", "{document}");
        let config: Config = parse_config(document.to_string().as_bytes()).unwrap();
        let policy = Policy::new(&config, &|_| None).unwrap();
        let [warning] = policy.warnings() else { panic!("{:?}", policy.warnings()) };
        let warning = warning.to_string();
        let tags = policy.stat_tags().join(", ");
        assert!(warning.starts_with("metrics[0]."), "{warning}");
        assert!(warning.ends_with(&format!(": {tags}")), "{warning}");
        let plan = policy.plan(Direction::Inbound);
        let count = plan.groups.iter().find(|group| {
            group.families.iter().any(|family| family.name == "weir_telemetry_requests_total")
        });
        let names: Vec<_> = count.unwrap().labels.iter().map(|(name, _)| name.as_str()).collect();
        for label in labels.split(' ') {
            assert!(names.contains(&label) && tags.contains(label), "{label}: {names:?} {tags}");
        }
    }
}

#[test]
fn only_a_label_implies_labels() {
    for (document, is_labelled, warnings) in [
        (json!({"metrics": [{}]}), false, 0),
        (
            json!({"metrics": [{"overrides": [{"tagOverrides": {"x": {"operation": "REMOVE"}}}]}]}),
            false,
            0,
        ),
        (json!({"metrics": [{"definitions": [{"name": "x"}]}]}), false, 0),
        (json!({"metrics": [{"labels": true}]}), true, 0),
        (
            json!({"metrics": [{"labels": true}, {"overrides": [{"tagOverrides": {"x": {"value": "'y'"}}}]}]}),
            true,
            0,
        ),
        (
            json!({"metrics": [{}, {"overrides": [{"tagOverrides": {"x": {"value": "'y'"}}}]}]}),
            true,
            1,
        ),
    ] {
        let config: Config = parse_config(document.to_string().as_bytes()).unwrap();
        let policy = Policy::new(&config, &|_| None).unwrap();
        assert_eq!(policy.metrics().is_labelled, is_labelled, "{document}");
        assert_eq!(policy.warnings().len(), warnings, "{document}");
        let rules = crate::prometheus::Rules::new(&config).to_string();
        assert_eq!(rules.contains("request_operation"), is_labelled, "{document}");
    }
}

/// Adds a provider without a port to `entry`.
fn without_port(entry: Value) -> Value {
    let mut document = entry;
    document["extensionProviders"] = json!([
        {"name": "p", "opentelemetry": {"service": "otel.observability.svc.cluster.local"}}]);
    document
}

#[test]
fn reports_no_follow_up_errors() {
    let port = "extensionProviders[0].opentelemetry.port: is required with service";
    let named = json!([{"providers": [{"name": "p"}]}]);
    let second = json!({"name": "q", "opentelemetry": {"cluster": "q"}});
    let mut unused = without_port(json!({"tracing": named}));
    unused["extensionProviders"].as_array_mut().unwrap().push(second);
    check(&[
        (without_port(json!({"tracing": named})), port),
        (without_port(json!({"tracing": [{}]})), port),
        (without_port(json!({"accessLogging": named})), port),
        (
            unused,
            "extensionProviders[0].opentelemetry.port: is required with service; extensionProviders[1]: must be used: no entry of tracing or accessLogging names it",
        ),
        (
            json!({"tracing": named, "extensionProviders": [{"name": "p"}]}),
            "extensionProviders[0]: must have opentelemetry",
        ),
        (
            with_provider(
                json!({"accessLogging": [{"providers": [{"name": "otel"}],
                "filter": {"expression": "response.code"}}]}),
                "otel",
            ),
            "accessLogging[0].filter.expression: must be an expression of kind bool, got int",
        ),
        (
            json!({"x": 1}),
            "x: unknown field `x`, expected one of `tracing`, `accessLogging`, `redaction`, `extensionProviders`, `endpoint`, `sampleRate`, `sample_rate`, `metrics`, `slos`, `errorWhen`, `operations`, `pathNormalization`, `responseHeaders`, `filterState`, `dryRun`",
        ),
        (
            json!({"metrics": [{"x": 1}]}),
            "metrics[0].x: unknown field `x`, expected one of `providers`, `overrides`, `labels`, `prefix`, `definitions`, `maxSeries`, `maxValues`, `maxValueBytes`",
        ),
        (
            provider("x", json!(1)),
            "extensionProviders[0].x: unknown field `x`, expected `name` or `opentelemetry`",
        ),
    ]);
}
