#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde_json::{Value, json};

use crate::{Config, Direction, LabelledName, Policy, signals::metrics::Plan};

fn compile(document: &Value) -> Result<Policy, String> {
    let compiled = parse_config::<Config>(document.to_string().as_bytes())
        .and_then(|config| Policy::new(&config, &|_| None));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled.map_err(|error| error.to_string())
}

/// Returns each family with its labels as `name{label,label}`.
fn families(plan: &Plan) -> Vec<String> {
    let groups = plan.groups.iter();
    let families = groups.flat_map(|group| {
        let labels: Vec<_> = group.labels.iter().map(|(name, _)| name.as_str()).collect();
        let labels = labels.join(",");
        group.families.iter().map(move |family| format!("{}{{{labels}}}", family.name))
    });
    families.map(|name| name.replace("weir_telemetry_", "").replace("{}", "")).collect()
}

#[test]
fn the_default_is_the_standard_metrics_without_labels() {
    for document in [json!({}), json!({"metrics": {}}), json!({"metrics": [{}]})] {
        let policy = compile(&document).unwrap();
        assert_eq!(
            families(policy.plan(Direction::Inbound)),
            [
                "requests_total",
                "request_errors_total",
                "request_duration_ms",
                "request_bytes",
                "response_bytes",
                "requests_in_flight",
                "requests_1xx_total",
                "requests_2xx_total",
                "requests_3xx_total",
                "requests_4xx_total",
                "requests_5xx_total",
                "requests_no_response_total",
            ],
            "{document}"
        );
        assert!(policy.needs().is_empty() && policy.early_slots().is_empty());
        assert!(!policy.reads_method(), "no header of the request is read");
    }
}

#[test]
fn standard_metrics_have_default_labels() {
    let document = json!({"operations": [{"pathTemplate": "/a"}], "metrics": [{"labels": true}]});
    assert_eq!(
        families(compile(&document).unwrap().plan(Direction::Inbound)),
        [
            "requests_total{reporter,request_method,request_operation,response_code,grpc_response_status}",
            "request_errors_total{reporter,request_method,request_operation}",
            "request_duration_ms{reporter,request_method,request_operation}",
            "request_bytes{reporter,request_method,request_operation}",
            "response_bytes{reporter,request_method,request_operation}",
            "requests_in_flight{reporter,request_operation}",
        ]
    );
}

#[test]
fn stat_tags_list_all_labels() {
    assert!(compile(&json!({})).unwrap().stat_tags().is_empty());
    let labelled = json!({"metrics": {"labels": true, "definitions":
        [{"name": "x", "dimensions": {"tenant": {"value": "request.host"}}}]}});
    assert_eq!(
        compile(&labelled).unwrap().stat_tags(),
        [
            "grpc_response_status",
            "metric",
            "reason",
            "reporter",
            "request_method",
            "response_code",
            "tenant"
        ]
    );
}

/// Returns the tags that Istio's patterns extract from a name.
fn split(name: &str, tags: &[&str]) -> Vec<(String, String)> {
    let found = tags.iter().filter_map(|tag| {
        let (_, value) = name.split_once(&format!("{tag}=.="))?;
        Some(((*tag).to_owned(), value.split_once(";.;")?.0.to_owned()))
    });
    found.collect()
}

#[test]
fn tag_patterns_extract_each_label() {
    for tags in [
        json!({"cc_tenant": {"value": "'x'"}, "tenant": {"value": "'x'"}}),
        json!({"tenant": {"value": "'x'"}, "x_y_tenant": {"value": "'x'"}, "y_tenant": {"value": "'x'"}}),
        json!({"code": {"value": "'x'"}, "e": {"value": "'x'"}}),
        json!({"requestHost": {"value": "request.host"}, "Host": {"value": "'x'"}}),
        json!({"a_label_whose_name_has_more_than_32_letters": {"value": "'x'"}, "x-b.c": {"value": "'x'"}}),
    ] {
        let document = json!({"operations": [{"pathTemplate": "/a"}],
            "metrics": [{"labels": true, "overrides": [{"tagOverrides": tags}]}]});
        let policy = match compile(&document) {
            Ok(policy) => policy,
            // Labels of the filter's own metrics also end in `e`.
            Err(error) => {
                assert!(error.contains("must not have the label"), "{error}");
                continue;
            }
        };
        for group in &policy.plan(Direction::Inbound).groups {
            let value = |name: &str| format!("of {name}");
            let labels: Vec<_> =
                group.labels.iter().map(|(name, _)| (name.as_str(), value(name))).collect();
            let name = LabelledName { family: "f", labels: &labels }.to_string();
            let found = split(&name, &policy.stat_tags());
            for (tag, found) in &found {
                assert_eq!(*found, value(tag), "{name}");
            }
            assert_eq!(found.len(), labels.len(), "{name}");
        }
    }
}

#[test]
fn the_gauge_lacks_labels_of_the_response() {
    let document = json!({"metrics": [{"overrides": [{"tagOverrides": {
        "class": {"value": "response.code", "buckets": [200, 300]},
        "host": {"value": "request.host"}}}]}]});
    let names = families(compile(&document).unwrap().plan(Direction::Inbound));
    for name in
        ["requests_in_flight{reporter,host}", "request_bytes{reporter,request_method,class,host}"]
    {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
}

#[test]
fn overrides_apply_in_order_and_by_direction() {
    let document = json!({"metrics": [
        {"labels": true, "prefix": "shop", "overrides": [
            {"match": {"metric": "ALL_METRICS"}, "disabled": true},
            {"match": {"metric": "REQUEST_COUNT"}, "disabled": false},
            {"match": {"metric": "GRPC_REQUEST_MESSAGES", "mode": "SERVER"}, "disabled": false},
        ]},
        {"providers": [{"name": "prometheus"}], "overrides": [
            {"match": {"metric": "REQUEST_COUNT", "mode": "CLIENT"}, "tagOverrides":
                {"response_code": {"operation": "REMOVE"}, "absent": {"operation": "REMOVE"}}},
            {"match": {"metric": "REQUEST_COUNT"},
                "tagOverrides": {"zone": {"value": "'a'"}, "reporter": {"value": "'b'"}}},
        ]},
    ]});
    let policy = compile(&document).unwrap();
    let count = |code: &str| {
        format!("shop_requests_total{{reporter,request_method,{code}grpc_response_status,zone}}")
    };
    let messages = "shop_request_messages_total{reporter}".to_owned();
    for (direction, expected) in [
        (Direction::Inbound, vec![count("response_code,"), messages.clone()]),
        (Direction::Outbound, vec![count("")]),
        (Direction::Unspecified, vec![count(""), messages]),
    ] {
        assert_eq!(families(policy.plan(direction)), expected, "{direction:?}");
    }
    assert!(policy.metrics().counts_messages());
}

#[test]
fn custom_metrics_and_objectives_are_added() {
    let definitions = json!([
        {"name": "orders"},
        {"name": "order_value_cents", "type": "HISTOGRAM",
            "value": "int(response.headers['x-order-cents'])",
            "filter": {"expression": "response.code == 201"}},
        {"name": "stock", "type": "GAUGE", "value": "int(response.headers['x-stock'])"},
    ]);
    let slos = json!([{"name": "checkout", "latency": "300ms", "objective": 99.9}]);
    let clean = json!({"metrics": [{"definitions": definitions}], "slos": slos});
    let names = families(compile(&clean).unwrap().plan(Direction::Inbound));
    for name in [
        "orders_total",
        "order_value_cents",
        "stock",
        "slo_checkout_total",
        "slo_checkout_good_total",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    let labelled = json!({"metrics": {"labels": true}, "slos": slos});
    let names = families(compile(&labelled).unwrap().plan(Direction::Inbound));
    assert!(names.ends_with(&["slo_total{slo}".to_owned(), "slo_good_total{slo}".to_owned()]));
}

#[test]
fn invalid_documents_are_rejected() {
    let over = |over: Value| json!({"metrics": [{"labels": true, "overrides": [over]}]});
    let define = |definition: Value| json!({"metrics": [{"definitions": [definition]}]});
    for (document, message) in [
        (json!({"metrics": []}), "metrics: must have 1 to 8 entries, got 0"),
        (
            json!({"metrics": [{"labels": true}, {"labels": false}]}),
            "metrics[1].labels: must be given in one entry only, metrics[0] has it too",
        ),
        (
            json!({"metrics": [{"providers": [{"name": "stackdriver"}]}]}),
            "metrics[0].providers[0].name: must be prometheus: metrics are exported through Envoy's stats only, got \"stackdriver\"",
        ),
        (
            json!({"metrics": {"reportingInterval": "5s"}}),
            "metrics.reportingInterval: must not be given: Istio uses it for TCP only",
        ),
        (
            over(json!({"match": {"metric": "TCP_SENT_BYTES"}})),
            "metrics[0].overrides[0].match.metric: must be an HTTP metric: this filter does not see TCP connections, got \"TCP_SENT_BYTES\"",
        ),
        (
            over(json!({"match": {"customMetric": "orders"}})),
            "metrics[0].overrides[0].match.customMetric: must be the name of a definition, got \"orders\"",
        ),
        (
            over(json!({"match": {"metric": "REQUEST_SIZE"},
                "tagOverrides": {"code": {"value": "'x'"}}})),
            "metrics: must not have the label response_code for weir_telemetry_requests_total: Istio's tag pattern for code matches the end of its name and would extract its value; rename one of them",
        ),
        (
            over(json!({"tagOverrides": {"x_grpc_response_status": {"value": "'x'"}}})),
            "metrics: must not have the label x_grpc_response_status for weir_telemetry_requests_total: Istio's tag pattern for grpc_response_status matches the end of its name and would extract its value; rename one of them",
        ),
        (
            over(json!({"tagOverrides": {"my_reason": {"value": "'x'"}}})),
            "metrics: must not have the label my_reason for weir_telemetry_requests_total: Istio's tag pattern for reason matches the end of its name and would extract its value; rename one of them",
        ),
        (
            over(json!({"tagOverrides": {"eason": {"value": "'x'"}}})),
            "metrics: must not have the label reason for weir_telemetry_spans_dropped_total: Istio's tag pattern for eason matches the end of its name and would extract its value; rename one of them",
        ),
        (
            over(json!({"tagOverrides": {"a-b": {"value": "'x'"}, "a_b": {"value": "'y'"}}})),
            "metrics[0].overrides[0].tagOverrides.a_b: must be unique, also in metrics; a-b becomes the same name",
        ),
        (
            over(json!({"tagOverrides": {"1st": {"value": "'x'"}}})),
            "metrics[0].overrides[0].tagOverrides.1st: must be 1 to 128 of A-Z a-z 0-9 _ . -, the first a letter or _, got \"1st\"",
        ),
        (
            over(json!({"overrides": []})),
            "metrics[0].overrides[0].overrides: must not be given: it belongs in the entry of metrics",
        ),
        (
            over(json!({"match": {"metric": "IN_FLIGHT"},
                "tagOverrides": {"x": {"value": "response.code"}}})),
            "metrics[0].overrides[0].tagOverrides.x.value: response.code is only available at the end of the stream, but this is evaluated at the request",
        ),
        (
            json!({"metrics": [{"labels": false,
                "overrides": [{"tagOverrides": {"x": {"value": "'x'"}}}]}]}),
            "metrics[0].overrides[0].tagOverrides.x: must not be given together with labels: false",
        ),
        (
            define(json!({"name": "requests"})),
            "metrics[0].definitions[0].name: must be unique, the filter has \"requests\" too",
        ),
        (
            define(json!({"name": "hits_cache"})),
            "metrics[0].definitions[0].name: must not end in cache: Istio would extract a tag there",
        ),
        (
            json!({"metrics": [{"labels": false}, {"definitions":
                [{"name": "x", "dimensions": {"a": {"value": "'x'"}}}]}]}),
            "metrics[1].definitions[0].dimensions: must not be given together with labels: false",
        ),
        (
            define(json!({"name": "x", "value": "request.headers['x']"})),
            "metrics[0].definitions[0].value: must be an expression of kind int or double, got string; convert with int()",
        ),
        (
            json!({"slos": [{"name": "a"}, {"name": "a"}]}),
            "slos[1].name: must be unique, also in metrics; slos[0] has \"a\" too",
        ),
        (
            json!({"slos": [{"name": "a", "objective": 10}]}),
            "slos[0].objective: must be a percentage from 50 to 99.9999, got 10",
        ),
    ] {
        assert_eq!(compile(&document).err().as_deref(), Some(message), "{document}");
    }
}
