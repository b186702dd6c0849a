//! Limits that are enforced for a share of requests, and missing keys.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn keyed(fields: Value) -> Policy {
    let mut limit = limit("user", json!({"key": [{"httpHeaderName": "x-user"}]}));
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    policy(&json!({"limits": [limit]}))
}

#[test]
fn a_share_is_sticky_by_key() {
    let policy = keyed(json!({"enforced": {"value": 30}}));
    let is_enforced = |user: usize, secret: u8, draw: u32| {
        let inputs = Inputs { secret: Secret([secret; 16]), draw, ..inputs() };
        policy.plan(&request(&[("x-user", &user.to_string())]), &inputs).draws[0].is_enforced
    };
    let share = (0..2_000).filter(|user| is_enforced(*user, 1, 0)).count();
    assert!((500..700).contains(&share), "{share}");
    for user in 0..100 {
        assert_eq!(is_enforced(user, 1, 0), is_enforced(user, 1, 999_999), "{user}");
    }
}

#[test]
fn a_share_without_a_key_is_drawn_for_each_request() {
    let policy = policy(&json!({"limits": [limit("a", json!({"enforced": {"value": 30}}))]}));
    for (draw, expected) in [(0, true), (299_999, true), (300_000, false), (999_999, false)] {
        let plan = policy.plan(&request(&[]), &Inputs { draw, ..inputs() });
        assert_eq!(plan.draws[0].is_enforced, expected, "{draw}");
    }
}

#[test]
fn requests_without_a_key_share_skip_or_fail() {
    let with = |user: &str| request(&[("x-user", user)]);
    let other = request(&[("x-user", "a"), ("x-user", "b")]);
    for (treatment, missing, ambiguous) in
        [("SHARE", "count", "count"), ("SKIP", "", "count"), ("DENY", "denied", "denied")]
    {
        let policy = keyed(json!({"onMissingKey": treatment}));
        let outcome = |request: &Request| {
            let plan = plan(&policy, request);
            assert_eq!(plan.missing_keys, 1, "{treatment}");
            match (plan.denied_by, plan.draws.len()) {
                (Some(0), 0) => "denied",
                (None, 1) => "count",
                (None, 0) => "",
                _ => panic!("{plan:?}"),
            }
        };
        assert_eq!(outcome(&request(&[])), missing, "{treatment}");
        assert_eq!(outcome(&with("")), missing, "{treatment}: an empty value is none");
        assert_eq!(outcome(&other), ambiguous, "{treatment}");
        let found = plan(&policy, &with("a"));
        assert_eq!((found.missing_keys, found.draws.len()), (0, 1), "{treatment}");
    }
    let policy = keyed(json!({}));
    let key = |request: &Request| plan(&policy, request).draws[0].key;
    assert_eq!(key(&request(&[])), key(&other), "they share one count");
    assert_ne!(key(&request(&[])), key(&with("missing")));
}

#[test]
fn a_limit_that_is_not_enforced_denies_nothing() {
    let policy = keyed(json!({"onMissingKey": "DENY", "enforced": {"value": 0}}));
    let plan = plan(&policy, &request(&[]));
    assert_eq!((plan.denied_by, plan.tolerated, plan.missing_keys), (None, 1, 1));
    assert!(plan.draws.is_empty());
}

#[test]
fn an_unreadable_request_is_refused_only_by_limits_that_deny() {
    assert_eq!(keyed(json!({})).unreadable(), None);
    assert_eq!(keyed(json!({"onMissingKey": "SKIP"})).unreadable(), None);
    let denial = keyed(json!({"onMissingKey": "DENY"})).unreadable();
    assert_eq!(denial, Some(Denial::never(0)));
}

#[test]
fn requests_that_cannot_be_held_are_not_planned_to_wait() {
    let policy = policy(&json!({"limits": [limit("a", json!({"wait": "1s"}))]}));
    let mut plan = plan(&policy, &request(&[]));
    assert_eq!(plan.draws[0].amount.max_wait, Duration::from_secs(1));
    plan.forbid_waits();
    assert_eq!(plan.draws[0].amount, 1.into());
}
