#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Headers;

use super::*;
use crate::{
    config::{Redaction, entry::Mode, tracing::RemoteContext},
    export::otlp::Value,
    expression::{AttributeTable, Expression, Phase, ResultKind, Slot},
    signals::tracing::{Tag, TagSource, Threshold, TracerState},
    trace_context::Propagation,
};

/// A stream without attributes.
struct NoAttributes;

impl Attributes for NoAttributes {
    fn value(&self, _slot: Slot) -> Option<&crate::expression::Value> {
        None
    }
}

fn tracer(tags: Vec<Tag>) -> Tracer {
    Tracer {
        mode: Mode::ClientAndServer,
        provider: Some(0),
        threshold: Threshold::from_millionths(1_000_000),
        sampling: Vec::new(),
        has_spans: true,
        propagates: true,
        istio_tags: true,
        remote_context: RemoteContext::Trust,
        accepted_formats: &[Propagation::W3c],
        spans_per_second: 1_000,
        tags,
    }
}

fn headers() -> Headers {
    Headers::from_iter([
        (":method", "GET"),
        (":path", "/orders/7?token=secret"),
        (":scheme", "https"),
        (":authority", "shop.example.com:8443"),
        ("user-agent", "curl/8"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "a=1"),
        ("x-user", "alice"),
    ])
}

fn seen(headers: &Headers) -> SpanInputs<'_> {
    SpanInputs {
        headers,
        began: Duration::from_secs(10),
        source: b"192.0.2.7:4711".to_vec(),
        protocol: b"HTTP/1.1".to_vec(),
        flags: 0,
        details: b"via_upstream".to_vec(),
        cluster: b"outbound|80||shop".to_vec(),
    }
}

fn record(status: u16) -> Record {
    Record {
        status: Some(status),
        duration: Duration::from_millis(5),
        request_bytes: 3,
        response_bytes: 4,
        ..Record::default()
    }
}

fn outcome(record: &Record) -> StreamOutcome<'_> {
    StreamOutcome { record, operation: Some("getOrder"), is_error: false, is_client: false }
}

fn make_from(
    tracer: &Tracer,
    headers: &Headers,
    outcome: &StreamOutcome<'_>,
    flags: u64,
) -> Span<'static> {
    let mut worker = TracerState::new(1, tracer);
    let trace = tracer.begin(headers, &mut worker, Duration::ZERO, || tracer.threshold).trace;
    let seen = SpanInputs { flags, ..seen(headers) };
    let redactor = Redactor::new(&[7; 32]).unwrap();
    owned(tracer.span(&trace, &seen, outcome, &NoAttributes, &redactor, 64).0)
}

fn make(tracer: &Tracer, outcome: &StreamOutcome<'_>) -> Span<'static> {
    make_from(tracer, &headers(), outcome, 0)
}

/// Returns a span with owned values.
fn owned(span: Span<'_>) -> Span<'static> {
    let attributes = span.attributes.into_iter().map(|Attribute { key, value }| {
        let value = match value {
            Value::Text(text) => text.into_owned().into(),
            Value::Bool(value) => value.into(),
            Value::Int(number) => number.into(),
            Value::Double(number) => number.into(),
        };
        Attribute { key: key.into_owned().into(), value }
    });
    Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        trace_state: span.trace_state.into_owned().into(),
        parent_span_id: span.parent_span_id,
        name: span.name.into_owned().into(),
        kind: span.kind,
        start_time_unix_nano: span.start_time_unix_nano,
        end_time_unix_nano: span.end_time_unix_nano,
        attributes: attributes.collect(),
        link: span.link,
        is_failed: span.is_failed,
        flags: span.flags,
    }
}

fn value(span: &Span<'static>, key: &str) -> Option<Value<'static>> {
    span.attributes
        .iter()
        .find(|attribute| attribute.key == key)
        .map(|attribute| attribute.value.clone())
}

#[test]
fn spans_follow_the_semantic_conventions() {
    let span = make(&tracer(Vec::new()), &outcome(&record(200)));
    assert_eq!(span.name, "GET getOrder");
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(span.trace_state, "a=1");
    assert_eq!(span.flags, 0x301);
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (10_000_000_000, 10_005_000_000)
    );
    assert!(!span.is_failed);
    for (key, expected) in [
        ("http.request.method", Value::from("GET")),
        ("http.route", "getOrder".into()),
        ("url.path", "/orders/7".into()),
        ("url.scheme", "https".into()),
        ("server.address", "shop.example.com".into()),
        ("server.port", 8443_u64.into()),
        ("client.address", "192.0.2.7".into()),
        ("network.protocol.version", "1.1".into()),
        ("user_agent.original", "curl/8".into()),
        ("http.response.status_code", 200_u64.into()),
        ("http.request.body.size", 3_u64.into()),
        ("http.response.body.size", 4_u64.into()),
        ("envoy.response_code_details", "via_upstream".into()),
        ("envoy.upstream_cluster", "outbound|80||shop".into()),
    ] {
        assert_eq!(value(&span, key), Some(expected), "{key}");
    }
    assert_eq!(span.attributes.len(), 14, "{:?}", span.attributes);
}

#[test]
fn paths_have_no_query() {
    for (path, kept) in [
        ("/a?token=x", Some("/a")),
        ("/a#x", Some("/a")),
        ("/a?b?c#d", Some("/a")),
        ("/a", Some("/a")),
        ("?x", None),
        ("*", Some("*")),
    ] {
        let headers = Headers::from_iter([(":path", path)]);
        let span = make_from(&tracer(Vec::new()), &headers, &outcome(&record(200)), 0);
        assert_eq!(value(&span, "url.path"), kept.map(Value::from), "{path}");
    }
}

#[test]
fn spans_contain_no_query_and_no_other_headers() {
    let span = make(&tracer(Vec::new()), &outcome(&record(200)));
    let shown = format!("{span:?}");
    assert!(!shown.contains("secret") && !shown.contains("alice"), "{shown}");
}

#[test]
fn failed_spans_have_an_error_type() {
    let grpc = Record { grpc_status: Some(14), ..record(200) };
    let odd = Record { grpc_status: Some(99), ..record(200) };
    let none = Record { status: None, ..record(200) };
    for (record, is_error, flags, error_type) in [
        (record(200), false, 0, None),
        (record(404), false, 0, None),
        (record(503), true, 0x20, Some("503")),
        (grpc, true, 0, Some("UNAVAILABLE")),
        (odd, true, 0, Some("99")),
        (none, true, 0x4, Some("UT")),
        (none, true, 0, Some("_OTHER")),
        (record(200), true, 0, Some("_OTHER")),
    ] {
        let outcome = StreamOutcome { is_error, ..outcome(&record) };
        let span = make_from(&tracer(Vec::new()), &headers(), &outcome, flags);
        assert_eq!(value(&span, "error.type"), error_type.map(Value::from), "{record:?}");
        assert_eq!(span.is_failed, is_error);
    }
}

#[test]
fn client_spans_fail_from_400() {
    let record = record(404);
    let span = make(&tracer(Vec::new()), &StreamOutcome { is_client: true, ..outcome(&record) });
    assert_eq!(span.kind, SpanKind::Client);
    assert!(span.is_failed);
    assert_eq!(value(&span, "error.type"), Some("404".into()));
}

#[test]
fn grpc_statuses_are_named() {
    let record = Record { grpc_status: Some(5), ..record(200) };
    let span = make(&tracer(Vec::new()), &outcome(&record));
    assert_eq!(value(&span, "rpc.system.name"), Some("grpc".into()));
    assert_eq!(value(&span, "rpc.response.status_code"), Some("NOT_FOUND".into()));
}

#[test]
fn unknown_methods_are_not_in_the_name() {
    let headers = Headers::from_iter([(":method", "BREW"), (":path", "/")]);
    let record = record(200);
    let outcome = StreamOutcome { operation: None, ..outcome(&record) };
    let span = make_from(&tracer(Vec::new()), &headers, &outcome, 0);
    assert_eq!(span.name, "HTTP");
    assert_eq!(value(&span, "http.request.method"), Some("_OTHER".into()));
    assert_eq!(value(&span, "http.request.method_original"), Some("BREW".into()));
    assert_eq!(value(&span, "http.route"), None);
    assert_eq!((span.parent_span_id, span.flags), (None, 1));
}

#[test]
fn hostile_bytes_become_text() {
    let headers =
        Headers::from_iter([(":path", vec![b'/', 0xff]), (":authority", vec![0xfe; 300])]);
    let span = make_from(&tracer(Vec::new()), &headers, &outcome(&record(200)), u64::MAX);
    assert_eq!(value(&span, "url.path"), Some("/\u{fffd}".into()));
    let Some(Value::Text(host)) = value(&span, "server.address") else { panic!("no text") };
    assert_eq!(host.len(), 63, "truncated at a character boundary");
}

#[test]
fn tags_add_change_and_remove() {
    let mut reads = AttributeTable::default();
    let expression =
        Expression::compile("'a' + 'b'", Phase::End, ResultKind::Scalar, &mut reads).unwrap();
    let missing =
        Expression::compile("weir.tag", Phase::End, ResultKind::Scalar, &mut reads).unwrap();
    let header = |name: &str, default: Option<&str>| TagSource::Header {
        name: name.parse().unwrap(),
        default: default.map(str::to_owned),
    };
    let put = |key: &str, source| Tag { key: key.to_owned(), action: TagAction::Put(source, None) };
    let literal = TagSource::Literal("production".to_owned());
    let action = |key: &str, action| Tag { key: key.to_owned(), action };
    let tracer = tracer(vec![
        put("environment", literal.clone()),
        put("user", header("x-user", Some("anonymous"))),
        put("tenant", header("x-tenant", Some("none"))),
        put("absent", header("x-absent", None)),
        put("sum", TagSource::Expression(expression)),
        put("nothing", TagSource::Expression(missing)),
        put("url.scheme", literal),
        action("user_agent.original", TagAction::Remove),
        action("client.address", TagAction::Redact(Redaction::TruncateIp)),
        action("secret", TagAction::Put(header("x-user", None), Some(Redaction::Mask))),
    ]);
    let span = make(&tracer, &outcome(&record(200)));
    for (key, expected) in [
        ("environment", Some("production")),
        ("user", Some("alice")),
        ("tenant", Some("none")),
        ("absent", None),
        ("sum", Some("ab")),
        ("nothing", None),
        ("url.scheme", Some("production")),
        ("user_agent.original", None),
        ("client.address", Some("192.0.2.0")),
        ("secret", Some("***")),
    ] {
        assert_eq!(value(&span, key), expected.map(Value::from), "{key}");
    }
    let keys: std::collections::HashSet<_> =
        span.attributes.iter().map(|attribute| &attribute.key).collect();
    assert_eq!(keys.len(), span.attributes.len(), "each key once");
}
