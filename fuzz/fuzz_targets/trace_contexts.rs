//! An accepted context means the same to OpenTelemetry's own propagator.

#![no_main]

use std::{cell::LazyCell, collections::HashMap, time::Duration};

use filter_core::Headers;
use fuzz::{legal, message::Message, policies};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use telemetry::{
    B3, Direction, HeaderChange, Policy, TraceParent, TraceState, TracerState, baggage, explain,
};

thread_local! {
    static POLICY: LazyCell<Policy> =
        LazyCell::new(|| policies::telemetry(policies::TELEMETRY).unwrap());
}

fuzz_target!(|bytes: &[u8]| {
    let message = Message::read(bytes);
    let headers = &message.headers;
    let state = state(headers);
    if let Ok(Some(parent)) = TraceParent::from_headers(headers) {
        assert_same(headers, &parent, state.as_ref());
    }
    let _ = B3::from_headers(headers);
    for value in headers.all("baggage") {
        for key in ["k", "weir-tag", ""] {
            let found = baggage::value(value, key);
            assert!(found.is_none_or(|found| found.len() <= value.len()));
        }
    }
    POLICY.with(|policy| start(policy, headers));
    let described = explain::StreamDescription { request: message.request(), ..Default::default() };
    POLICY.with(|policy| policy.explain(&described));
});

/// Parses `tracestate`, which is within its limits if it is accepted.
fn state(headers: &Headers) -> Option<TraceState> {
    let state = TraceState::from_headers(headers).ok().flatten()?;
    let text = state.as_str();
    assert!((1..=512).contains(&text.len()) && text.split(',').count() <= 32, "{text}");
    let again = Headers::from_iter([("tracestate", text)]);
    assert_eq!(
        TraceState::from_headers(&again),
        Ok(Some(state.clone())),
        "a written tracestate is not read"
    );
    Some(state)
}

/// Fails unless OpenTelemetry's propagator agrees.
fn assert_same(headers: &Headers, ours: &TraceParent, state: Option<&TraceState>) {
    let text = |name| headers.joined(name).and_then(|value| String::from_utf8(value).ok());
    // Later versions may end in arbitrary bytes, but OpenTelemetry's propagator takes a `String`.
    let Some(parent) = text("traceparent") else { return };
    let lines = text("tracestate").unwrap_or_default();
    let carrier: HashMap<String, String> =
        [("traceparent".to_owned(), parent), ("tracestate".to_owned(), lines)].into();
    let context = TraceContextPropagator::new().extract(&carrier);
    let span = context.span();
    let theirs = span.span_context();
    assert_eq!(ours.trace_id().to_string(), theirs.trace_id().to_string());
    assert_eq!(ours.span_id().to_string(), theirs.span_id().to_string());
    assert_eq!(ours.is_sampled(), theirs.is_sampled());
    assert_eq!(TraceParent::parse(ours.to_string().as_bytes()), Ok(*ours));
    let Some(state) = state.map(TraceState::as_str) else { return };
    let header = theirs.trace_state().header();
    // OpenTelemetry refuses keys with a 14-letter system, keeps the last of equal keys, and keeps
    // any number of members.
    let is_accepted = !header.is_empty();
    if is_accepted && state.len() < 512 && header.split(',').count() == state.split(',').count() {
        assert_eq!(state, header);
    }
}

/// Fails unless the forwarded context is valid.
fn start(policy: &Policy, headers: &Headers) {
    let Some((_, tracer)) = policy.exporters().tracing().tracer(Direction::Inbound) else {
        panic!("the document has no tracer");
    };
    let mut worker = TracerState::new(7, tracer);
    let start = tracer.begin(headers, &mut worker, Duration::ZERO, || tracer.threshold);
    for change in &start.changes {
        let HeaderChange::Set(name, value) = change else { continue };
        legal::header_value(value.as_bytes());
        match *name {
            "traceparent" => assert!(TraceParent::parse(value.as_bytes()).is_ok(), "{value}"),
            _ => assert_eq!(*name, "tracestate"),
        }
    }
}
