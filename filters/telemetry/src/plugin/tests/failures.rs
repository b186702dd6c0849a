//! Each host call of the filter fails once, at each place where it is made.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;

use filter_host::{
    HostError,
    headers::Map,
    memory::{HostCall, Proxy, StreamState, failures},
};

use super::{
    outcome::{Outcome, table},
    scenarios::{CONTEXT, labelled, logged, response_headers, restarted, traced, unlabelled},
};

/// A golden table, and the file that contains it.
macro_rules! golden {
    ($name:literal) => {
        (
            include_str!(concat!("failures/", $name, ".md")),
            concat!(env!("CARGO_MANIFEST_DIR"), "/src/plugin/tests/failures/", $name, ".md"),
        )
    };
}

/// Compares the table of a scenario, and asserts `invariant` for each of its rows.
fn check(
    (expected, file): (&str, &str),
    scenario: impl Fn(&Proxy) -> Outcome,
    invariant: impl Fn(&HostCall, &Outcome),
) {
    let failures = failures(scenario);
    for failed in &failures.calls {
        let (call, outcome) = (&failed.call, &failed.outcome);
        assert_unchanged(outcome, &failures.expected);
        if failed.error == HostError::CasMismatch {
            assert_eq!(outcome.metrics, failures.expected.metrics, "{call:?}");
        }
        invariant(call, outcome);
    }
    table(&failures).assert_table(expected, file);
}

/// Asserts that no stream was blocked, and that its other headers and its body are unchanged.
fn assert_unchanged(outcome: &Outcome, expected: &Outcome) {
    let is_passed_on = |stream: &StreamState| stream.is_forwarded() && !stream.is_response_paused;
    assert!(outcome.streams.iter().all(is_passed_on), "a stream was blocked: {outcome}");
    for (stream, expected) in outcome.streams.iter().zip(&expected.streams) {
        for map in [Map::RequestHeaders, Map::ResponseHeaders] {
            let others = |stream: &StreamState| stream.map(map).only(|name| !is_written(name));
            assert_eq!(others(stream), others(expected), "{outcome}");
        }
        assert_eq!(stream.response_body, expected.response_body, "{outcome}");
    }
}

/// Returns `true` for headers that the filter writes.
fn is_written(name: &[u8]) -> bool {
    let names = ["traceparent", "tracestate", "server-timing", "x-trace-id", "x-request-id"];
    names.iter().any(|written| written.as_bytes() == name)
}

/// Returns `true` if the failure of a call changes what is counted.
fn loses_counts(call: &HostCall) -> bool {
    ["define_metric", "increment_metric", "record_metric"].contains(&call.name)
}

#[test]
fn a_failed_call_loses_no_stream() {
    check(golden!("unlabelled"), unlabelled, |call, outcome| {
        assert!(outcome.metric("requests_total") == 4 || loses_counts(call), "{call:?} {outcome}");
        assert_eq!(outcome.metric("requests_in_flight"), 0, "{call:?}");
    });
}

#[test]
fn a_failed_call_counts_at_most_as_overflow() {
    check(golden!("labelled"), labelled, |call, outcome| {
        let streams: u64 = outcome.sum("requests_total{");
        assert!(streams == 4 || loses_counts(call), "{call:?} {outcome}");
        let tenants = outcome.sum("tenant_total{");
        assert!(tenants == 4 || loses_counts(call), "{call:?} {outcome}");
    });
}

#[test]
fn a_failed_call_loses_no_span_without_counting_it() {
    check(golden!("traced"), traced, |call, outcome| {
        let [caller, ..] = &outcome.streams[..] else { panic!("a stream") };
        let context = caller.request_header("traceparent").unwrap_or_default();
        assert!(context.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{call:?} {outcome}");
        let built = outcome.metric("spans_built_total");
        assert_accounted("spans", built, call, outcome);
    });
}

#[test]
fn a_failed_call_starts_no_trace_in_place_of_the_callers() {
    check(golden!("restarted"), restarted, |call, outcome| {
        let [stream] = &outcome.streams[..] else { panic!("one stream") };
        for (name, value) in CONTEXT {
            let found = stream.request_header(name);
            assert!(found.is_none() || found.as_deref() == Some(value), "{call:?} {outcome}");
        }
    });
}

#[test]
fn a_failed_call_shows_no_secret() {
    check(golden!("logged"), logged, |call, outcome| {
        let exported = outcome.exports.iter().map(|export| String::from_utf8_lossy(&export.body));
        let shown = exported.chain(outcome.log.iter().map(|line| line.as_str().into()));
        assert!(shown.into_iter().all(|text| !text.contains("alice")), "{call:?} {outcome}");
        // The lines in the proxy's log are not exported.
        let lines = outcome.log.iter().filter(|line| line.starts_with('{')).count() as u64;
        let records = outcome.metric("logs_built_total").saturating_sub(lines);
        assert_accounted("logs", records, call, outcome);
    });
}

#[test]
fn a_failed_call_leaves_out_one_header() {
    check(golden!("response_headers"), response_headers, |_, _| {});
}

/// Asserts that each item that was built was delivered, dropped, or is still in the gauge.
fn assert_accounted(items: &str, built: u64, call: &HostCall, outcome: &Outcome) {
    let metric = |name: &str| outcome.metric(&format!("{items}_{name}_total"));
    let gone: u64 = ["sent", "rejected", "dropped_reconfigured"].map(metric).iter().sum();
    let is_queued = outcome.metric("queue_bytes") > 0;
    let is_exact = built == gone || is_queued && built > gone;
    assert!(is_exact || loses_counts(call), "{call:?} {outcome}");
}

#[test]
fn the_scenarios_make_every_host_call_of_the_filter() {
    let scenarios: [fn(&Proxy) -> Outcome; 6] =
        [unlabelled, labelled, traced, restarted, logged, response_headers];
    let mut made = BTreeSet::new();
    for scenario in scenarios {
        let proxy = Proxy::new();
        scenario(&proxy);
        let name = |HostCall { callback, name, .. }| format!("{callback} {name}");
        made.extend(proxy.trace().into_iter().map(name));
    }
    assert_eq!(made.into_iter().collect::<Vec<_>>(), EVERY_CALL);
}

/// The host calls of the filter, by callback.
const EVERY_CALL: [&str; 42] = [
    "configure define_metric",
    "configure property",
    "configure set_tick_period",
    "delete enqueue",
    "delete increment_metric",
    "delete record_metric",
    "http_call_response buffer",
    "http_call_response clock",
    "http_call_response headers",
    "http_call_response record_metric",
    "log clock",
    "log define_metric",
    "log header",
    "log headers",
    "log property",
    "log record_metric",
    "log replace_shared_data",
    "log seed_shared_data",
    "log shared_data",
    "request_body buffer",
    "request_headers define_metric",
    "request_headers header",
    "request_headers headers",
    "request_headers property",
    "request_headers remove_header",
    "request_headers replace_shared_data",
    "request_headers seed_shared_data",
    "request_headers set_header",
    "request_headers set_property",
    "request_headers set_tick_period",
    "request_headers shared_data",
    "response_body buffer",
    "response_headers add_header",
    "response_headers set_header",
    "tick clock",
    "tick dequeue",
    "tick http_call",
    "tick increment_metric",
    "tick record_metric",
    "tick register_shared_queue",
    "tick set_tick_period",
    "tick shared_data",
];
