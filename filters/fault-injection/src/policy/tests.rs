use std::time::{Duration, SystemTime};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{Headers, Request, Timestamp, parse_config};
use serde_json::{Value, json};

use super::*;
use crate::{Config, Draws};

mod explained;
mod hostile;
mod order;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod schedule_state;
mod shared_draws;

/// Draws that fire with every percentage above 0.
const LOWEST: Draws = Draws { delay: 0, abort: 0, response: 0, rate: 0, length: 1 };

fn policy(document: &Value) -> Policy {
    let config = parse_config::<Config>(document.to_string().as_bytes()).unwrap();
    let policy = Policy::new(&config).unwrap();
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, true);
    policy
}

fn request(headers: &[(&str, &str)]) -> Request {
    Request { headers: headers.iter().copied().collect::<Headers>(), ..Request::default() }
}

fn at(text: &str) -> SystemTime {
    text.parse::<Timestamp>().unwrap().get()
}

fn now() -> SystemTime {
    at("2026-11-21T12:00:00Z")
}

/// Returns the summary of the faults of a request to `path`, empty if it has none.
fn summary(policy: &Policy, path: &str, draws: &Draws, now: SystemTime) -> String {
    let decision = policy.decide(&request(&[(":path", path)]), draws, now);
    decision.plan.map(|plan| policy.summary(&plan)).unwrap_or_default()
}

fn abort(status: u16, percent: f64) -> Value {
    json!({"abort": {"percentage": {"value": percent}, "httpStatus": status}})
}

#[test]
fn the_first_entry_that_matches_decides() {
    let policy = policy(&json!({"http": [
        {"match": [{"uri": {"exact": "/a/health"}}]},
        {"name": "a", "match": [{"uri": {"prefix": "/a"}}], "fault": abort(503, 100.0)},
        {"name": "rest", "fault": abort(500, 100.0)},
    ]}));
    for (path, expected) in [
        ("/a/health", ""),
        ("/a/x?y", "entry=a;abort=503;phase=REQUEST"),
        ("/b", "entry=rest;abort=500;phase=REQUEST"),
    ] {
        assert_eq!(summary(&policy, path, &LOWEST, now()), expected, "{path}");
    }
}

#[test]
fn may_fire_compares_draws_with_maximum_percentages() {
    let policy = policy(&json!({"http": [
        {"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 1.0)},
        {"fault": {"delay": {"percentage": {"value": 10}, "fixedDelay": "1s"}}},
    ]}));
    let none = Draws { delay: 999_999, abort: 999_999, response: 0, rate: 0, length: 0 };
    for (draws, may) in [
        (none, false),
        (Draws { abort: 9_999, ..none }, true),
        (Draws { abort: 10_000, ..none }, false),
        (Draws { delay: 99_999, ..none }, true),
        (Draws { delay: 100_000, ..none }, false),
    ] {
        assert_eq!(policy.may_fire(&draws), may, "{draws:?}");
    }
    let idle = super::tests::policy(&json!({"http": [{}]}));
    assert!(idle.is_idle() && !idle.may_fire(&LOWEST) && idle.needs().is_empty());
}

#[test]
fn no_fault_fires_unless_it_may_fire() {
    let policy = policy(&json!({"http": [
        {"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 1.0)},
        {"fault": {"delay": {"percentage": {"value": 3}, "fixedDelay": "1s"},
            "response": {"percentage": {"value": 2}, "httpStatus": 500}}},
    ]}));
    let mut generator = crate::Generator::new(3);
    for _ in 0..10_000 {
        let draws = Draws::random(&mut generator);
        let fires =
            ["/a", "/b"].iter().any(|path| !summary(&policy, path, &draws, now()).is_empty());
        assert!(policy.may_fire(&draws) || !fires, "{draws:?}");
    }
}

#[test]
fn top_level_and_entry_schedules_must_both_be_active() {
    let policy = policy(&json!({"schedule": {"expiresAt": "2026-12-01T18:00:00Z"}, "http": [
        {"name": "a", "schedule": {"startsAt": "2026-12-01T09:00:00Z"}, "fault": abort(503, 100.0)}]}));
    for (instant, active) in [
        ("2026-12-01T08:59:59Z", false),
        ("2026-12-01T09:00:00Z", true),
        ("2026-12-01T17:59:59Z", true),
        ("2026-12-01T18:00:00Z", false),
    ] {
        assert_eq!(!summary(&policy, "/", &LOWEST, at(instant)).is_empty(), active, "{instant}");
    }
}

#[test]
fn ramps_raise_percentages_and_never_drop_a_key() {
    let policy =
        policy(&json!({"http": [{"name": "a", "consistentHash": {"httpHeaderName": "x-user"},
        "schedule": {"startsAt": "2026-12-01T00:00:00Z", "rampUp": "100s"},
        "fault": abort(503, 50.0)}]}));
    let hit = |user: u32, second: u64| -> bool {
        let now = at("2026-12-01T00:00:00Z") + Duration::from_secs(second);
        let request = request(&[("x-user", &user.to_string())]);
        policy.decide(&request, &LOWEST, now).plan.is_some()
    };
    let mut before = vec![false; 100_000];
    let effective_share =
        [(0, 0), (1, 500), (10, 5_000), (50, 25_000), (99, 49_500), (100, 50_000), (1_000, 50_000)];
    for (second, expected) in effective_share {
        let mut hits = 0_usize;
        for (user, was_hit) in (0..).zip(&mut before) {
            let is_hit = hit(user, second);
            assert!(is_hit || !*was_hit, "second {second} drops user {user}");
            *was_hit = is_hit;
            hits += usize::from(is_hit);
        }
        assert!(hits.abs_diff(expected) < 700, "second {second}: {hits}");
    }
}

#[test]
fn a_key_gets_the_same_faults_in_every_proxy() {
    let document = json!({"http": [{"name": "a", "consistentHash": {"httpHeaderName": "x-request-id"},
        "fault": {"abort": {"percentage": {"value": 30}, "httpStatus": 503},
        "delay": {"percentage": {"value": 30}, "exponentialDelay": "300ms"},
        "response": {"percentage": {"value": 30}, "httpStatus": 500},
        "responseRateLimit": {"percentage": {"value": 30}, "fixedLimit": {"limitKbps": 64}}}}]});
    let (one, other) = (policy(&document), policy(&document));
    let mut generator = crate::Generator::new(17);
    for id in 0..100_000 {
        let request = request(&[("x-request-id", &format!("run-{id}"))]);
        let mut summaries = [&one, &other].map(|proxy| {
            let draws = Draws::random(&mut generator);
            proxy.decide(&request, &draws, now()).plan.map(|plan| proxy.summary(&plan))
        });
        assert_eq!(summaries[0].take(), summaries[1].take(), "{id}");
    }
}

#[test]
fn reads_the_clock_only_for_a_schedule() {
    let broken = || Err::<SystemTime, _>("no clock");
    let always = policy(&json!({"http": [{"fault": abort(503, 100.0)}]}));
    assert!(always.decide_with_clock(&request(&[]), &LOWEST, broken).unwrap().plan.is_some());
    let scheduled_entries = json!({"expiresAt": "2026-12-01T18:00:00Z"});
    for document in [
        json!({"schedule": scheduled_entries, "http": [{"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 100.0)}]}),
        json!({"http": [{"match": [{"uri": {"exact": "/a"}}], "schedule": scheduled_entries, "fault": abort(503, 100.0)}]}),
    ] {
        let policy = policy(&document);
        let decide = |path| policy.decide_with_clock(&request(&[(":path", path)]), &LOWEST, broken);
        assert_eq!(decide("/a"), Err("no clock"));
        assert_eq!(decide("/b"), Ok(Decision::default()), "no entry matches");
    }
}

#[test]
fn matches_normalized_paths() {
    let document = |stem: &str| {
        json!({"pathNormalization": stem, "http": [
            {"name": "a", "match": [{"uri": {"exact": "/a/b"}}], "fault": abort(503, 100.0)}]})
    };
    for (stem, hit) in [
        ("NONE", &["/a/b"][..]),
        ("BASE", &["/a/b", "/a/c/../b", "/%61/b"]),
        ("MERGE_SLASHES", &["/a/b", "/a/c/../b", "/%61/b", "/a//b"]),
        ("DECODE_AND_MERGE_SLASHES", &["/a/b", "/a/c/../b", "/%61/b", "/a//b", "/a%2fb"]),
    ] {
        let policy = policy(&document(stem));
        for path in ["/a/b", "/a/c/../b", "/%61/b", "/a//b", "/a%2fb"] {
            let is_hit = !summary(&policy, path, &LOWEST, now()).is_empty();
            assert_eq!(is_hit, hit.contains(&path), "{stem} {path}");
        }
    }
}

#[test]
fn a_key_replaces_the_random_draws() {
    let policy = policy(&json!({"http": [{"name": "ratings-slow", "consistentHash":
        {"httpHeaderName": "x-user"}, "fault": {"delay": {"percentage": {"value": 2.7018},
        "fixedDelay": "1s"}}}]}));
    assert!(policy.is_keyed && policy.needs().headers.contains("x-user"));
    let highest = Draws { delay: 999_999, ..LOWEST };
    let bob = request(&[("x-user", "bob")]);
    assert!(policy.decide(&bob, &highest, now()).plan.is_some(), "27017 is below 27018");
    let unkeyed = policy.decide(&request(&[]), &highest, now());
    assert_eq!(unkeyed, Decision { plan: None, is_unkeyed: true });
    assert!(policy.decide(&request(&[]), &LOWEST, now()).plan.is_some());
}

#[test]
fn warns_about_faults_without_percentage() {
    let policy = policy(&json!({"http": [{"fault": {"abort": {"httpStatus": 503},
        "delay": {"fixedDelay": "1s"}, "response": {"httpStatus": 500},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}}]}));
    assert!(policy.is_idle());
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    assert_eq!(warnings[0], "http[0].fault.delay: has no percentage, so it never fires");
    assert_eq!(warnings[4], "http[0].schedule: has no expiresAt, so the faults never end");
}

#[test]
fn warns_about_expired_schedules() {
    let over = json!({"expiresAt": "2026-01-01T00:00:00Z"});
    let document = |top: &Value, entry: &Value| json!({"schedule": top, "http": [{"schedule": entry, "fault": abort(503, 100.0)}]});
    for (document, warning) in [
        (
            document(&over, &json!({})),
            Warning::new("schedule", "expiresAt has passed, so no fault fires"),
        ),
        (
            document(&json!({}), &over),
            Warning::new("http[0].schedule", "expiresAt has passed, so no fault fires"),
        ),
    ] {
        let policy = policy(&document);
        assert_eq!(policy.expiry_warnings(now()), [warning]);
        assert_eq!(summary(&policy, "/", &LOWEST, now()), "");
    }
}

#[test]
fn request_headers_control_faults_only_of_matching_requests() {
    let policy = policy(
        &json!({"maxDelay": "2s", "http": [{"name": "x", "match": [{"headers": {"x-tester": {}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}},
        "abort": {"headerAbort": {}, "percentage": {"value": 50}},
        "responseRateLimit": {"headerLimit": {}, "percentage": {"value": 100}}}}]}),
    );
    let control = [
        ("x-envoy-fault-delay-request", "5000"),
        ("x-envoy-fault-abort-request", "418"),
        ("x-envoy-fault-throughput-response", "7"),
    ];
    assert_eq!(policy.decide(&request(&control), &LOWEST, now()), Decision::default());
    let tester: Vec<_> = control.into_iter().chain([("x-tester", "1")]).collect();
    let summary = |headers: &[(&str, &str)], draws: &Draws| {
        let plan = policy.decide(&request(headers), draws, now()).plan;
        plan.map(|plan| policy.summary(&plan)).unwrap_or_default()
    };
    let all = "entry=x;delay=2000;abort=418;rate=7;phase=REQUEST,RESPONSE";
    assert_eq!(summary(&tester, &LOWEST), all);
    let rare = Draws { abort: 400_000, ..LOWEST };
    assert_eq!(summary(&tester, &rare), all);
    let lowered: Vec<_> =
        tester.iter().copied().chain([("x-envoy-fault-abort-request-percentage", "30")]).collect();
    assert_eq!(summary(&lowered, &rare), "entry=x;delay=2000;rate=7;phase=REQUEST,RESPONSE");
    assert_eq!(summary(&[("x-tester", "1")], &LOWEST), "");
}

#[test]
fn labels_are_the_names_of_entries_with_a_fault() {
    let document = |labels| {
        json!({"metrics": {"labels": labels}, "http": [
            {"name": "a", "match": [{"uri": {"exact": "/"}}]}, {"name": "b", "fault": abort(503, 100.0)}]})
    };
    let labelled = policy(&document(true));
    assert_eq!(labelled.labels().into_iter().collect::<Vec<_>>(), ["b"]);
    assert_eq!(labelled.stat_tags(), ["rule"]);
    let plan = labelled.decide(&request(&[(":path", "/x")]), &LOWEST, now()).plan.unwrap();
    assert_eq!(labelled.label(&plan), Some("b"));
    let plain = policy(&document(false));
    assert!(plain.labels().is_empty() && plain.label(&plan).is_none());
}
