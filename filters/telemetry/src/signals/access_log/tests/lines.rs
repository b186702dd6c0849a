//! Contents of lines.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// A value for every attribute of the standard fields.
fn all_attributes() -> Vec<(&'static str, Value)> {
    vec![
        ("request.time", Value::Timestamp(1_795_242_368_120_456_789)),
        ("request.method", Value::text("GET")),
        ("request.path", Value::text("/orders/7?token=secret#x")),
        ("request.host", Value::text("shop.example.com")),
        ("request.protocol", Value::text("HTTP/2")),
        ("response.code_details", Value::text("via_upstream")),
        ("response.flags", Value::Int(0x20)),
        ("upstream.address", Value::text("10.0.0.7:8080")),
        ("xds.cluster_name", Value::text("outbound|80||shop")),
        ("xds.route_name", Value::text("default")),
        ("source.address", Value::text("192.0.2.9:4711")),
        ("request.headers['x-forwarded-for']", Value::text("192.0.2.9")),
        ("request.useragent", Value::text("curl/8")),
        ("request.id", Value::text("3f-1")),
        ("weir.operation", Value::text("getOrder")),
        ("weir.traceId", Value::text("0af7651916cd43dd8448eb211c80319c")),
        ("weir.spanId", Value::text("b7ad6b7169203331")),
    ]
}

#[test]
fn standard_fields_have_a_fixed_order() {
    let expected = concat!(
        r#"{"start_time":"2026-11-21T06:26:08.120Z","method":"GET","path":"/orders/7","#,
        r#""authority":"shop.example.com","protocol":"HTTP/2","response_code":200,"#,
        r#""response_code_details":"via_upstream","response_flags":"UF","bytes_received":3,"#,
        r#""bytes_sent":5,"duration":12,"upstream_host":"10.0.0.7:8080","#,
        r#""upstream_cluster":"outbound|80||shop","route_name":"default","#,
        r#""downstream_remote_address":"192.0.2.9:4711","x_forwarded_for":"192.0.2.9","#,
        r#""user_agent":"curl/8","request_id":"3f-1","#,
        r#""trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","error":false}"#,
    );
    assert_eq!(written("{}", &record(), &all_attributes()), expected);
}

#[test]
fn missing_values_are_left_out() {
    let record = Record { status: None, ..record() };
    let flags = [("response.flags", Value::Int(0)), ("xds.route_name", Value::text(""))];
    let expected = r#"{"bytes_received":3,"bytes_sent":5,"duration":12,"error":false}"#;
    assert_eq!(written("{}", &record, &flags), expected);
}

#[test]
fn the_path_is_the_original_one() {
    let mut values = all_attributes();
    values.push(("request.headers['x-envoy-original-path']", Value::text("/asked?q=1")));
    let line = written("{}", &record(), &values);
    assert!(line.contains(r#""path":"/asked","#), "{line}");
}

#[test]
fn fields_are_added_changed_redacted_and_removed() {
    let document = json!({"fields": {
        "zone": {"value": "'eu'"},
        "api": {"value": "request.host + '/' + request.method"},
        "path": {"value": "request.path"},
        "downstream_remote_address": {"redact": "TRUNCATE_IP"},
        "user": {"value": "request.auth.claims['sub']", "redact": "HASH"},
        "request_id": {"redact": "MASK"},
        "user_agent": {"operation": "REMOVE"},
        "absent": {"operation": "REMOVE"},
        "start_time": {"operation": "REMOVE"},
        "seconds": {"value": "request.duration"},
        "ratio": {"value": "double(response.code) / 3.0"},
        "operation": {"value": "weir.operation"},
    }});
    let mut values = all_attributes();
    values.push(("request.auth.claims['sub']", Value::text("alice")));
    values.push(("request.duration", Value::Duration(1_500_000)));
    values.push(("response.code", Value::Int(3)));
    let line = written(&document.to_string(), &record(), &values);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let hash = Redactor::new(b"0123456789abcdef").unwrap();
    for (name, value) in [
        ("zone", json!("eu")),
        ("api", json!("shop.example.com/GET")),
        ("path", json!("/orders/7?token=secret#x")),
        ("downstream_remote_address", json!("192.0.2.0")),
        ("user", json!(hash.redact(crate::config::Redaction::Hash, b"alice"))),
        ("request_id", json!("***")),
        ("user_agent", json!(null)),
        ("start_time", json!(null)),
        ("seconds", json!(1.5)),
        ("ratio", json!(1.0)),
        ("operation", json!("getOrder")),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
}

#[test]
fn added_fields_follow_the_standard_ones_by_name() {
    let document = r#"{"fields": {"b": {"value": "'2'"}, "a": {"value": "'1'"}}}"#;
    let line = written(document, &record(), &[]);
    assert!(line.ends_with(r#""error":false,"a":"1","b":"2"}"#), "{line}");
}

#[test]
fn hostile_bytes_are_escaped() {
    let values = [
        ("request.useragent", Value::Text(b"a\"}\n{\"x\":1\x00\x1b[2J\xff\xc3".to_vec())),
        ("request.host", Value::text("\u{2028}é")),
        ("request.id", Value::text("\u{7f}\u{85}\u{2029}\u{202e}\u{feff}\u{e0041}中")),
    ];
    let line = written("{}", &record(), &values);
    assert_eq!(line.lines().count(), 1);
    assert!(line.chars().all(filter_core::is_visible), "{line}");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["user_agent"], json!("a\"}\n{\"x\":1\u{0}\u{1b}[2J\u{fffd}\u{fffd}"));
    assert_eq!(line["authority"], json!("\u{2028}é"));
    assert_eq!(line["request_id"], json!("\u{7f}\u{85}\u{2029}\u{202e}\u{feff}\u{e0041}中"));
}

#[test]
fn long_lines_are_truncated() {
    let mut values = all_attributes();
    values.retain(|(name, _)| !["request.useragent", "request.path"].contains(name));
    values.push(("request.useragent", Value::Text(vec![b'u'; 60_000])));
    values.push(("request.path", Value::Text(vec![b'"'; 5_000])));
    let line = written("{}", &record(), &values);
    assert!((8_000..=8_192).contains(&line.len()), "{}", line.len());
    assert!(line.ends_with(r#""truncated":true}"#));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["authority"], json!("shop.example.com"));
    assert_eq!(line["path"].as_str().map(str::len), line["user_agent"].as_str().map(str::len));
}

#[test]
fn otlp_records_have_no_duplicate_fields() {
    let document = r#"{"providers": [{"name": "otel"}]}"#;
    let line = written(document, &record(), &all_attributes());
    for name in ["start_time", "trace_id", "span_id"] {
        assert!(!line.contains(name), "{line}");
    }
    let kept =
        r#"{"providers": [{"name": "otel"}], "fields": {"trace_id": {"value": "weir.traceId"}}}"#;
    assert!(written(kept, &record(), &all_attributes()).contains("trace_id"));
}

#[test]
fn attributes_are_read_at_the_end() {
    let (_, reads) = log(r#"{"filter": {"expression": "request.headers['x'] == '1'"}}"#);
    assert_eq!(reads.early().count(), 0);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_line_is_json_of_at_most_8_kib(
            agent in prop::collection::vec(any::<u8>(), 0..12_000),
            path in prop::collection::vec(any::<u8>(), 0..12_000),
            host in "(\\PC|[\u{7f}-\u{9f}\u{2028}\u{202e}\u{e0041}]){0,3000}",
        ) {
            let values = [
                ("request.useragent", Value::Text(agent.clone())),
                ("request.path", Value::Text(path)),
                ("request.host", Value::text(&host)),
                ("request.id", Value::Text(agent)),
            ];
            let line = written("{}", &record(), &values);
            prop_assert!(line.len() <= 8_192);
            prop_assert!(line.chars().all(filter_core::is_visible));
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(&parsed["bytes_sent"], &json!(5));
        }
    }
}
