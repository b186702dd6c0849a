//! A canary along its whole ramp.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

/// 2026-12-01T09:00:00Z
const START: u64 = 1_796_115_600;

fn canary(fields: Value) -> Policy {
    let mut canary = json!({
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 5, "increment": 5, "interval": "300s",
    });
    canary.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let hash = json!({"httpHeaderName": "x-user"});
    entries(json!([{"name": "api", "canary": canary, "consistentHash": hash}]))
}

fn weight(policy: &Policy, seconds: u64) -> u16 {
    policy.canary_weight(0, at(seconds), false)
}

#[test]
fn the_weight_follows_the_clock_alone() {
    let policy = canary(json!({}));
    let mut expected = 0_u64;
    for second in 0..(20 * 300) {
        if second % 300 == 0 {
            expected = (500 + 500 * (second / 300)).min(10_000);
        }
        assert_eq!(u64::from(weight(&policy, START + second)), expected, "second {second}");
    }
    for (seconds, expected) in [(0, 0), (START - 1, 0), (START + 1_000_000_000, 10_000)] {
        assert_eq!(weight(&policy, seconds), expected);
    }
}

#[test]
fn a_ramp_is_settled_between_its_steps() {
    let policy = canary(json!({}));
    for (seconds, expected) in [
        (START - 10, true),
        (START - 3, false),
        (START - 1, false),
        (START, true),
        (START + 296, true),
        (START + 297, false),
        (START + 1_000_000, true),
    ] {
        assert_eq!(policy.is_settled(at(seconds), at(seconds + 3)), expected, "{seconds}");
    }
    let scheduled =
        entries(json!([{"schedule": {"expiresAt": "2026-12-01T09:00:00Z"}, "tag": "a"}]));
    assert!(scheduled.is_settled(at(START - 9), at(START - 6)));
    assert!(!scheduled.is_settled(at(START - 2), at(START + 1)));
}

#[test]
fn a_most_holds_the_ramp() {
    for (most, late) in [(json!(30), 3_000), (json!(0), 0), (json!(0.01), 1)] {
        let policy = canary(json!({"maxWeight": most}));
        assert_eq!(weight(&policy, START + 1_000_000), late);
    }
    let fine = canary(json!({"initialWeight": 0, "increment": 0.01, "interval": "10s"}));
    assert_eq!((weight(&fine, START + 9), weight(&fine, START + 30)), (0, 3));
}

#[test]
fn users_only_enter() {
    let policy = canary(json!({"initialWeight": 0, "increment": 2.5, "interval": "60s"}));
    let (mut inside, mut entered) = (vec![false; 300], 0);
    for step in 0..=40 {
        for (user, inside) in inside.iter_mut().enumerate() {
            let name = user.to_string();
            let decision =
                decide_at(&policy, &request([("x-user", &*name)]), at(START + 60 * step), 0);
            let now = tag(&decision) == Some("canary");
            assert_eq!(decision.canaries.len(), usize::from(now));
            assert!(now || !*inside, "user {user} left at step {step}");
            entered += u32::from(now && !*inside);
            *inside = now;
        }
        let expected = inside.len() as u64 * step * 25 / 1000;
        let found = inside.iter().filter(|inside| **inside).count() as u64;
        assert!(found.abs_diff(expected) < 40, "step {step}: {found} of {expected}");
    }
    assert_eq!(entered, 300);
}

#[test]
fn a_rollback_takes_everyone_back() {
    let policy =
        canary(json!({"initialWeight": 100, "successCriteria": {"maxErrorRate": {"value": 1}}}));
    for (over, expected) in [(false, "canary"), (true, "stable")] {
        for user in ["a", "b", "c"] {
            let mut world = World {
                now: at(START),
                bits: &mut || 0,
                rolled_back: &move |place| over && place == 0,
            };
            let decision = policy.decide(&request([("x-user", user)]), &mut world);
            assert_eq!(tag(&decision), Some(expected));
            let weight = policy.canary_weight(0, at(START), over);
            assert_eq!(weight, if over { 0 } else { 10_000 });
        }
    }
}

#[test]
fn only_a_guard_rolls_back() {
    let policy = canary(json!({"initialWeight": 100}));
    let mut world = World { now: at(START), bits: &mut || 0, rolled_back: &|_| true };
    let decision = policy.decide(&request([]), &mut world);
    assert_eq!(tag(&decision), Some("canary"));
    assert_eq!(policy.record(0, &mut ErrorWindow::default(), at(START), true), None);
}

#[test]
fn too_many_errors_among_enough_answers_trip_the_guard() {
    let policy = canary(json!({
        "interval": "10s",
        "successCriteria": {"maxErrorRate": {"value": 1}, "minRequestCount": 50},
    }));
    let mut window = ErrorWindow::default();
    for answer in 0..49 {
        assert_eq!(policy.record(0, &mut window, at(START), true), None, "{answer}");
    }
    assert_eq!(policy.record(0, &mut window, at(START), false), Some((50, 49)));
    assert!(window.is_tripped());
    let mut slow = ErrorWindow::default();
    for second in 0..500 {
        assert_eq!(policy.record(0, &mut slow, at(START + second), true), None, "one a second");
    }
}

#[test]
fn a_canary_is_seen_by_its_clean_name() {
    let policy = entries(json!([{"name": "a-p.i", "canary": {
        "baselineTag": "a", "canaryTag": "b", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 5, "increment": 5, "interval": "300s",
    }}]));
    let (place, gauges) = policy.canaries().next().unwrap();
    assert_eq!((place, gauges.is_guarded), (0, false));
    assert_eq!(gauges.weight, "weir_routing_tags_canary_a_p_i_weight");
    assert_eq!(gauges.rolled_back, "weir_routing_tags_canary_a_p_i_rolled_back");
    assert_eq!(gauges.requests, "weir_routing_tags_canary_a_p_i_requests_total");
    assert_eq!(gauges.errors, "weir_routing_tags_canary_a_p_i_errors_total");
}
