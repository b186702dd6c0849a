#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde_json::{Value, json};

use super::Config;
use crate::Policy;

mod pasted;
#[cfg(not(target_arch = "wasm32"))]
mod schema;

/// Returns the error about a document, or "accepted".
fn result(document: &Value) -> String {
    let compiled = parse_config::<Config>(document.to_string().as_bytes())
        .and_then(|config| Policy::new(&config).map(|_| ()));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled.map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
}

fn entry(entry: Value) -> Value {
    json!({"http": [entry]})
}

fn delay(delay: Value) -> Value {
    entry(json!({"fault": {"delay": delay}}))
}

fn abort(abort: Value) -> Value {
    entry(json!({"fault": {"abort": abort}}))
}

fn response(response: Value) -> Value {
    entry(json!({"fault": {"response": response}}))
}

#[track_caller]
fn check(cases: Vec<(Value, &str)>) {
    for (document, message) in cases {
        assert_eq!(result(&document), message, "{document}");
    }
}

#[test]
fn accepts_every_form() {
    let percentage = json!({"value": 0.5});
    let jwt = json!([{"claims": {"chaos": {"exact": "true"}}}]);
    for document in [
        json!({}),
        json!({"http": [], "maxDelay": "1h", "maxActiveFaults": 1.0, "maxFaultsPerSecond": 5,
            "successCriteria": {"maxErrorRate": {"value": 1}}, "markHeader": "x-fault",
            "metrics": {"labels": true}, "dryRun": true, "schedule": {}}),
        delay(json!({"percentage": percentage, "fixedDelay": "1h"})),
        delay(json!({"percent": 10, "fixedDelay": "1ms"})),
        delay(json!({"uniformDelay": {"min": "0ms", "max": "1s"}, "phase": "RESPONSE"})),
        delay(json!({"normalDelay": {"mean": "1s", "stddev": "100ms"}})),
        delay(json!({"exponentialDelay": "400ms"})),
        delay(json!({"paretoDelay": {"scale": "100ms", "shape": 1.5}})),
        delay(json!({"percentileDelay": [{"percentile": 50, "delay": "20ms"},
            {"percentile": 99.9, "delay": "1s"}, {"percentile": 100, "delay": "2s"}]})),
        entry(json!({"match": jwt, "fault": {"delay": {"headerDelay": {}}, "abort":
            {"headerAbort": {}}, "responseRateLimit": {"headerLimit": {}}}})),
        abort(json!({"httpStatus": 503.0, "body": {"bytes": "AAEC"}, "grpcMessage": "no",
            "headers": {"response": {"set": {"retry-after": "3"}, "add": {"x": "y"}}}})),
        abort(json!({"grpcStatus": "DATA_LOSS", "phase": "RESPONSE"})),
        abort(json!({"reset": {}})),
        response(json!({"httpStatus": 500, "body": {"string": ""}})),
        response(json!({"headers": {"response": {"remove": ["etag"]}}})),
        response(json!({"truncateAfter": 0})),
        response(json!({"resetAfter": 1_073_741_824})),
        entry(json!({"fault": {"responseRateLimit": {"fixedLimit": {"limitKbps": 64}}}})),
        entry(json!({"name": "a", "consistentHash": {"httpHeaderName": "x-request-id"},
            "fault": {"abort": {"httpStatus": 503}}})),
    ] {
        assert_eq!(result(&document), "accepted", "{document}");
    }
}

#[test]
fn checks_top_level_fields() {
    check(vec![
        (json!({"maxDelay": "2h"}), r#"maxDelay: must be between 1ms and 1h, got "2h""#),
        (
            json!({"maxActiveFaults": 0}),
            "maxActiveFaults: must be a whole number from 1 to 100000, got 0",
        ),
        (
            json!({"maxFaultsPerSecond": 0.5}),
            "maxFaultsPerSecond: must be a whole number from 1 to 1000000, got 0.5",
        ),
        (
            json!({"markHeader": ":status"}),
            r#"markHeader: must be a header name, not a pseudo-header, got ":status""#,
        ),
        (
            json!({"markHeader": "Content-Length"}),
            r#"markHeader: must not be a header that describes the body, got "content-length""#,
        ),
        (
            json!({"markHeader": "upgrade"}),
            r#"markHeader: must not be a hop-by-hop header, got "upgrade""#,
        ),
        (
            json!({"pathNormalization": "base"}),
            r#"pathNormalization: must be one of `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`, got "base""#,
        ),
        (
            json!({"selector": {}}),
            "selector: must not be given: it belongs to the WasmPlugin, not to pluginConfig",
        ),
    ]);
    let many: Vec<Value> =
        (0..1_025).map(|n| json!({"match": [{"uri": {"exact": format!("/{n}")}}]})).collect();
    assert_eq!(result(&json!({"http": many})), "http: must have at most 1024 rules, got 1025");
}

#[test]
fn checks_entries() {
    let faulty = json!({"abort": {"httpStatus": 503}});
    check(vec![
        (
            entry(json!({"fault": {}})),
            "http[0].fault: must have at least one of delay, abort, response and responseRateLimit",
        ),
        (
            entry(json!({"name": "é"})),
            r#"http[0].name: must be 1 to 128 characters of printable ASCII, got "é""#,
        ),
        (
            json!({"http": [{"name": "a-b", "match": [{"uri": {"exact": "/a"}}]}, {"name": "a.b"}]}),
            r#"http[1].name: must be unique, also with special characters replaced by _ in metrics, got "a.b" as in http[0]"#,
        ),
        (
            entry(json!({"salt": "x", "fault": faulty})),
            "http[0].salt: must not be given without consistentHash",
        ),
        (
            entry(json!({"consistentHash": {"useSourceIp": true}, "fault": faulty})),
            "http[0].consistentHash: must be given with name or salt: otherwise a new entry would reassign the keys",
        ),
        (
            entry(
                json!({"name": "a", "consistentHash": {"httpCookie": {"name": "c", "ttl": "1h"}}}),
            ),
            "http[0].consistentHash.httpCookie.ttl: must not be given: faults issue no cookies",
        ),
        (
            json!({"schedule": {"startsAt": "2026-01-01T00:00:00Z", "rampUp": "1m"}, "http": [
                {"schedule": {"startsAt": "2026-01-01T00:00:00Z", "rampUp": "1m"}}]}),
            "http[0].schedule.rampUp: must not be given: the top-level schedule has a rampUp",
        ),
        (
            json!({"http": [{"fault": faulty}, {"match": [{"uri": {"prefix": "/"}}]}]}),
            "http[1].match: can never match, because http[0] always does before it",
        ),
    ]);
    for field in ["route", "timeout", "retries", "rewrite", "mirror", "headers", "redirect"] {
        let message = format!("http[0].{field}: must not be given: it stays in the VirtualService");
        assert_eq!(result(&entry(json!({field: {}}))), message);
    }
    for (field, stem) in [
        ("port", "match.ports"),
        ("sourceLabels", "source.principal"),
        ("sourceNamespace", "source.principal"),
        ("gateways", "selector"),
        ("statPrefix", "metrics carry"),
    ] {
        let message = result(&entry(json!({"match": [{field: 1}]})));
        assert!(
            message.starts_with(&format!("http[0].match[0].{field}: ")) && message.contains(stem),
            "{message}"
        );
    }
}

#[test]
fn checks_delays() {
    let kinds = "http[0].fault.delay: must have exactly one of fixedDelay, uniformDelay, normalDelay, exponentialDelay, paretoDelay, percentileDelay and headerDelay, got";
    let rows = |rows: Value| delay(json!({"percentileDelay": rows}));
    let row = |percentile: f64, length: &str| json!({"percentile": percentile, "delay": length});
    let within_max = "must be at most maxDelay";
    check(vec![
        (delay(json!({})), &format!("{kinds} 0")),
        (delay(json!({"fixedDelay": "1s", "exponentialDelay": "1s"})), &format!("{kinds} 2")),
        (
            delay(json!({"fixedDelay": "1500us"})),
            "http[0].fault.delay.fixedDelay: must be whole milliseconds, as in Istio, got 1.5ms",
        ),
        (
            delay(json!({"fixedDelay": "0ms"})),
            r#"http[0].fault.delay.fixedDelay: must be between 1ms and 1h, got "0ms""#,
        ),
        (
            delay(json!({"fixedDelay": 5})),
            "http[0].fault.delay.fixedDelay: must be a duration such as 250ms or 1h30m, got 5",
        ),
        (
            delay(json!({"fixedDelay": "1s", "percent": 5, "percentage": {"value": 5}})),
            "http[0].fault.delay: must have at most one of percentage and percent",
        ),
        (
            delay(json!({"fixedDelay": "1s", "percent": 101})),
            "http[0].fault.delay.percent: must be 0, or from 0.0001 to 100, got 101",
        ),
        (
            delay(json!({"fixedDelay": "1s", "percentage": {"value": 101}})),
            "http[0].fault.delay.percentage.value: must be 0, or from 0.0001 to 100, got 101",
        ),
        (
            delay(json!({"uniformDelay": {"min": "1s", "max": "1s"}})),
            "http[0].fault.delay.uniformDelay: must have min below max",
        ),
        (
            delay(json!({"uniformDelay": {"min": "31s", "max": "1m"}})),
            &format!("http[0].fault.delay.uniformDelay.min: {within_max}"),
        ),
        (
            delay(json!({"normalDelay": {"mean": "31s", "stddev": "1s"}})),
            &format!("http[0].fault.delay.normalDelay.mean: {within_max}"),
        ),
        (
            delay(json!({"exponentialDelay": "31s"})),
            &format!("http[0].fault.delay.exponentialDelay: {within_max}"),
        ),
        (
            delay(json!({"paretoDelay": {"scale": "31s", "shape": 1}})),
            &format!("http[0].fault.delay.paretoDelay.scale: {within_max}"),
        ),
        (
            delay(json!({"paretoDelay": {"scale": "1s", "shape": 0}})),
            "http[0].fault.delay.paretoDelay.shape: must be above 0 and at most 100, got 0",
        ),
        (
            rows(json!([row(100.0, "1s")])),
            "http[0].fault.delay.percentileDelay: must have 2 to 32 rows, got 1",
        ),
        (
            rows(json!([row(50.0, "1s"), row(99.0, "2s")])),
            "http[0].fault.delay.percentileDelay: must end with percentile 100",
        ),
        (
            rows(json!([row(50.0, "1s"), row(50.0, "1s"), row(100.0, "1s")])),
            "http[0].fault.delay.percentileDelay[1].percentile: must be above the one before it",
        ),
        (
            rows(json!([row(50.0, "2s"), row(100.0, "1s")])),
            "http[0].fault.delay.percentileDelay[1].delay: must not be below the one before it",
        ),
        (
            rows(json!([row(50.0, "2s"), row(100.0, "31s")])),
            &format!("http[0].fault.delay.percentileDelay[1].delay: {within_max}"),
        ),
        (
            delay(json!({"headerDelay": {}})),
            "http[0].fault.delay.headerDelay: must have a match that restricts the clients, by source.principal, source.ip or claims",
        ),
        (
            delay(json!({"fixedDelay": "1s", "phase": "request"})),
            "http[0].fault.delay.phase: must be `REQUEST` or `RESPONSE`, got \"request\"",
        ),
    ]);
}

#[test]
fn checks_aborts() {
    let kinds = "http[0].fault.abort: must have exactly one of httpStatus, grpcStatus, headerAbort and reset, got";
    let status = "http[0].fault.abort.httpStatus: must be a whole number from 200 to 599";
    check(vec![
        (abort(json!({})), &format!("{kinds} 0")),
        (abort(json!({"httpStatus": 503, "grpcStatus": "UNAVAILABLE"})), &format!("{kinds} 2")),
        (abort(json!({"httpStatus": 600})), &format!("{status}, got 600")),
        (abort(json!({"httpStatus": 199})), &format!("{status}, got 199")),
        (
            abort(json!({"grpcStatus": 14})),
            "http[0].fault.abort.grpcStatus: must be the name of a gRPC status such as UNAVAILABLE, got 14: write UNAVAILABLE",
        ),
        (
            abort(json!({"grpcStatus": "unavailable"})),
            r#"http[0].fault.abort.grpcStatus: must be the name of a gRPC status such as UNAVAILABLE, got "unavailable""#,
        ),
        (
            abort(json!({"httpStatus": 503, "percent": 5})),
            "http[0].fault.abort.percent: must not be given: use percentage, such as {value: 1}",
        ),
        (
            abort(json!({"http2Error": "REFUSED_STREAM", "reset": {}})),
            "http[0].fault.abort.http2Error: must not be given: a filter cannot set the error code, use reset: {}",
        ),
        (
            abort(json!({"reset": {}, "body": {"string": "x"}})),
            "http[0].fault.abort: must not have body, headers or grpcMessage together with reset",
        ),
        (
            abort(json!({"reset": {}, "grpcMessage": "x"})),
            "http[0].fault.abort: must not have body, headers or grpcMessage together with reset",
        ),
        (
            abort(json!({"httpStatus": 503, "body": {}})),
            "http[0].fault.abort.body: must have exactly one of string and bytes",
        ),
        (
            abort(json!({"httpStatus": 503, "body": {"bytes": "?"}})),
            "http[0].fault.abort.body: must have base64 in bytes",
        ),
        (
            abort(json!({"httpStatus": 503, "body": {"string": "x".repeat(65_537)}})),
            "http[0].fault.abort.body: must be at most 64 KiB",
        ),
        (
            abort(json!({"httpStatus": 503, "headers": {"request": {"set": {"a": "b"}}}})),
            "http[0].fault.abort.headers: must have response.set and response.add only",
        ),
        (
            abort(json!({"httpStatus": 503, "headers": {"response": {"remove": ["a"]}}})),
            "http[0].fault.abort.headers: must have response.set and response.add only",
        ),
        (
            abort(json!({"httpStatus": 503, "grpcMessage": "a\nb"})),
            r#"http[0].fault.abort.grpcMessage: must be at most 1024 bytes of printable ASCII, got "a\nb""#,
        ),
        (
            abort(json!({"headerAbort": {}})),
            "http[0].fault.abort.headerAbort: must have a match that restricts the clients, by source.principal, source.ip or claims",
        ),
    ]);
}

#[test]
fn checks_changes_and_rates() {
    let rate = |rate: Value| entry(json!({"fault": {"responseRateLimit": rate}}));
    check(vec![
        (
            response(json!({})),
            "http[0].fault.response: must have at least one of httpStatus, headers, body, truncateAfter and resetAfter",
        ),
        (
            response(json!({"truncateAfter": 1, "resetAfter": 2})),
            "http[0].fault.response: must have at most one of body, truncateAfter and resetAfter",
        ),
        (
            response(json!({"httpStatus": 500, "headers": {"request": {"remove": ["a"]}}})),
            "http[0].fault.response.headers.request: must not be given: only the response can be changed",
        ),
        (
            response(json!({"truncateAfter": 1_073_741_825})),
            "http[0].fault.response.truncateAfter: must be a whole number from 0 to 1073741824, got 1073741825",
        ),
        (
            response(json!({"httpStatus": 99})),
            "http[0].fault.response.httpStatus: must be a whole number from 200 to 599, got 99",
        ),
        (
            rate(json!({})),
            "http[0].fault.responseRateLimit: must have exactly one of fixedLimit and headerLimit, got 0",
        ),
        (
            rate(json!({"fixedLimit": {"limitKbps": 0}})),
            "http[0].fault.responseRateLimit.fixedLimit.limitKbps: must be a whole number from 1 to 1048576, got 0",
        ),
        (
            rate(json!({"headerLimit": {}})),
            "http[0].fault.responseRateLimit.headerLimit: must have a match that restricts the clients, by source.principal, source.ip or claims",
        ),
    ]);
}
