//! For any response of a collector, all items are accounted for, and requests are OTLP.

#![no_main]

use std::time::{Duration, SystemTime};

use filter_core::{ClusterRef, Port};
use fuzz::{legal, message::Message, policies};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use telemetry::{
    SpanId, TraceId,
    export::otlp::{Attribute, PartialSuccess, Signal, Span, SpanKind, retry_delay},
    export::{
        ExportOutcome, Exporter, HandoffBatch, Metric, Protocol, Provider, QueueLimits, Response,
    },
};

/// Separator before the trailers.
const MARK: &[u8] = b"\n---\n";
/// Number of spans in a request.
const ITEMS: u64 = 3;
/// Maximum length of untrusted text in a log line, in bytes.
const MAX_SHOWN: usize = 256;

fuzz_target!(|bytes: &[u8]| {
    let answer = answer(bytes);
    alone(bytes, &answer.body);
    for protocol in [Protocol::Grpc, http()] {
        assert_outcome(&answer, &protocol);
        exchange(&answer, protocol, bytes);
    }
    if let Some(batch) = HandoffBatch::decode(bytes) {
        assert_eq!(HandoffBatch::decode(&batch.encode()), Some(batch));
    }
});

/// Parses headers, a body, a separator and trailers; keeps 4 KiB of a body.
fn answer(bytes: &[u8]) -> Response {
    let end = bytes.windows(MARK.len()).position(|part| part == MARK);
    let (head, tail) = bytes.split_at(end.unwrap_or(bytes.len()));
    let trailers = Message::read(tail.get(MARK.len()..).unwrap_or_default()).headers;
    let message = Message::read(head);
    let body = message.body.iter().copied().take(4_096).collect();
    Response { headers: message.headers, body, trailers }
}

fn http() -> Protocol {
    Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() }
}

/// Parses bytes as the parts of a response.
fn alone(bytes: &[u8], body: &[u8]) {
    let _ = retry_delay(bytes);
    for partial in
        [PartialSuccess::decode(bytes), PartialSuccess::decode(body)].into_iter().flatten()
    {
        legal::line(&partial.message);
        assert!(partial.message.len() <= MAX_SHOWN, "{} bytes", partial.message.len());
        assert!(i64::try_from(partial.rejected_items).is_ok(), "{} items", partial.rejected_items);
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(policies::NOW)
}

fn assert_outcome(answer: &Response, protocol: &Protocol) {
    if let ExportOutcome::Refused(why) = ExportOutcome::from_response(answer, protocol, now()) {
        legal::line(&why);
        assert!(why.len() <= MAX_SHOWN + 64, "{} bytes", why.len());
    }
}

/// Sends spans, and returns the same response to every request until nothing is left.
fn exchange(answer: &Response, protocol: Protocol, name: &[u8]) {
    let is_grpc = protocol == Protocol::Grpc;
    let mut exporter = Exporter::default();
    let pipeline = exporter.open(&provider(protocol), Signal::Traces, &[]);
    let spans: Vec<Span<'_>> = (0..ITEMS).map(|_| span(name)).collect();
    spans.iter().for_each(|span| exporter.enqueue(pipeline, span.encode_item(), Duration::ZERO));
    let mut counted = 0;
    for second in (0..4_000).step_by(20) {
        let at = Duration::from_secs(second);
        while let Some(request) = exporter.next_request(at) {
            assert_readable(request.body, &spans, is_grpc);
            let id = request.id;
            let result = exporter.on_response(id, Some(answer), at, now(), u64::MAX);
            result.warning.iter().for_each(|line| legal::line(line));
        }
        counted += exporter
            .take_stats()
            .counts
            .iter()
            .map(|(_, metric, count)| ended(metric, *count))
            .sum::<u64>();
    }
    assert_eq!(counted, ITEMS, "an item is not accounted for");
}

/// Returns the number of completed items.
const fn ended(metric: &Metric, count: u64) -> u64 {
    match metric {
        Metric::Sent | Metric::Rejected | Metric::Dropped(_) => count,
        _ => 0,
    }
}

fn provider(protocol: Protocol) -> Provider {
    let port = Port::new(4317).unwrap();
    Provider {
        name: "otel".into(),
        cluster: ClusterRef::of_service("otel.monitoring", port, "").unwrap(),
        authority: "otel.monitoring:4317".to_owned(),
        protocol,
        headers: Vec::new(),
        timeout: Duration::from_secs(3),
        limits: QueueLimits { max_batch_items: ITEMS as usize, ..QueueLimits::default() },
        max_tag_length: 256,
        resource: vec![("service.name".to_owned(), "shop".to_owned())],
    }
}

fn span(name: &[u8]) -> Span<'_> {
    let name = String::from_utf8_lossy(name);
    Span {
        trace_id: TraceId::new(1).unwrap(),
        span_id: SpanId::new(2).unwrap(),
        trace_state: "".into(),
        parent_span_id: None,
        name: name.clone(),
        kind: SpanKind::Server,
        start_time_unix_nano: 3,
        end_time_unix_nano: 4,
        attributes: vec![Attribute::new("text", name), Attribute::new("int", -1_i64)],
        link: None,
        is_failed: true,
        flags: 5,
    }
}

/// Fails unless OpenTelemetry's own messages decode to the same spans.
fn assert_readable(body: &[u8], spans: &[Span<'_>], is_grpc: bool) {
    let message = if is_grpc {
        let (frame, message) = body.split_at(5);
        assert_eq!(frame[1..], u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
        message
    } else {
        body
    };
    let request = ExportTraceServiceRequest::decode(message).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let names: Vec<&str> =
        scopes.flat_map(|scope| &scope.spans).map(|span| span.name.as_str()).collect();
    assert_eq!(names, spans.iter().map(|span| &*span.name).collect::<Vec<_>>());
}
