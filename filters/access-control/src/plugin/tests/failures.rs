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
    ($scenario:ident, $invariants:expr) => {
        let file = concat!("failures/", stringify!($scenario), ".md");
        let path = format!("{}/src/plugin/tests/{file}", env!("CARGO_MANIFEST_DIR"));
        let failures = failures(scenarios::$scenario);
        table(&failures)
            .assert_table(include_str!(concat!("failures/", stringify!($scenario), ".md")), &path);
        let check: fn(&FailedCall<Outcome>, &Outcome) = $invariants;
        failures.calls.iter().for_each(|failed| check(failed, &failures.expected));
    };
}

/// Asserts that no denied request passes and none hangs, and that a request that is denied in
/// addition is counted as an error.
fn fails_closed(failed: &FailedCall<Outcome>, expected: &Outcome) {
    let FailedCall { call, error, outcome } = failed;
    let row = format!("{call:?} {error:?}: {outcome}");
    for ((name, fate), (_, expected)) in outcome.fates.iter().zip(&expected.fates) {
        assert!(!fate.hangs, "{name} hangs: {row}");
        assert!(!fate.is_forwarded || expected.is_forwarded, "{name} passes: {row}");
        // A failed write of a metric cannot be counted, but denies nothing either.
        let is_denied_in_addition = expected.is_forwarded && !fate.is_forwarded;
        assert!(!is_denied_in_addition || outcome.metric("errors_total") > 0, "{name}: {row}");
    }
}

/// Asserts that no request passes that the list denies, and that none hangs.
fn denies_by_the_list(failed: &FailedCall<Outcome>, expected: &Outcome) {
    let FailedCall { call, error, outcome } = failed;
    for ((name, fate), (_, expected)) in outcome.fates.iter().zip(&expected.fates) {
        let is_safe = !fate.hangs && (!fate.is_forwarded || expected.is_forwarded);
        assert!(is_safe, "{name}: {call:?} {error:?}: {outcome}");
    }
}

/// Asserts that every request passes.
fn denies_nothing(failed: &FailedCall<Outcome>, _expected: &Outcome) {
    let FailedCall { call, error, outcome } = failed;
    for (name, fate) in &outcome.fates {
        assert!(fate.is_forwarded, "{name}: {call:?} {error:?}: {outcome}");
    }
}

#[test]
fn a_failed_call_never_lets_a_denied_request_pass() {
    check!(enforced, fails_closed);
}

#[test]
fn a_failed_call_shows_no_value_that_is_hashed() {
    check!(audited, fails_closed);
}

#[test]
fn a_failed_call_for_an_explanation_changes_no_decision() {
    check!(explained, fails_closed);
}

#[test]
fn a_failed_call_enforces_a_shared_denial() {
    check!(shared, fails_closed);
}

#[test]
fn a_failed_call_denies_nothing_in_a_dry_run() {
    check!(dry_run, denies_nothing);
}

#[test]
fn a_failed_call_never_lets_a_listed_address_pass() {
    check!(fetched_list, denies_by_the_list);
}

#[test]
fn the_scenarios_make_every_host_call_of_the_filter() {
    let calls = host_calls(&[
        scenarios::audited,
        scenarios::enforced,
        scenarios::explained,
        scenarios::shared,
        scenarios::dry_run,
        scenarios::fetched_list,
    ]);
    let expected = EVERY_HOST_CALL.map(|(callback, names)| (callback, names.to_owned()));
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
}

/// The host calls in the source of the filter, by callback. `reset_stream` is made only if a reply
/// fails.
const EVERY_HOST_CALL: [(&str, &str); 5] = [
    ("configure", "clock define_metric property seed_shared_data set_tick_period shared_data"),
    (
        "http_call_response",
        "buffer clock headers record_metric replace_shared_data set_shared_data shared_data",
    ),
    (
        "request_headers",
        "clock header headers property seed_shared_data send_local_response set_property \
         set_tick_period shared_data",
    ),
    ("response_headers", "add_header"),
    (
        "tick",
        "clock http_call increment_metric record_metric replace_shared_data set_tick_period \
         shared_data",
    ),
];
