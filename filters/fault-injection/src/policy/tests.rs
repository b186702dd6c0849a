use std::time::{Duration, SystemTime};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{Headers, Request, Timestamp, parse_config};
use serde_json::{Value, json};

use super::*;
use crate::{Config, Dice};

mod draws;
mod explained;
mod hostile;
mod order;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod schedule_state;

/// Draws that are below every share but 0.
const LUCKY: Dice = Dice { delay: 0, abort: 0, response: 0, rate: 0, length: 1 };

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

/// What the trace says of a request to `path` with these draws.
fn trace(policy: &Policy, path: &str, dice: &Dice, now: SystemTime) -> String {
    let decision = policy.decide(&request(&[(":path", path)]), dice, now);
    decision.plan.map(|plan| policy.trace(&plan)).unwrap_or_default()
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
    for (path, said) in [
        ("/a/health", ""),
        ("/a/x?y", "entry=a;abort=503;phase=REQUEST"),
        ("/b", "entry=rest;abort=500;phase=REQUEST"),
    ] {
        assert_eq!(trace(&policy, path, &LUCKY, now()), said, "{path}");
    }
}

#[test]
fn nothing_is_read_where_no_draw_can_fire() {
    let policy = policy(&json!({"http": [
        {"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 1.0)},
        {"fault": {"delay": {"percentage": {"value": 10}, "fixedDelay": "1s"}}},
    ]}));
    let none = Dice { delay: 999_999, abort: 999_999, response: 0, rate: 0, length: 0 };
    for (dice, may) in [
        (none, false),
        (Dice { abort: 9_999, ..none }, true),
        (Dice { abort: 10_000, ..none }, false),
        (Dice { delay: 99_999, ..none }, true),
        (Dice { delay: 100_000, ..none }, false),
    ] {
        assert_eq!(policy.may_fire(&dice), may, "{dice:?}");
    }
    let idle = super::tests::policy(&json!({"http": [{}]}));
    assert!(idle.is_idle() && !idle.may_fire(&LUCKY) && idle.needs().is_empty());
}

#[test]
fn what_may_not_fire_would_not_have_fired() {
    let policy = policy(&json!({"http": [
        {"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 1.0)},
        {"fault": {"delay": {"percentage": {"value": 3}, "fixedDelay": "1s"},
            "response": {"percentage": {"value": 2}, "httpStatus": 500}}},
    ]}));
    let mut generator = crate::Generator::new(3);
    for _ in 0..10_000 {
        let dice = Dice::roll(&mut generator);
        let fires = ["/a", "/b"].iter().any(|path| !trace(&policy, path, &dice, now()).is_empty());
        assert!(policy.may_fire(&dice) || !fires, "{dice:?}");
    }
}

#[test]
fn schedules_of_document_and_entry_hold_together() {
    let policy = policy(&json!({"schedule": {"expiresAt": "2026-12-01T18:00:00Z"}, "http": [
        {"name": "a", "schedule": {"startsAt": "2026-12-01T09:00:00Z"}, "fault": abort(503, 100.0)}]}));
    for (instant, active) in [
        ("2026-12-01T08:59:59Z", false),
        ("2026-12-01T09:00:00Z", true),
        ("2026-12-01T17:59:59Z", true),
        ("2026-12-01T18:00:00Z", false),
    ] {
        assert_eq!(!trace(&policy, "/", &LUCKY, at(instant)).is_empty(), active, "{instant}");
    }
}

#[test]
fn ramps_raise_shares_and_never_let_go_of_a_key() {
    let policy =
        policy(&json!({"http": [{"name": "a", "consistentHash": {"httpHeaderName": "x-user"},
        "schedule": {"startsAt": "2026-12-01T00:00:00Z", "rampUp": "100s"},
        "fault": abort(503, 50.0)}]}));
    let hit = |user: u32, second: u64| -> bool {
        let now = at("2026-12-01T00:00:00Z") + Duration::from_secs(second);
        let request = request(&[("x-user", &user.to_string())]);
        policy.decide(&request, &LUCKY, now).plan.is_some()
    };
    let mut before = vec![false; 100_000];
    let reached =
        [(0, 0), (1, 500), (10, 5_000), (50, 25_000), (99, 49_500), (100, 50_000), (1_000, 50_000)];
    for (second, expected) in reached {
        let mut hits = 0_usize;
        for (user, was_hit) in (0..).zip(&mut before) {
            let is_hit = hit(user, second);
            assert!(is_hit || !*was_hit, "second {second} lets go of user {user}");
            *was_hit = is_hit;
            hits += usize::from(is_hit);
        }
        assert!(hits.abs_diff(expected) < 700, "second {second}: {hits}");
    }
}

#[test]
fn a_key_meets_the_same_in_every_proxy_and_in_another_run() {
    let document = json!({"http": [{"name": "a", "consistentHash": {"httpHeaderName": "x-request-id"},
        "fault": {"abort": {"percentage": {"value": 30}, "httpStatus": 503},
        "delay": {"percentage": {"value": 30}, "exponentialDelay": "300ms"},
        "response": {"percentage": {"value": 30}, "httpStatus": 500},
        "responseRateLimit": {"percentage": {"value": 30}, "fixedLimit": {"limitKbps": 64}}}}]});
    let (one, other) = (policy(&document), policy(&document));
    let mut generator = crate::Generator::new(17);
    for id in 0..100_000 {
        let request = request(&[("x-request-id", &format!("run-{id}"))]);
        let mut said = [&one, &other].map(|proxy| {
            let dice = Dice::roll(&mut generator);
            proxy.decide(&request, &dice, now()).plan.map(|plan| proxy.trace(&plan))
        });
        assert_eq!(said[0].take(), said[1].take(), "{id}");
    }
}

#[test]
fn the_clock_is_read_only_where_a_schedule_asks() {
    let broken = || Err::<SystemTime, _>("no clock");
    let always = policy(&json!({"http": [{"fault": abort(503, 100.0)}]}));
    assert!(always.decide_by(&request(&[]), &LUCKY, broken).unwrap().plan.is_some());
    let timed = json!({"expiresAt": "2026-12-01T18:00:00Z"});
    for document in [
        json!({"schedule": timed, "http": [{"match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 100.0)}]}),
        json!({"http": [{"match": [{"uri": {"exact": "/a"}}], "schedule": timed, "fault": abort(503, 100.0)}]}),
    ] {
        let policy = policy(&document);
        let asked = |path| policy.decide_by(&request(&[(":path", path)]), &LUCKY, broken);
        assert_eq!(asked("/a"), Err("no clock"));
        assert_eq!(asked("/b"), Ok(Decision::default()), "no entry matches");
    }
}

#[test]
fn paths_are_matched_as_they_are_normalized() {
    let document = |word: &str| {
        json!({"pathNormalization": word, "http": [
            {"name": "a", "match": [{"uri": {"exact": "/a/b"}}], "fault": abort(503, 100.0)}]})
    };
    for (word, hit) in [
        ("NONE", &["/a/b"][..]),
        ("BASE", &["/a/b", "/a/c/../b", "/%61/b"]),
        ("MERGE_SLASHES", &["/a/b", "/a/c/../b", "/%61/b", "/a//b"]),
        ("DECODE_AND_MERGE_SLASHES", &["/a/b", "/a/c/../b", "/%61/b", "/a//b", "/a%2fb"]),
    ] {
        let policy = policy(&document(word));
        for path in ["/a/b", "/a/c/../b", "/%61/b", "/a//b", "/a%2fb"] {
            let is_hit = !trace(&policy, path, &LUCKY, now()).is_empty();
            assert_eq!(is_hit, hit.contains(&path), "{word} {path}");
        }
    }
}

#[test]
fn a_key_decides_alone_and_a_missing_one_draws_at_random() {
    let policy = policy(&json!({"http": [{"name": "ratings-slow", "consistentHash":
        {"httpHeaderName": "x-user"}, "fault": {"delay": {"percentage": {"value": 2.7018},
        "fixedDelay": "1s"}}}]}));
    assert!(policy.is_keyed && policy.needs().headers.contains("x-user"));
    let unlucky = Dice { delay: 999_999, ..LUCKY };
    let bob = request(&[("x-user", "bob")]);
    assert!(policy.decide(&bob, &unlucky, now()).plan.is_some(), "27017 is below 27018");
    let nobody = policy.decide(&request(&[]), &unlucky, now());
    assert_eq!(nobody, Decision { plan: None, is_unkeyed: true });
    assert!(policy.decide(&request(&[]), &LUCKY, now()).plan.is_some());
}

#[test]
fn a_fault_without_a_percentage_never_fires_and_says_so() {
    let policy = policy(&json!({"http": [{"fault": {"abort": {"httpStatus": 503},
        "delay": {"fixedDelay": "1s"}, "response": {"httpStatus": 500},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}}]}));
    assert!(policy.is_idle());
    let said: Vec<String> = policy.warnings(now()).iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!(said[0], "http-0: fault.delay has no percentage, so it never fires");
    assert_eq!(said[4], "http-0: without an expiresAt, its faults never end");
}

#[test]
fn what_is_over_says_so_and_does_nothing() {
    let over = json!({"expiresAt": "2026-01-01T00:00:00Z"});
    let document = |top: &Value, entry: &Value| json!({"schedule": top, "http": [{"schedule": entry, "fault": abort(503, 100.0)}]});
    for (document, warning) in [
        (
            document(&over, &json!({})),
            Warning::new("schedule", "expiresAt has passed, so no fault fires"),
        ),
        (
            document(&json!({}), &over),
            Warning::new("http-0", "expiresAt has passed, so its faults never fire"),
        ),
    ] {
        let policy = policy(&document);
        assert_eq!(policy.warnings(now()), [warning]);
        assert_eq!(trace(&policy, "/", &LUCKY, now()), "");
    }
}

#[test]
fn callers_ask_only_where_they_match() {
    let policy = policy(
        &json!({"maxDelay": "2s", "http": [{"name": "x", "match": [{"headers": {"x-tester": {}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}},
        "abort": {"headerAbort": {}, "percentage": {"value": 50}},
        "responseRateLimit": {"headerLimit": {}, "percentage": {"value": 100}}}}]}),
    );
    let ask = [
        ("x-envoy-fault-delay-request", "5000"),
        ("x-envoy-fault-abort-request", "418"),
        ("x-envoy-fault-throughput-response", "7"),
    ];
    assert_eq!(policy.decide(&request(&ask), &LUCKY, now()), Decision::default());
    let tester: Vec<_> = ask.into_iter().chain([("x-tester", "1")]).collect();
    let said = |headers: &[(&str, &str)], dice: &Dice| {
        let plan = policy.decide(&request(headers), dice, now()).plan;
        plan.map(|plan| policy.trace(&plan)).unwrap_or_default()
    };
    let all = "entry=x;delay=2000;abort=418;rate=7;phase=REQUEST,RESPONSE";
    assert_eq!(said(&tester, &LUCKY), all);
    let rare = Dice { abort: 400_000, ..LUCKY };
    assert_eq!(said(&tester, &rare), all);
    let lowered: Vec<_> =
        tester.iter().copied().chain([("x-envoy-fault-abort-request-percentage", "30")]).collect();
    assert_eq!(said(&lowered, &rare), "entry=x;delay=2000;rate=7;phase=REQUEST,RESPONSE");
    assert_eq!(said(&[("x-tester", "1")], &LUCKY), "");
}

#[test]
fn labels_are_the_entries_with_a_fault() {
    let document = |labels| {
        json!({"metrics": {"labels": labels}, "http": [
            {"name": "a", "match": [{"uri": {"exact": "/"}}]}, {"name": "b", "fault": abort(503, 100.0)}]})
    };
    let labelled = policy(&document(true));
    assert_eq!(labelled.labels().into_iter().collect::<Vec<_>>(), ["b"]);
    assert_eq!(labelled.stat_tags(), ["rule"]);
    let plan = labelled.decide(&request(&[(":path", "/x")]), &LUCKY, now()).plan.unwrap();
    assert_eq!(labelled.label(&plan), Some("b"));
    let plain = policy(&document(false));
    assert!(plain.labels().is_empty() && plain.label(&plan).is_none());
}
