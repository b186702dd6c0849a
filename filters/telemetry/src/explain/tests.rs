#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_core::parse_config;
use serde_json::{Value as Json, json};

use super::*;
use crate::Config;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn compile(document: &Json) -> Policy {
    let config: Config = parse_config(document.to_string().as_bytes()).unwrap();
    Policy::new(&config, &|_| None).unwrap()
}

/// A stream with this response status after 12 ms.
fn described(status: u16, headers: &[(&str, &str)]) -> StreamDescription {
    let common = [(":method", "GET"), (":path", "/orders/7?x"), (":authority", "shop")];
    let headers = common.iter().chain(headers).copied();
    StreamDescription {
        request: Request { headers: headers.collect(), ..Request::default() },
        record: Record {
            status: Some(status),
            duration: Duration::from_millis(12),
            response_bytes: 5,
            ..Record::default()
        },
        direction: Direction::Inbound,
        seed: 1,
        ..StreamDescription::default()
    }
}

fn lines(document: &Json, described: &StreamDescription) -> Vec<String> {
    let text = compile(document).explain(described).to_string();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn explanations_cover_all_signals() {
    let document = json!({
        "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "c"}}],
        "operations": [{"pathTemplate": "/orders/{id}", "name": "getOrder"}],
        "metrics": {"labels": true, "prefix": "shop",
            "overrides": [{"match": {"metric": "REQUEST_SIZE"}, "disabled": true},
                {"match": {"metric": "RESPONSE_SIZE"}, "disabled": true}],
            "definitions": [{"name": "plans", "value": "int(response.headers['x-cents'])",
                "dimensions": {"plan": {"value": "request.headers['x-plan']", "map": {"gold": "paid"}},
                    "zone": "request.headers['x-zone']"}}]},
        "slos": [{"name": "fast", "latency": "10ms"}],
        "tracing": {"providers": [{"name": "otel"}]},
        "accessLogging": [{"filter": {"expression": "response.code >= 400"}},
            {"providers": [{"name": "otel"}], "percentage": {"value": 10}, "match": {"mode": "SERVER"}},
            {"match": {"mode": "CLIENT"}}],
    });
    let mut stream = described(503, &[("traceparent", CALLER), ("x-plan", "gold")]);
    let cents = "response.headers['x-cents']".to_owned();
    stream.attributes.insert(cents, Value::text("250"));
    let explained = compile(&document).explain(&stream);
    let span = explained.tracing.as_ref().unwrap().start.trace.span_id;
    let labels = r#"reporter="destination",request_method="GET",request_operation="getOrder""#;
    let expected = [
        "operation getOrder".to_owned(),
        "an error".to_owned(),
        format!(r#"shop_requests_total{{{labels},response_code="503"}} +1"#),
        format!("shop_request_errors_total{{{labels}}} +1"),
        format!("shop_request_duration_ms{{{labels}}} records 12"),
        r#"shop_requests_in_flight{reporter="destination",request_operation="getOrder"} +1 while in flight"#.to_owned(),
        r#"shop_slo_total{slo="fast"} +1"#.to_owned(),
        r#"shop_plans_total{plan="paid",zone="unknown"} +250"#.to_owned(),
        format!("trace 0af7651916cd43dd8448eb211c80319c is sampled: decided by the caller's traceparent; span {span} goes to otel"),
        "proxy log: logged as an error or a slow stream, unless maxPerSecond is used up".to_owned(),
        "log records for otel: logged as an error or a slow stream, unless maxPerSecond is used up".to_owned(),
        "expressions that failed or read a missing attribute: 1".to_owned(),
    ];
    let shown: Vec<String> = explained.to_string().lines().map(str::to_owned).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_default_configuration_is_explained() {
    let shown = lines(&json!({}), &described(200, &[]));
    assert_eq!(shown[..2], ["no error", "weir_telemetry_requests_total +1"]);
    assert!(shown.contains(&"weir_telemetry_requests_2xx_total +1".to_owned()), "{shown:?}");
    assert_eq!(
        shown[shown.len() - 3..],
        [
            "no trace: no entry of tracing matches this listener",
            "no log: no entry of accessLogging matches this listener",
            "expressions that failed or read a missing attribute: 0",
        ]
    );
}

#[test]
fn sampling_decisions_are_explained() {
    let document = |percent: u32| {
        json!({
            "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "c"}}],
            "tracing": {"acceptB3": true, "randomSamplingPercentage": percent, "sampling": [
                {"filter": {"match": [{"headers": {"x-debug": {}}}]}, "percentage": {"value": 100}},
                {"filter": {"expression": "request.url_path == '/quiet'"}, "percentage": {"value": 0}}]},
        })
    };
    let unsampled = CALLER.replace("-01", "-00");
    let share = "the low 56 bits of its id are";
    for (headers, percent, expected) in [
        (
            &[("traceparent", CALLER)][..],
            0,
            "is sampled: decided by the caller's traceparent; span ",
        ),
        (
            &[("traceparent", &*unsampled)],
            100,
            "is not sampled: decided by the caller's traceparent; no span",
        ),
        (&[("b3", "0")], 100, "is not sampled: decided by the caller's B3 headers; no span"),
        (
            &[("x-debug", "1")],
            0,
            &*format!("is sampled: {share} below the threshold of sampling[0]; span "),
        ),
        (
            &[],
            100,
            &*format!("is sampled: {share} below the threshold of randomSamplingPercentage; span "),
        ),
        (
            &[],
            0,
            &*format!(
                "is not sampled: {share} not below the threshold of randomSamplingPercentage; no span"
            ),
        ),
        (
            &[("traceparent", "x")],
            0,
            &*format!(
                "is not sampled: {share} not below the threshold of randomSamplingPercentage; no span"
            ),
        ),
    ] {
        let shown = lines(&document(percent), &described(200, headers));
        assert!(
            shown.iter().any(|line| line.contains(expected)),
            "{headers:?} {percent}: {shown:#?}"
        );
        let is_invalid = headers.first().is_some_and(|(_, value)| *value == "x");
        let invalid = "the caller's traceparent is invalid, so a new trace starts".to_owned();
        assert_eq!(shown.contains(&invalid), is_invalid);
    }
    let mut quiet = described(200, &[]);
    quiet.request.headers.remove(":path");
    quiet.request.headers.push(":path", "/quiet?x");
    let shown = lines(&document(100), &quiet).join("\n");
    assert!(shown.contains("not below the threshold of sampling[1]; no span"), "{shown}");
}

#[test]
fn restarted_traces_are_sampled_by_percentage() {
    let document = json!({
        "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "c"}}],
        "tracing": {"remoteContext": "RESTART", "randomSamplingPercentage": 100},
    });
    let shown = lines(&document, &described(200, &[("traceparent", CALLER)])).join("\n");
    assert!(shown.contains("below the threshold of randomSamplingPercentage; span "), "{shown}");
    assert!(!shown.contains("0af7651916cd43dd8448eb211c80319c"), "{shown}");
}

#[test]
fn log_decisions_are_explained() {
    let document = json!({"accessLogging": {
        "filter": {"expression": "request.headers['x-log'] == '1'"},
        "percentage": {"value": 10}, "always": {"errors": true, "slowerThan": "1s"}}});
    for (status, header, draw, expected) in [
        (200, Some("1"), 99_999, "logged, unless maxPerSecond is used up"),
        (200, Some("1"), 100_000, "not logged: not sampled by percentage"),
        (
            500,
            Some("1"),
            999_999,
            "logged as an error or a slow stream, unless maxPerSecond is used up",
        ),
        (500, Some("0"), 0, "not logged: the filter does not match"),
        (500, None, 0, "not logged: the filter failed or read a missing attribute"),
    ] {
        let headers: Vec<_> = header.map(|value| ("x-log", value)).into_iter().collect();
        let stream = StreamDescription { draw, ..described(status, &headers) };
        let shown = lines(&document, &stream);
        assert!(shown.contains(&format!("proxy log: {expected}")), "{shown:#?}");
        let failures = u32::from(header.is_none());
        let last = format!("expressions that failed or read a missing attribute: {failures}");
        assert_eq!(shown.last(), Some(&last));
    }
}

#[test]
fn headers_and_queries_are_not_shown() {
    let document = json!({"metrics": {"labels": true},
        "operations": [{"pathTemplate": "/orders/{id}"}], "tracing": {}, "accessLogging": {}});
    let stream = described(200, &[("authorization", "Bearer secret"), ("cookie", "secret")]);
    let shown = lines(&document, &stream).join("\n");
    assert!(!shown.contains("secret") && !shown.contains("?x"), "{shown}");
}

#[test]
fn checked_headers_are_never_missing() {
    let value = "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'";
    let document = json!({"metrics": {"labels": true,
        "definitions": [{"name": "x", "dimensions": {"tenant": value}}]}});
    for (headers, tenant) in [(&[("x-tenant", "a")][..], "a"), (&[], "none")] {
        let shown = lines(&document, &described(200, headers));
        let series = format!("weir_telemetry_x_total{{tenant=\"{tenant}\"}} +1");
        assert!(shown.contains(&series), "{shown:#?}");
        let none = "expressions that failed or read a missing attribute: 0".to_owned();
        assert_eq!(shown.last(), Some(&none));
    }
}
