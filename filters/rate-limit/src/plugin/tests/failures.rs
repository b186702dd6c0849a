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

/// Asserts that no request hangs or loses its slot, and that a failure refuses no request.
fn assert_invariants(failed: &FailedCall<Outcome>, expected: &Outcome) {
    let FailedCall { call, error, outcome } = failed;
    let row = format!("{call:?} {error:?}: {outcome}");
    assert_eq!(outcome.active_keys, 0, "a slot leaked: {row}");
    let gauge = outcome.metric("active_test_slots");
    assert_eq!((gauge, outcome.metric("waiting").cast_signed().min(0)), (0, 0), "{row}");
    let is_denying = expected.metric("missing_key_total") > 0;
    let mut is_admitted_in_addition = false;
    for ((name, fate), (_, expected)) in outcome.fates.iter().zip(&expected.fates) {
        assert!(!fate.hangs, "{name} hangs: {row}");
        let is_refused = fate.stream.reply.is_some();
        let was_refused = expected.stream.reply.is_some();
        assert!(!is_refused || was_refused || is_denying, "{name} was refused: {row}");
        is_admitted_in_addition |= was_refused && !is_refused;
    }
    // Without shared data, the log has the error of the configuration.
    let is_reported = outcome.metric("errors_total") > 0 || !outcome.log.is_empty();
    let is_known = is_reported || call.name == "property";
    assert!(is_known || !is_admitted_in_addition, "not counted as an error: {row}");
}

#[test]
fn a_failed_call_admits_a_request_with_a_key() {
    check!(keyed);
}

#[test]
fn a_failed_call_never_admits_a_request_that_must_have_a_key() {
    check!(deny);
}

#[test]
fn a_failed_call_leaks_no_slot() {
    check!(concurrent);
}

#[test]
fn a_failed_call_never_holds_a_request_for_good() {
    check!(shaped);
}

#[test]
fn a_failed_call_changes_no_response() {
    check!(charged);
}

#[test]
fn the_scenarios_make_every_host_call_of_the_filter() {
    let calls = host_calls(&[
        scenarios::keyed,
        scenarios::deny,
        scenarios::concurrent,
        scenarios::shaped,
        scenarios::charged,
    ]);
    let expected = EVERY_HOST_CALL.map(|(callback, names)| (callback, names.to_owned()));
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
}

/// The host calls in the source of the filter, by callback.
const EVERY_HOST_CALL: [(&str, &str); 6] = [
    (
        "configure",
        "define_metric increment_metric metric property seed_shared_data set_shared_data shared_data",
    ),
    ("delete", "increment_metric replace_shared_data set_tick_period shared_data"),
    (
        "request_headers",
        "clock header headers increment_metric metric property replace_shared_data \
         send_local_response set_property set_tick_period shared_data",
    ),
    ("response_headers", "clock header replace_shared_data set_header shared_data"),
    ("response_trailers", "clock header replace_shared_data shared_data"),
    ("tick", "increment_metric record_metric resume set_effective_context set_tick_period"),
];
