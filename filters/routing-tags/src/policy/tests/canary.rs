//! Canaries: ramp, guard and metrics.

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
fn the_weight_depends_only_on_the_time() {
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
fn a_ramp_is_unchanged_between_its_steps() {
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
        assert_eq!(policy.is_unchanged(at(seconds), at(seconds + 3)), expected, "{seconds}");
    }
    let scheduled =
        entries(json!([{"schedule": {"expiresAt": "2026-12-01T09:00:00Z"}, "tag": "a"}]));
    assert!(scheduled.is_unchanged(at(START - 9), at(START - 6)));
    assert!(!scheduled.is_unchanged(at(START - 2), at(START + 1)));
}

#[test]
fn max_weight_limits_the_ramp() {
    for (max_weight, expected) in [(json!(30), 3_000), (json!(0), 0), (json!(0.01), 1)] {
        let policy = canary(json!({"maxWeight": max_weight}));
        assert_eq!(weight(&policy, START + 1_000_000), expected);
    }
    let fine = canary(json!({"initialWeight": 0, "increment": 0.01, "interval": "10s"}));
    assert_eq!((weight(&fine, START + 9), weight(&fine, START + 30)), (0, 3));
}

#[test]
fn users_enter_and_stay() {
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
fn a_rollback_chooses_the_baseline_for_all() {
    let policy =
        canary(json!({"initialWeight": 100, "successCriteria": {"maxErrorRate": {"value": 1}}}));
    for (over, expected) in [(false, "canary"), (true, "stable")] {
        for user in ["a", "b", "c"] {
            let mut inputs = Inputs {
                now: at(START),
                random_bits: &mut || 0,
                is_rolled_back: &move |index| over && index == 0,
            };
            let decision = policy.decide(&request([("x-user", user)]), &mut inputs);
            assert_eq!(tag(&decision), Some(expected));
            let weight = policy.canary_weight(0, at(START), over);
            assert_eq!(weight, if over { 0 } else { 10_000 });
        }
    }
}

#[test]
fn only_a_guard_can_roll_back() {
    let policy = canary(json!({"initialWeight": 100}));
    let mut inputs = Inputs { now: at(START), random_bits: &mut || 0, is_rolled_back: &|_| true };
    let decision = policy.decide(&request([]), &mut inputs);
    assert_eq!(tag(&decision), Some("canary"));
    assert_eq!(policy.record(0, &mut ErrorWindow::default(), at(START), true), None);
}

#[test]
fn too_many_errors_trip_the_guard() {
    let policy = canary(json!({
        "interval": "10s",
        "successCriteria": {"maxErrorRate": {"value": 1}, "minRequestCount": 50},
    }));
    let mut window = ErrorWindow::default();
    for response in 0..49 {
        assert_eq!(policy.record(0, &mut window, at(START), true), None, "{response}");
    }
    assert_eq!(policy.record(0, &mut window, at(START), false), Some((50, 49)));
    assert!(window.is_tripped());
    let mut slow = ErrorWindow::default();
    for second in 0..500 {
        assert_eq!(policy.record(0, &mut slow, at(START + second), true), None, "one per second");
    }
}

#[test]
fn metric_names_of_canaries_have_no_special_characters() {
    let policy = entries(json!([{"name": "a-p.i", "canary": {
        "baselineTag": "a", "canaryTag": "b", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 5, "increment": 5, "interval": "300s",
    }}]));
    let (index, names) = policy.canaries().next().unwrap();
    assert_eq!((index, names.has_guard), (0, false));
    assert_eq!(names.weight, "weir_routing_tags_canary_a_p_i_weight");
    assert_eq!(names.rolled_back, "weir_routing_tags_canary_a_p_i_rolled_back");
    assert_eq!(names.requests, "weir_routing_tags_canary_a_p_i_requests_total");
    assert_eq!(names.errors, "weir_routing_tags_canary_a_p_i_errors_total");
}
