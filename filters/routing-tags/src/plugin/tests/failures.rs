//! Each host call of the filter fails once, at each place where it is made.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;

use filter_host::{
    headers::Map,
    memory::{Failures, Proxy, StreamState, failures},
};

use super::{
    outcome::{Outcome, table},
    scenarios::{
        ALL_OUTPUTS, DRY_RUN, FORGED, FORGED_TRAILERS, INACTIVE, UNREAD_DRY_RUN, attributes,
        forged_request, rollback, unanswered,
    },
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
    invariant: impl Fn(&Outcome),
) {
    let failures: Failures<Outcome> = failures(scenario);
    for outcome in failures.calls.iter().map(|failed| &failed.outcome).chain([&failures.expected]) {
        let is_passed_on =
            |stream: &StreamState| stream.is_forwarded() && !stream.is_response_paused;
        assert!(outcome.streams.iter().all(is_passed_on), "a stream was blocked: {outcome}");
        invariant(outcome);
    }
    table(&failures).assert_table(expected, file);
}

/// Asserts that the upstream got `tag` and no forged one, or no tag and an error was counted.
fn assert_tagged(outcome: &Outcome, tag: Option<&str>, forgeable: &[&str]) {
    for stream in &outcome.streams {
        for map in [Map::RequestHeaders, Map::RequestTrailers] {
            let headers = stream.map(map);
            let values = forgeable.iter().flat_map(|name| headers.all(name));
            let is_forged = |value: &[u8]| value.windows(6).any(|part| part == b"forged");
            assert!(!values.into_iter().any(is_forged), "a forged tag was forwarded: {outcome}");
        }
        let found = stream.request_header("x-weir-tag");
        let is_error = outcome.metric("errors_total") == 1;
        assert!(found.as_deref() == tag || found.is_none() && is_error, "{outcome}");
    }
}

const TAG_HEADERS: [&str; 2] = ["x-weir-tag", "x-second"];
const TAG_HEADERS_AND_BAGGAGE: [&str; 3] = ["x-weir-tag", "x-second", "baggage"];

#[test]
fn a_failed_call_forwards_no_forged_tag_and_no_half_made_output() {
    let scenario = |proxy: &Proxy| forged_request(proxy, ALL_OUTPUTS);
    check(golden!("all_outputs"), scenario, |outcome| {
        assert_tagged(outcome, Some("v2"), &TAG_HEADERS_AND_BAGGAGE);
        let [stream] = &outcome.streams[..] else { panic!("one stream") };
        let baggage = stream.request();
        let baggage: Vec<&[u8]> = baggage.all("baggage").collect();
        let is_tagged = stream.request_header("x-weir-tag").is_some();
        assert_eq!(baggage.concat().ends_with(b"weir-tag=v2"), is_tagged, "{outcome}");
        let has_cookie = stream.response_header("set-cookie").is_some();
        let may_cache = stream.response_header("cache-control").is_none();
        assert!(!(has_cookie && (may_cache || !is_tagged)), "{outcome}");
    });
}

#[test]
fn a_failed_call_forwards_no_forged_tag_that_was_not_read() {
    let scenario = |proxy: &Proxy| forged_request(proxy, INACTIVE);
    check(golden!("inactive"), scenario, |outcome| assert_tagged(outcome, None, &TAG_HEADERS));
}

#[test]
fn a_failed_call_trusts_no_client() {
    check(golden!("attributes"), attributes, |outcome| {
        assert_tagged(outcome, Some("v3"), &TAG_HEADERS);
    });
}

#[test]
fn a_failed_call_changes_nothing_in_a_dry_run() {
    for (golden, document) in
        [(golden!("dry_run"), DRY_RUN), (golden!("unread_dry_run"), UNREAD_DRY_RUN)]
    {
        check(
            golden,
            |proxy| forged_request(proxy, document),
            |outcome| {
                let [stream] = &outcome.streams[..] else { panic!("one stream") };
                assert_eq!(stream.request(), FORGED.into_iter().collect(), "{outcome}");
                let trailers = stream.map(Map::RequestTrailers);
                assert_eq!(trailers, FORGED_TRAILERS.into_iter().collect(), "{outcome}");
                assert_eq!(stream.response().iter().count(), 2, "{outcome}");
            },
        );
    }
}

#[test]
fn a_failed_call_neither_ends_a_rollback_nor_counts_for_the_other_version() {
    check(golden!("rollback"), rollback, |outcome| {
        let tags: Vec<_> =
            outcome.streams.iter().map(|stream| stream.request_header("x-weir-tag")).collect();
        let is_untagged = tags.contains(&None);
        assert!(!is_untagged || outcome.metric("errors_total") == 1, "{outcome}");
        let is_stable = |tag: &Option<String>| tag.as_deref() == Some("stable");
        let after = tags.iter().skip_while(|tag| !is_stable(tag));
        assert!(after.into_iter().all(|tag| tag.is_none() || is_stable(tag)), "{outcome}");
        let canaries = tags.iter().filter(|tag| tag.as_deref() == Some("canary")).count();
        let requests = outcome.metric("canary_api_requests_total");
        assert!(requests <= canaries as u64, "{outcome}");
        assert!(outcome.metric("canary_api_errors_total") <= 1, "{outcome}");
        let lines = outcome.log.iter().filter(|line| line.contains("rolled back")).count();
        assert!(lines <= 1, "{outcome}");
    });
}

#[test]
fn a_failed_call_counts_no_abandoned_response() {
    check(golden!("unanswered"), unanswered, |outcome| {
        assert!(outcome.metric("canary_api_requests_total") <= 2, "{outcome}");
    });
}

#[test]
fn the_scenarios_make_every_host_call_of_the_filter() {
    let scenarios: [&dyn Fn(&Proxy) -> Outcome; 7] = [
        &|proxy| forged_request(proxy, ALL_OUTPUTS),
        &|proxy| forged_request(proxy, INACTIVE),
        &attributes,
        &|proxy| forged_request(proxy, DRY_RUN),
        &|proxy| forged_request(proxy, UNREAD_DRY_RUN),
        &rollback,
        &unanswered,
    ];
    let calls: BTreeSet<String> = scenarios
        .into_iter()
        .flat_map(|scenario| {
            let proxy = Proxy::new();
            let _ = scenario(&proxy);
            proxy.trace()
        })
        .map(|call| format!("{} {}", call.callback, call.name))
        .collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    assert_eq!(calls, EVERY_HOST_CALL);
}

/// The host calls in the source of the filter, by callback.
const EVERY_HOST_CALL: [&str; 34] = [
    "configure clock",
    "configure define_metric",
    "configure property",
    "configure record_metric",
    "configure seed_shared_data",
    "configure set_tick_period",
    "configure shared_data",
    "delete increment_metric",
    "log clock",
    "log header",
    "log property",
    "log record_metric",
    "log replace_shared_data",
    "log shared_data",
    "request_headers add_header",
    "request_headers clock",
    "request_headers header",
    "request_headers headers",
    "request_headers property",
    "request_headers remove_header",
    "request_headers set_header",
    "request_headers set_property",
    "request_headers set_tick_period",
    "request_trailers headers",
    "request_trailers remove_header",
    "request_trailers set_header",
    "response_headers add_header",
    "response_headers remove_header",
    "response_headers set_header",
    "tick clock",
    "tick increment_metric",
    "tick record_metric",
    "tick set_tick_period",
    "tick shared_data",
];
