//! Trace contexts: continued, started and propagated.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{Proxy, StreamState};

use super::{
    metric,
    scenarios::{SECOND, TICK, TRACED, answer, request, serve},
    start,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SAMPLED: (&str, &str) =
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
const UNSAMPLED: (&str, &str) =
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
const B3: (&str, &str) = ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
const STATE: (&str, &str) = ("tracestate", "a=1");

/// Returns the trace id that the upstream gets, and whether the context is the caller's.
fn passed_on(stream: &StreamState, sent: &[(&str, &str)]) -> (Option<String>, bool) {
    let context = stream.request_header("traceparent");
    let is_callers = sent.iter().any(|(_, value)| context.as_deref() == Some(value));
    (context.and_then(|context| context.split('-').nth(1).map(str::to_owned)), is_callers)
}

#[test]
fn continues_starts_or_removes_a_context() {
    let with =
        |fields: &str| TRACED.replace(r#""tracing": {"#, &format!(r#""tracing": {{{fields},"#));
    let (plain, dry) = (TRACED.to_owned(), TRACED.replacen('{', r#"{"dryRun": true,"#, 1));
    let removing = with(r#""disableContextPropagation": true"#);
    let restarting = with(r#""remoteContext": "RESTART""#);
    let with_b3 = with(r#""acceptB3": true"#);
    // Whether the upstream gets the caller's trace, the caller's context and a `tracestate`.
    for (document, sent, expected) in [
        (&plain, &[SAMPLED, STATE][..], (Some(true), false, true)),
        (&plain, &[UNSAMPLED, STATE], (Some(true), true, true)),
        (&plain, &[STATE], (Some(false), false, false)),
        (&plain, &[B3], (Some(false), false, false)),
        (&with_b3, &[B3], (Some(true), false, false)),
        (&restarting, &[SAMPLED, STATE], (Some(false), false, false)),
        (&removing, &[SAMPLED, STATE], (None, false, false)),
        (&dry, &[SAMPLED, STATE], (Some(true), true, true)),
        (&dry, &[], (None, false, false)),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, document);
        let stream = serve(&mut worker, "/1/stream", sent);
        let (trace, is_callers) = passed_on(&stream, sent);
        let continues = trace.map(|trace| trace == TRACE);
        let has_state = stream.request_header("tracestate").is_some();
        assert_eq!((continues, is_callers, has_state), expected, "{document} {sent:?}");
    }
}

#[test]
fn exports_spans_of_sampled_traces_only() {
    for (sent, expected) in [(SAMPLED, 1), (UNSAMPLED, 0)] {
        let proxy = Proxy::new();
        proxy.add_cluster("collector");
        let mut worker = start(&proxy, TRACED);
        serve(&mut worker, "/1/stream", &[sent]);
        worker.advance(SECOND);
        assert_eq!(answer(&proxy, &mut worker, &[], b"").len(), expected, "{sent:?}");
        worker.advance(TICK);
        assert_eq!(metric(&proxy, "spans_built_total"), expected as u64, "{sent:?}");
    }
}

#[test]
fn exports_a_span_of_a_stream_that_an_earlier_filter_answered() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut worker = start(&proxy, TRACED);
    let sent: Vec<_> = request("/1/stream", &[SAMPLED]);
    let refused = [(":status", "401")].into_iter().collect();
    let stream = worker.answered_earlier(sent.iter().copied().collect(), refused);
    let stream = worker.end(stream);
    assert_eq!(stream.request(), sent.into_iter().collect(), "it can no longer be changed");
    worker.advance(TICK);
    let [call] = &answer(&proxy, &mut worker, &[], b"")[..] else { panic!("one call") };
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    assert!(call.body.windows(16).any(|part| part == trace), "continues the caller's trace");
}

#[test]
fn counts_invalid_contexts_and_spans_beyond_the_limit() {
    let proxy = Proxy::new();
    let limited = TRACED.replace(r#""tracing": {"#, r#""tracing": {"maxSpansPerSecond": 1,"#);
    let mut worker = start(&proxy, &limited);
    let invalid = serve(&mut worker, "/1/stream", &[("traceparent", "00-1-2-3")]);
    assert_ne!(invalid.request_header("traceparent").as_deref(), Some("00-1-2-3"));
    let over = serve(&mut worker, "/2/stream", &[SAMPLED, ("tracestate", "bad member")]);
    assert_eq!(passed_on(&over, &[SAMPLED]), (Some(TRACE.to_owned()), true), "passes unchanged");
    worker.advance(SECOND);
    serve(&mut worker, "/3/stream", &[SAMPLED, ("tracestate", "bad member")]);
    worker.advance(TICK);
    let names = ["spans_limited", "traceparent_invalid", "tracestate_invalid", "spans_built"];
    let counts = names.map(|name| metric(&proxy, &format!("{name}_total")));
    assert_eq!(counts, [1, 1, 1, 2]);
}
