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

/// A stream that was answered with this status after 12 ms.
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
fn the_whole_of_it_is_told() {
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
        r#"shop_requests_in_flight{reporter="destination",request_operation="getOrder"} +1 while it runs"#.to_owned(),
        r#"shop_slo_total{slo="fast"} +1"#.to_owned(),
        r#"shop_plans_total{plan="paid",zone="unknown"} +250"#.to_owned(),
        format!("trace 0af7651916cd43dd8448eb211c80319c is sampled: the caller's traceparent says so; span {span} goes to otel"),
        "log of the proxy: logged, as an error or as slow, unless maxPerSecond is used up".to_owned(),
        "log records for otel: logged, as an error or as slow, unless maxPerSecond is used up".to_owned(),
        "expressions that failed or missed an attribute: 1".to_owned(),
    ];
    let told: Vec<String> = explained.to_string().lines().map(str::to_owned).collect();
    assert_eq!(told, expected);
}

#[test]
fn nothing_configured_is_told_too() {
    let told = lines(&json!({}), &described(200, &[]));
    assert_eq!(told[..2], ["no error", "weir_telemetry_requests_total +1"]);
    assert!(told.contains(&"weir_telemetry_requests_2xx_total +1".to_owned()), "{told:?}");
    assert_eq!(
        told[told.len() - 3..],
        [
            "no trace: no entry of tracing is for this listener",
            "no log: no entry of accessLogging is for this listener",
            "expressions that failed or missed an attribute: 0",
        ]
    );
}

#[test]
fn who_decides_about_a_trace_is_told() {
    let document = |percent: u32| {
        json!({
            "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "c"}}],
            "tracing": {"acceptB3": true, "randomSamplingPercentage": percent, "sampling": [
                {"filter": {"match": [{"headers": {"x-debug": {}}}]}, "percentage": {"value": 100}},
                {"filter": {"expression": "request.url_path == '/quiet'"}, "percentage": {"value": 0}}]},
        })
    };
    let unsampled = CALLER.replace("-01", "-00");
    let share = "the low 56 bits of its number are";
    for (headers, percent, said) in [
        (&[("traceparent", CALLER)][..], 0, "is sampled: the caller's traceparent says so; span "),
        (
            &[("traceparent", &*unsampled)],
            100,
            "is not sampled: the caller's traceparent says so; no span",
        ),
        (&[("b3", "0")], 100, "is not sampled: the caller's B3 headers say so; no span"),
        (
            &[("x-debug", "1")],
            0,
            &*format!("is sampled: {share} below the share of sampling[0]; span "),
        ),
        (
            &[],
            100,
            &*format!("is sampled: {share} below the share of randomSamplingPercentage; span "),
        ),
        (
            &[],
            0,
            &*format!(
                "is not sampled: {share} not below the share of randomSamplingPercentage; no span"
            ),
        ),
        (
            &[("traceparent", "x")],
            0,
            &*format!(
                "is not sampled: {share} not below the share of randomSamplingPercentage; no span"
            ),
        ),
    ] {
        let told = lines(&document(percent), &described(200, headers));
        assert!(told.iter().any(|line| line.contains(said)), "{headers:?} {percent}: {told:#?}");
        let is_invalid = headers.first().is_some_and(|(_, value)| *value == "x");
        let nonsense = "the caller's traceparent makes no sense, so a trace begins".to_owned();
        assert_eq!(told.contains(&nonsense), is_invalid);
    }
    let mut quiet = described(200, &[]);
    quiet.request.headers.remove(":path");
    quiet.request.headers.push(":path", "/quiet?x");
    let told = lines(&document(100), &quiet).join("\n");
    assert!(told.contains("not below the share of sampling[1]; no span"), "{told}");
}

#[test]
fn a_restarted_trace_is_decided_by_its_share() {
    let document = json!({
        "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "c"}}],
        "tracing": {"remoteContext": "RESTART", "randomSamplingPercentage": 100},
    });
    let told = lines(&document, &described(200, &[("traceparent", CALLER)])).join("\n");
    assert!(told.contains("below the share of randomSamplingPercentage; span "), "{told}");
    assert!(!told.contains("0af7651916cd43dd8448eb211c80319c"), "{told}");
}

#[test]
fn why_a_stream_is_logged_or_not_is_told() {
    let document = json!({"accessLogging": {
        "filter": {"expression": "request.headers['x-log'] == '1'"},
        "percentage": {"value": 10}, "always": {"errors": true, "slowerThan": "1s"}}});
    for (status, header, draw, said) in [
        (200, Some("1"), 99_999, "logged, unless maxPerSecond is used up"),
        (200, Some("1"), 100_000, "left out: not in the share of percentage"),
        (500, Some("1"), 999_999, "logged, as an error or as slow, unless maxPerSecond is used up"),
        (500, Some("0"), 0, "left out: the filter does not hold"),
        (500, None, 0, "left out: the filter fails or misses an attribute"),
    ] {
        let headers: Vec<_> = header.map(|value| ("x-log", value)).into_iter().collect();
        let stream = StreamDescription { draw, ..described(status, &headers) };
        let told = lines(&document, &stream);
        assert!(told.contains(&format!("log of the proxy: {said}")), "{told:#?}");
        let failures = u32::from(header.is_none());
        let last = format!("expressions that failed or missed an attribute: {failures}");
        assert_eq!(told.last(), Some(&last));
    }
}

#[test]
fn no_header_and_no_query_is_told() {
    let document = json!({"metrics": {"labels": true},
        "operations": [{"pathTemplate": "/orders/{id}"}], "tracing": {}, "accessLogging": {}});
    let stream = described(200, &[("authorization", "Bearer secret"), ("cookie", "secret")]);
    let told = lines(&document, &stream).join("\n");
    assert!(!told.contains("secret") && !told.contains("?x"), "{told}");
}

#[test]
fn a_header_that_is_asked_for_first_is_never_missing() {
    let value = "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'";
    let document = json!({"metrics": {"labels": true,
        "definitions": [{"name": "x", "dimensions": {"tenant": value}}]}});
    for (headers, tenant) in [(&[("x-tenant", "a")][..], "a"), (&[], "none")] {
        let told = lines(&document, &described(200, headers));
        let series = format!("weir_telemetry_x_total{{tenant=\"{tenant}\"}} +1");
        assert!(told.contains(&series), "{told:#?}");
        let none = "expressions that failed or missed an attribute: 0".to_owned();
        assert_eq!(told.last(), Some(&none));
    }
}
