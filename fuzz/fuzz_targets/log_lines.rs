//! A stream of any values gives JSON lines of at most 8 KiB, labels without delimiters, and spans
//! that OpenTelemetry decodes.

#![no_main]

use std::{cell::LazyCell, time::Duration};

use fuzz::{policies, values};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use telemetry::{
    CompletedStream, Direction, Interner, LabelledName, Policy, Record, SpanInputs, StreamOutcome,
    TraceStart, TracerState,
    export::otlp::{Envelope, Framing},
    expression::{AttributeCache, Attributes, Slot, Value},
    signals::access_log::{LoggedStream, line, severity},
};

/// Maximum length of a line, in bytes.
const MAX_LEN: usize = 8_192;

thread_local! {
    static POLICY: LazyCell<Policy> =
        LazyCell::new(|| policies::telemetry(policies::TELEMETRY).unwrap());
}

/// A stream with all attributes.
struct Stream(AttributeCache);

impl Attributes for Stream {
    fn value(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot, || None)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    POLICY.with(|policy| check(policy, &lines));
    lines.iter().for_each(|line| assert_label(line));
});

fn check(policy: &Policy, lines: &[&[u8]]) {
    let record = record(lines);
    let request = filter_core::Request::default();
    let stream = stream(policy, lines);
    let redactor = filter_core::Redactor::new(b"0123456789abcdef").unwrap();
    let ended = CompletedStream { record: &record, attributes: &stream, request: &request };
    for is_error in [false, true] {
        let logged = LoggedStream { ended, is_error };
        let _ = severity(&logged);
        for log in policy.access_logs() {
            let _ = log.selects(&logged, 0);
            let text = line(&log.fields(&logged, &redactor));
            assert!(text.len() <= MAX_LEN, "{} bytes", text.len());
            assert!(!text.bytes().any(|byte| byte < b' '), "{text:?} has a control byte");
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(read.is_object(), "{text}");
        }
    }
    policy.metrics().labels.iter().for_each(|own| {
        own.label.apply(&stream).iter().for_each(|value| assert_label(value));
    });
    report(policy, &record, &stream, &redactor, lines);
}

/// Parses a record from lines such as `status 503`.
fn record(lines: &[&[u8]]) -> Record {
    let number = |name: &str| {
        let texts = lines.iter().filter_map(|line| std::str::from_utf8(line).ok());
        texts.filter_map(|line| line.strip_prefix(name)?.parse::<u64>().ok()).next()
    };
    Record {
        status: number("status ").and_then(|status| u16::try_from(status).ok()),
        grpc_status: number("grpc ").and_then(|status| u32::try_from(status).ok()),
        request_bytes: number("bytes ").unwrap_or_default(),
        response_bytes: number("bytes ").unwrap_or_default(),
        duration: Duration::from_micros(number("micros ").unwrap_or_default()),
        ..Record::default()
    }
}

/// A stream on which each attribute has the value of one line.
fn stream(policy: &Policy, lines: &[&[u8]]) -> Stream {
    let values: Vec<Value> = lines.iter().filter_map(|line| values::read(line)).collect();
    let readings = policy.attribute_table().new_cache();
    for (index, (slot, _)) in policy.attribute_table().iter().enumerate() {
        let value = index.checked_rem(values.len()).and_then(|index| values.get(index));
        readings.get(slot, || value.cloned());
    }
    Stream(readings)
}

fn assert_label(value: &[u8]) {
    let text = filter_core::label_value(value);
    let is_fit = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b";=\"\\".contains(&byte));
    assert!(
        is_fit && !text.is_empty() && text.len() <= value.len().saturating_mul(3).max(7),
        "{text:?}"
    );
    let labels = [("a", text.clone()), ("b", "c".to_owned())];
    let name = LabelledName { family: "f", labels: &labels }.to_string();
    assert_eq!(name.split(";.;").next(), Some(format!("f.a=.={text}").as_str()));
    let mut interner = Interner::default();
    let number = interner.add(value) as usize;
    assert_eq!(interner.texts().get(number), Some(&text));
}

/// Encodes a span from the lines and decodes it again.
fn report(
    policy: &Policy,
    record: &Record,
    stream: &Stream,
    redactor: &filter_core::Redactor,
    lines: &[&[u8]],
) {
    let Some((_, tracer)) = policy.exporters().tracing().tracer(Direction::Inbound) else {
        panic!("the document has no tracer");
    };
    let text = |index: usize| lines.get(index).copied().unwrap_or_default().to_vec();
    let headers = [":method", ":path", ":authority", "x-tenant", "x-user", "user-agent"];
    let headers = headers.into_iter().enumerate().map(|(index, name)| (name, text(index)));
    let headers: filter_core::Headers = headers.collect();
    let mut worker = TracerState::new(7, tracer);
    let TraceStart { trace, .. } =
        tracer.begin(&headers, &mut worker, Duration::ZERO, || tracer.threshold);
    let seen = SpanInputs {
        headers: &headers,
        began: Duration::from_nanos(u64::MAX),
        source: text(1),
        protocol: text(2),
        flags: u64::MAX,
        details: text(3),
        cluster: text(4),
    };
    let outcome = StreamOutcome { record, operation: None, is_error: true, is_client: false };
    let (span, _) = tracer.span(&trace, &seen, &outcome, stream, redactor, 64);
    let body = Envelope::new(&[], Framing::Http).wrap([&span.encode_item()].into_iter());
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    let theirs = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((&*theirs.name, theirs.attributes.len()), (&*span.name, span.attributes.len()));
}
