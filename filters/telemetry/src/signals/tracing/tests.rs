#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_core::Headers;

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const NOW: Duration = Duration::ZERO;

fn tracer() -> Tracer {
    Tracer {
        mode: Mode::ClientAndServer,
        provider: Some(0),
        threshold: Threshold::from_millionths(0),
        sampling: Vec::new(),
        has_spans: true,
        propagates: true,
        istio_tags: true,
        remote_context: RemoteContext::Trust,
        accepted_formats: &[Propagation::W3c],
        spans_per_second: 1_000,
        tags: Vec::new(),
    }
}

fn begin_with(
    tracer: &Tracer,
    worker: &mut TracerState,
    percent: u32,
    headers: &[(&str, &str)],
) -> TraceStart {
    let headers = headers.iter().copied().collect();
    let threshold = || Threshold::from_millionths(percent.saturating_mul(10_000));
    tracer.begin(&headers, worker, NOW, threshold)
}

fn begin(tracer: &Tracer, percent: u32, headers: &[(&str, &str)]) -> TraceStart {
    begin_with(tracer, &mut TracerState::new(1, tracer), percent, headers)
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

/// Returns the changes as `name: value`, or as `name` for a removal.
fn changes(start: &TraceStart) -> Vec<String> {
    let shown = |change: &HeaderChange| match change {
        HeaderChange::Set(name, value) => format!("{name}: {value}"),
        HeaderChange::Remove(name) => (*name).to_owned(),
    };
    start.changes.iter().map(shown).collect()
}

#[test]
fn sampled_callers_get_a_child_span() {
    let start = begin(&tracer(), 0, &[("traceparent", &parent("01"))]);
    let trace = &start.trace;
    assert!(trace.is_sampled && trace.is_reported);
    assert_eq!(trace.trace_id.to_string(), TRACE);
    assert_eq!(trace.parent.unwrap().to_string(), SPAN);
    assert_ne!(trace.span_id.to_string(), SPAN);
    assert_eq!(changes(&start), [format!("traceparent: 00-{TRACE}-{}-01", trace.span_id)]);
}

#[test]
fn unsampled_contexts_are_unchanged() {
    for text in [parent("00"), format!("cc-{TRACE}-{SPAN}-00-future"), parent("02")] {
        let start = begin(&tracer(), 100, &[("traceparent", &text), ("tracestate", "bad")]);
        assert_eq!(changes(&start), [] as [String; 0]);
        let trace = &start.trace;
        assert!(!trace.is_sampled && !trace.is_reported);
        assert_eq!(
            (trace.trace_id.to_string(), trace.span_id.to_string()),
            (TRACE.into(), SPAN.into())
        );
    }
}

#[test]
fn new_traces_are_sampled_by_their_id() {
    let tracer = tracer();
    let mut worker = TracerState::new(7, &Tracer { spans_per_second: 100_000, ..tracer.clone() });
    let tenth = Threshold::from_millionths(100_000);
    let mut sampled = 0;
    for _ in 0..10_000 {
        let start = begin_with(&tracer, &mut worker, 10, &[]);
        let trace = &start.trace;
        assert_eq!(trace.is_reported, tenth.selects(trace.trace_id));
        let flags = if trace.is_sampled { "01" } else { "00" };
        let text = format!("traceparent: 00-{}-{}-{flags}", trace.trace_id, trace.span_id);
        assert_eq!(changes(&start), [text]);
        sampled += u32::from(trace.is_sampled);
    }
    assert!((900..1_100).contains(&sampled), "{sampled}");
}

#[test]
fn invalid_contexts_start_a_new_trace() {
    let good = parent("01");
    for headers in [
        &[("traceparent", "00-x"), ("tracestate", "a=1")][..],
        &[("traceparent", &*good), ("traceparent", &good), ("tracestate", "a=1")],
    ] {
        let start = begin(&tracer(), 100, headers);
        assert!(start.traceparent_invalid);
        assert_ne!(start.trace.trace_id.to_string(), TRACE);
        assert_eq!(start.trace.parent, None);
        assert_eq!(changes(&start)[1..], ["tracestate"]);
    }
    assert!(!begin(&tracer(), 0, &[]).traceparent_invalid);
}

#[test]
fn tracestate_is_written_only_if_it_changes() {
    let traceparent = parent("01");
    let traced = [("traceparent", &*traceparent)];
    for (states, changed, invalid) in [
        (&[][..], None, false),
        (&["a=1,b=2"], None, false),
        (&["a=1", "b=2"], Some("tracestate: a=1,b=2"), false),
        (&["a=1 , b=2"], Some("tracestate: a=1,b=2"), false),
        (&["a=1,b"], Some("tracestate"), true),
    ] {
        let states = states.iter().map(|state| ("tracestate", *state));
        let headers: Vec<_> = traced.iter().copied().chain(states).collect();
        let start = begin(&tracer(), 0, &headers);
        assert_eq!(changes(&start).get(1).map(String::as_str), changed, "{headers:?}");
        assert_eq!(start.tracestate_invalid, invalid);
        assert_eq!(start.trace.state.is_some(), !invalid && headers.len() > 1);
    }
}

#[test]
fn contexts_over_the_limit_are_unchanged() {
    let tracer = Tracer { spans_per_second: 1, ..tracer() };
    let mut worker = TracerState::new(1, &tracer);
    let traceparent = parent("01");
    let caller = [("traceparent", &*traceparent)];
    assert!(begin_with(&tracer, &mut worker, 0, &caller).trace.is_reported);
    let start = begin_with(&tracer, &mut worker, 0, &caller);
    assert!(start.is_limited && start.trace.is_sampled && !start.trace.is_reported);
    assert_eq!(changes(&start), [] as [String; 0]);
    let start = begin_with(&tracer, &mut worker, 100, &[]);
    assert!(start.is_limited && !start.trace.is_sampled);
    assert!(changes(&start)[0].ends_with("-00"));
}

#[test]
fn contexts_propagate_without_spans() {
    let tracer = Tracer { has_spans: false, ..tracer() };
    let traceparent = parent("01");
    let start = begin(&tracer, 0, &[("traceparent", &traceparent)]);
    assert!(start.trace.is_sampled && !start.trace.is_reported && !start.is_limited);
    assert_eq!(changes(&start), [] as [String; 0]);
    let start = begin(&tracer, 100, &[]);
    assert!(start.trace.is_sampled && !start.trace.is_reported);
    assert!(changes(&start)[0].ends_with("-01"));
}

#[test]
fn contexts_are_followed_without_propagation() {
    let tracer = Tracer { propagates: false, ..tracer() };
    let traceparent = parent("01");
    let headers = [("traceparent", &*traceparent), ("baggage", "a=1"), ("x-b3-sampled", "1")];
    let start = begin(&tracer, 0, &headers);
    assert_eq!(changes(&start), ["traceparent", "baggage", "x-b3-sampled"]);
    assert_eq!(start.trace.parent.unwrap().to_string(), SPAN);
    assert_eq!(changes(&begin(&tracer, 100, &[])), [] as [String; 0]);
}

#[test]
fn restarted_traces_link_to_the_caller() {
    let tracer = Tracer { remote_context: RemoteContext::Restart, ..tracer() };
    let traceparent = parent("01");
    let headers = [("traceparent", &*traceparent), ("tracestate", "a=1")];
    let start = begin(&tracer, 100, &headers);
    assert_ne!(start.trace.trace_id.to_string(), TRACE);
    assert_eq!(start.trace.parent, None);
    assert_eq!(start.trace.link.unwrap().to_string(), traceparent);
    assert_eq!(changes(&start)[1..], ["tracestate"]);
    let start = begin(&tracer, 0, &headers);
    assert!(!start.trace.is_sampled, "the decision of the caller is ignored");
    assert_eq!(start.trace.link, None);
    assert!(changes(&start)[0].ends_with("-00"));
}

#[test]
fn b3_is_read_only_if_accepted_and_translated_to_w3c() {
    let b3 = |rest: &str| format!("{TRACE}-{SPAN}{rest}");
    let start = begin(&tracer(), 0, &[("b3", &b3("-1"))]);
    assert_ne!(start.trace.trace_id.to_string(), TRACE, "B3 is not accepted");

    let tracer = Tracer { accepted_formats: &Propagation::ALL, ..tracer() };
    let start = begin(&tracer, 0, &[("b3", &b3("-1"))]);
    let expected = format!("traceparent: 00-{TRACE}-{}-01", start.trace.span_id);
    assert!(start.trace.is_reported);
    assert_eq!(changes(&start), [expected]);
    let start = begin(&tracer, 100, &[("b3", &b3("-0"))]);
    assert_eq!(changes(&start), [format!("traceparent: {}", parent("00"))]);
    assert!(begin(&tracer, 100, &[("b3", &b3(""))]).trace.is_reported, "no decision");
    let start = begin(&tracer, 100, &[("b3", "0")]);
    assert!(!start.trace.is_sampled, "a decision without ids");
    let traceparent = parent("00");
    let both = [("traceparent", &*traceparent), ("b3", &b3("-1"))];
    assert!(!begin(&tracer, 0, &both).trace.is_sampled, "W3C comes first");
}

#[test]
fn the_threshold_is_not_used_if_the_caller_decided() {
    let tracer = tracer();
    let headers = Headers::from_iter([("traceparent", parent("00"))]);
    let mut worker = TracerState::new(1, &tracer);
    tracer.begin(&headers, &mut worker, NOW, || panic!("the caller decided"));
}
