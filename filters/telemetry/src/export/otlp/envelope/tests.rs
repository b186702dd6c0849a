use std::time::Duration;

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1 as logs,
    trace::v1 as trace,
};
use prost::Message as _;

use super::*;
use crate::{
    export::otlp::{Link, LogRecord, Severity, SpanKind},
    trace_context::{SpanId, TraceId},
};

fn key_value(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn envelope(framing: Framing) -> Envelope {
    Envelope::new(&[Attribute::new("service.name", "shop")], framing)
}

fn trace_id(number: u8) -> Option<TraceId> {
    TraceId::new(u128::from_be_bytes([number; 16]))
}

fn span_id(number: u8) -> Option<SpanId> {
    SpanId::new(u64::from_be_bytes([number; 8]))
}

fn span(number: u8) -> Option<Span<'static>> {
    Some(Span {
        trace_id: trace_id(number)?,
        span_id: span_id(number)?,
        trace_state: "a=1".into(),
        parent_span_id: span_id(7),
        name: "GET getOrder".into(),
        kind: SpanKind::Server,
        start_time_unix_nano: 1,
        end_time_unix_nano: u64::MAX,
        attributes: vec![
            Attribute::new("text", "x"),
            Attribute::new("int", -1_i64),
            Attribute::new("double", 0.5),
            Attribute::new("bool", true),
        ],
        link: Some(Link { trace_id: trace_id(1)?, span_id: span_id(2)?, flags: 1 }),
        is_failed: true,
        flags: 0x301,
    })
}

fn expected_span(number: u8) -> trace::Span {
    trace::Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        trace_state: "a=1".to_owned(),
        parent_span_id: vec![7; 8],
        name: "GET getOrder".to_owned(),
        kind: trace::span::SpanKind::Server as i32,
        start_time_unix_nano: 1,
        end_time_unix_nano: u64::MAX,
        attributes: vec![
            key_value("text", any_value::Value::StringValue("x".to_owned())),
            key_value("int", any_value::Value::IntValue(-1)),
            key_value("double", any_value::Value::DoubleValue(0.5)),
            key_value("bool", any_value::Value::BoolValue(true)),
        ],
        links: vec![trace::span::Link {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            flags: 1,
            ..trace::span::Link::default()
        }],
        status: Some(trace::Status {
            code: trace::status::StatusCode::Error as i32,
            ..trace::Status::default()
        }),
        flags: 0x301,
        ..trace::Span::default()
    }
}

#[test]
fn spans_decode_with_the_opentelemetry_crate() {
    let items: Vec<Item> = (1..=200).map(|number| span(number).unwrap().encode_item()).collect();
    let body = envelope(Framing::Http).wrap(items.iter());
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    assert_eq!(request.resource_spans.len(), 1);
    let resource = &request.resource_spans[0];
    let name = key_value("service.name", any_value::Value::StringValue("shop".to_owned()));
    assert_eq!(resource.resource.as_ref().unwrap().attributes, [name]);
    assert_eq!(resource.scope_spans.len(), 1);
    let scope = InstrumentationScope {
        name: "weir".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    assert_eq!(resource.scope_spans[0].scope, Some(scope));
    let expected: Vec<_> = (1..=200).map(expected_span).collect();
    assert_eq!(resource.scope_spans[0].spans, expected);
    assert!(
        body.len() <= envelope(Framing::Http).size() + items.iter().map(Item::size).sum::<usize>()
    );
}

#[test]
fn log_records_decode_with_the_opentelemetry_crate() {
    let ids = (TraceId::new(5).unwrap(), SpanId::new(6).unwrap());
    for (severity, number) in [(Severity::Info, 9), (Severity::Warn, 13), (Severity::Error, 17)] {
        let record = LogRecord {
            time: Duration::from_nanos(3),
            observed: Duration::from_nanos(4),
            severity,
            fields: vec![Attribute::new("method", "GET")],
            trace: Some(ids),
            is_sampled: true,
        };
        let items = [record.encode()];
        let body = envelope(Framing::Http).wrap(items.iter());
        let request = ExportLogsServiceRequest::decode(body.as_slice()).unwrap();
        let expected = logs::LogRecord {
            time_unix_nano: 3,
            observed_time_unix_nano: 4,
            severity_number: number,
            severity_text: severity.name().to_owned(),
            attributes: vec![key_value("method", any_value::Value::StringValue("GET".to_owned()))],
            flags: 1,
            trace_id: ids.0.as_bytes().to_vec(),
            span_id: ids.1.as_bytes().to_vec(),
            ..logs::LogRecord::default()
        };
        assert_eq!(request.resource_logs[0].scope_logs[0].log_records, [expected]);
    }
}

#[test]
fn grpc_bodies_have_a_five_byte_prefix() {
    let items = [span(1).unwrap().encode_item()];
    let (plain, framed) =
        (envelope(Framing::Http).wrap(items.iter()), envelope(Framing::Grpc).wrap(items.iter()));
    let size = u32::try_from(plain.len()).unwrap().to_be_bytes();
    assert_eq!(framed, [&[0][..], &size, &plain].concat());
    assert_eq!(envelope(Framing::Grpc).frame(&plain), framed);
    assert_eq!(envelope(Framing::Http).frame(&plain), plain);
    assert_eq!(envelope(Framing::Grpc).unframe(framed), plain);
}
