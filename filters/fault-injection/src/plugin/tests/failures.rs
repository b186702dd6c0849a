//! Each host call of the filter fails once, at each place where it is made.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{FailedCall, failures, host_calls};

use super::{
    outcome::{Outcome, table},
    scenarios,
};

/// Compares the table of a scenario, and asserts the invariants of every row.
macro_rules! check {
    ($scenario:ident) => {
        let file = concat!("failures/", stringify!($scenario), ".md");
        let path = format!("{}/src/plugin/tests/{file}", env!("CARGO_MANIFEST_DIR"));
        let failures = failures(scenarios::$scenario);
        table(&failures)
            .assert_table(include_str!(concat!("failures/", stringify!($scenario), ".md")), &path);
        failures.calls.iter().for_each(|failed| assert_invariants(failed, &failures.expected));
    };
}

/// Asserts that no stream hangs, and that a failure causes fewer faults but never different ones.
fn assert_invariants(failed: &FailedCall<Outcome>, expected: &Outcome) {
    let FailedCall { call, error, outcome } = failed;
    let row = format!("{call:?} {error:?}: {outcome}");
    assert_eq!(outcome.slots, 0, "a slot leaked: {row}");
    // A response that is not counted for the automatic stop.
    let is_uncounted = call.callback == "log";
    let mut is_affected = false;
    for ((name, fate), (_, expected)) in outcome.fates.iter().zip(&expected.fates) {
        assert!(!fate.hangs, "{name} hangs: {row}");
        assert!(fate.has_right_length(), "{name} has a wrong length: {row}");
        if let (Some(forwarded), Some(expected)) = (&fate.upstream, &expected.upstream) {
            assert_eq!(forwarded, expected, "{name} was changed: {row}");
        }
        let is_expected = fate.client() == expected.client();
        assert!(is_expected || is_uncounted || !fate.is_aborted(), "{name} was aborted: {row}");
        is_affected |= !is_expected;
    }
    // Without the fault, another request can get the slot.
    let is_limited = expected.metric("skipped_overflow_total") > 0;
    let is_fewer = outcome.faults() <= expected.faults();
    assert!(is_fewer || is_uncounted || is_limited, "more faults: {row}");
    let is_error = outcome.metric("errors_total") > expected.metric("errors_total");
    assert!(is_uncounted || is_error || !is_affected, "not counted as an error: {row}");
}

#[test]
fn a_failed_call_neither_blocks_nor_changes_a_delayed_request() {
    check!(delayed_abort);
}

#[test]
fn a_failed_call_leaves_a_valid_response() {
    check!(changed_response);
}

#[test]
fn a_failed_call_never_holds_a_body_for_good() {
    check!(slow_body);
}

#[test]
fn a_failed_call_lets_a_stream_pass() {
    check!(endings);
}

#[test]
fn a_failed_call_never_exceeds_the_limits() {
    check!(limits);
}

#[test]
fn a_failed_call_never_ends_the_automatic_stop() {
    check!(stopped);
}

#[test]
fn a_failed_call_changes_nothing_in_a_dry_run() {
    check!(dry_run);
}

#[test]
fn a_failed_call_injects_no_fault_outside_a_schedule() {
    check!(scheduled);
}

#[test]
fn the_scenarios_make_every_host_call_of_the_filter() {
    let calls = host_calls(&[
        scenarios::delayed_abort,
        scenarios::changed_response,
        scenarios::slow_body,
        scenarios::endings,
        scenarios::limits,
        scenarios::stopped,
        scenarios::dry_run,
        scenarios::scheduled,
    ]);
    let expected = EVERY_HOST_CALL.map(|(callback, names)| (callback, names.to_owned()));
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
}

/// The host calls in the source of the filter, by callback.
const EVERY_HOST_CALL: [(&str, &str); 7] = [
    ("configure", "clock define_metric property record_metric seed_shared_data shared_data"),
    ("delete", "increment_metric replace_shared_data set_tick_period shared_data"),
    ("log", "header property record_metric replace_shared_data shared_data"),
    (
        "request_headers",
        "clock header headers increment_metric record_metric replace_shared_data reset \
         send_local_response set_property set_tick_period shared_data",
    ),
    ("response_body", "buffer replace_buffer reset set_tick_period"),
    (
        "response_headers",
        "increment_metric record_metric remove_header replace_shared_data reset \
         send_local_response set_header set_tick_period shared_data",
    ),
    (
        "tick",
        "add_header clock increment_metric record_metric remove_header replace_shared_data reset \
         resume send_local_response set_effective_context set_header set_tick_period shared_data",
    ),
];
