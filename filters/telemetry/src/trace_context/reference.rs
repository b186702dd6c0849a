//! Comparison with OpenTelemetry's propagator: every context that is accepted here has the same
//! meaning there.
//!
//! The reverse is not tested, because the propagator accepts more than the standard.

use std::collections::HashMap;

use filter_core::Headers;
use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use proptest::prelude::*;

use super::{B3, TraceParent, TraceState, baggage};

/// A `traceparent` with up to two edits, which may make it invalid.
fn traceparent() -> impl Strategy<Value = String> {
    let good = "(00|01|cc)-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?";
    (good, prop::collection::vec((0_usize..60, "[0-9a-gA-F-]?"), 0..3)).prop_map(|(text, edits)| {
        edits.into_iter().fold(text, |text, (index, with)| {
            let (before, after) = text.split_at(index.min(text.len()));
            format!("{before}{with}{}", after.get(1..).unwrap_or_default())
        })
    })
}

fn tracestate() -> impl Strategy<Value = String> {
    let member =
        "[ \t]?([a-z0-9][a-z0-9_*/-]{0,8}(@[a-z][a-z0-9]{0,5})?=[!-~]{0,9}|[ -~]{0,6})[ ]?";
    prop::collection::vec(member, 0..40).prop_map(|members| members.join(","))
}

fn headers(name: &str, value: impl AsRef<[u8]>) -> Headers {
    Headers::from_iter([(name, value)])
}

proptest! {
    #[test]
    fn accepted_contexts_match_the_reference(text in traceparent(), state in tracestate()) {
        let Ok(ours) = TraceParent::parse(text.as_bytes()) else { return Ok(()) };
        let state_of_ours = TraceState::from_headers(&headers("tracestate", state.as_str()));
        let carrier: HashMap<String, String> =
            [("traceparent".to_owned(), text), ("tracestate".to_owned(), state)].into();
        let context = TraceContextPropagator::new().extract(&carrier);
        let span = context.span();
        let theirs = span.span_context();
        prop_assert_eq!(ours.trace_id().to_string(), theirs.trace_id().to_string());
        prop_assert_eq!(ours.span_id().to_string(), theirs.span_id().to_string());
        prop_assert_eq!(ours.is_sampled(), theirs.is_sampled());
        if let Ok(Some(state)) = state_of_ours && state.as_str().len() < 512 {
            let header = theirs.trace_state().header();
            // OpenTelemetry keeps only the last of equal keys, and does not drop long members.
            if header.split(',').count() == state.as_str().split(',').count() {
                prop_assert_eq!(state.as_str(), header);
            }
        }
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..700), text in "[ -~]{0,80}") {
        for bytes in [bytes, text.into_bytes()] {
            let _ = TraceParent::parse(&bytes);
            let _ = baggage::value(&bytes, "key");
            for name in ["traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-sampled"] {
                let headers = headers(name, bytes.clone());
                let _ = (TraceParent::from_headers(&headers), TraceState::from_headers(&headers), B3::from_headers(&headers));
            }
        }
    }
}
