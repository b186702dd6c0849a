//! Each host call fails once, in every scenario.

use std::collections::BTreeSet;

use filter_host::memory::{FailedCall, Failures, Proxy, failures};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    scenarios::{
        configured_keys, discovery_and_deny_list, dry_run, fetched_keys, keys_of_another_worker,
    },
    story::Outcome,
};

/// Compares the outcomes of a scenario with a table, without rows that occur twice.
macro_rules! assert_table {
    ($scenario:ident) => {
        let file = concat!("failures/", stringify!($scenario), ".md");
        let path = format!("{}/src/plugin/tests/{file}", env!("CARGO_MANIFEST_DIR"));
        let expected = include_str!(concat!("failures/", stringify!($scenario), ".md"));
        table(&enforcing_failures($scenario)).assert_table(expected, &path);
    };
}

fn table(failures: &Failures<Outcome>) -> Failures<String> {
    let mut seen = BTreeSet::new();
    let row = |failed: &FailedCall<Outcome>| {
        let outcome = failed.outcome.differences(&failures.expected);
        let call = failed.call.clone();
        FailedCall { call, error: failed.error, outcome }
    };
    let is_new = |row: &FailedCall<String>| {
        let call = (row.call.callback, row.call.name, row.call.argument.clone());
        seen.insert((call, format!("{:?}", row.error), row.outcome.clone()))
    };
    // The invariants of metrics that are not defined are asserted instead.
    let calls = failures.calls.iter().filter(|failed| failed.call.name != "define_metric");
    let calls = calls.map(row).filter(is_new).collect();
    Failures { expected: failures.expected.to_string(), calls }
}

/// Runs a scenario of a configuration that refuses requests, and asserts the invariants per row.
fn enforcing_failures(scenario: fn(&Proxy) -> Outcome) -> Failures<Outcome> {
    let failures = failures(scenario);
    let expected = &failures.expected;
    for failed in &failures.calls {
        let FailedCall { call, outcome, .. } = failed;
        let is_metric = call.name.ends_with("_metric");
        for (name, fate) in &outcome.requests {
            // The keys may arrive in time for a good token that was refused without a failure.
            let is_late = *name == "too late" && fate == expected.fate("waiting");
            let is_expected = fate == expected.fate(name) || is_late;
            // Never forwarded in another form, and never left waiting.
            let is_refused = fate.trim_start_matches("left: ").starts_with("503 ");
            assert!(is_expected || is_refused && !is_metric, "{call:?}: {name} {fate}");
        }
        if is_metric {
            continue;
        }
        assert_eq!(outcome.metric("weir_jwt_auth_held_requests"), 0, "{call:?}");
        if call.callback != "request_trailers" {
            let left = outcome.requests.iter().filter(|(_, fate)| fate == "left: waits").count();
            let decided = outcome.requests.len() - left;
            assert_eq!(outcome.decided(), decided as u64, "{call:?}");
        }
    }
    failures
}

#[test]
fn configured_keys_survive_each_failed_call() {
    assert_table!(configured_keys);
}

#[test]
fn fetched_keys_survive_each_failed_call() {
    assert_table!(fetched_keys);
}

#[test]
fn discovery_and_deny_list_survive_each_failed_call() {
    assert_table!(discovery_and_deny_list);
}

#[test]
fn keys_of_another_worker_survive_each_failed_call() {
    assert_table!(keys_of_another_worker);
}

#[test]
fn a_dry_run_neither_refuses_nor_changes_a_request_after_a_failed_call() {
    let failures = failures(dry_run);
    for FailedCall { call, outcome, .. } in &failures.calls {
        assert_eq!(outcome.requests, failures.expected.requests, "{call:?}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plugin/tests/failures/dry_run.md");
    table(&failures).assert_table(include_str!("failures/dry_run.md"), path);
}

/// The host calls that a scenario makes in each callback.
const CALLS: [(&str, &str); 6] = [
    (
        "configure",
        "clock define_metric foreign_function property record_metric seed_shared_data \
         set_tick_period shared_data",
    ),
    ("delete", "increment_metric"),
    (
        "http_call_response",
        "add_header buffer clock define_metric headers http_call increment_metric \
         record_metric remove_header replace_shared_data resume send_local_response \
         set_effective_context set_header set_property set_shared_data set_tick_period \
         shared_data",
    ),
    (
        "request_headers",
        "add_header clock foreign_function headers increment_metric remove_header \
         send_local_response set_header set_property set_tick_period shared_data",
    ),
    ("request_trailers", "headers remove_header"),
    (
        "tick",
        "add_header clock headers http_call increment_metric record_metric remove_header \
         replace_shared_data resume send_local_response set_effective_context set_header \
         set_property set_tick_period shared_data",
    ),
];

#[test]
fn the_scenarios_make_every_host_call() {
    let scenarios =
        [configured_keys, fetched_keys, discovery_and_deny_list, keys_of_another_worker, dry_run];
    let mut made = BTreeSet::new();
    for scenario in scenarios {
        let proxy = Proxy::new();
        scenario(&proxy);
        made.extend(proxy.trace().into_iter().map(|call| (call.callback, call.name)));
    }
    let split = |(callback, names): (_, &'static str)| {
        names.split_whitespace().map(move |name| (callback, name))
    };
    assert_eq!(made, CALLS.into_iter().flat_map(split).collect());
}
