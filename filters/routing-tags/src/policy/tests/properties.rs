//! Properties of splits, canaries and precomputed decisions.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;
use crate::canary::CANARY;

/// Returns the tag of each user in a split with these weights.
fn chosen(users: &[String], weights: &[(&str, u32)]) -> Vec<String> {
    let split: Vec<_> =
        weights.iter().map(|(tag, weight)| json!({"tag": tag, "weight": weight})).collect();
    let policy = entries(json!([{
        "name": "m", "split": split, "consistentHash": {"httpHeaderName": "x-user"},
    }]));
    let decided = users.iter().map(|user| {
        tag(&decide(&policy, &request([("x-user", user.as_str())]))).unwrap().to_owned()
    });
    decided.collect()
}

#[test]
fn users_move_only_with_a_change_of_weights() {
    let users: Vec<String> = (0..100_000).map(|user| format!("user-{user}")).collect();
    let base = chosen(&users, &[("a", 50), ("b", 30), ("c", 20)]);
    for (weights, to, from) in [
        ([("a", 70), ("b", 30), ("c", 20)], Some("a"), None),
        ([("a", 50), ("b", 30), ("c", 1)], None, Some("c")),
        ([("c", 20), ("a", 50), ("b", 30)], None, None),
    ] {
        let after = chosen(&users, &weights);
        for ((user, before), after) in users.iter().zip(&base).zip(&after) {
            let allowed = Some(after.as_str()) == to || Some(before.as_str()) == from;
            assert!(before == after || allowed, "{user}: {before} became {after}");
        }
    }
    let after = chosen(&users, &[("a", 50), ("b", 30), ("c", 20), ("d", 10)]);
    let moved = base.iter().zip(&after).filter(|(before, after)| before != after);
    assert!(moved.clone().all(|(_, after)| after == "d"), "a user moved to another tag");
    assert!((8_500..9_700).contains(&moved.count()), "a new tag takes its share");
}

#[test]
fn users_stay_in_a_canary_with_growing_weight() {
    let policy = entries(json!([{"name": "api", "canary": {
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 5, "increment": 5, "interval": "300s",
    }}]));
    let canary = policy.canary(0).unwrap();
    let enters = |user: &str, weight| canary.choose_by_key(weight, "api", user.as_bytes()) == 1;
    let weights = [0, 1, 2, 50, 500, 501, 2_500, 5_000, 9_998, 9_999, 10_000];
    let mut inside = [0_u32; 11];
    for user in 0..100_000 {
        let user = format!("user-{user}");
        let path = weights.map(|weight| enters(&user, weight));
        assert!(path.is_sorted(), "{user} left: {path:?}");
        inside.iter_mut().zip(path).for_each(|(count, inside)| *count += u32::from(inside));
    }
    assert_eq!((inside[0], inside[10]), (0, 100_000));
    assert!(inside[7].abs_diff(50_000) < 600 && inside[4].abs_diff(5_000) < 300, "{inside:?}");
}

/// Every user enters at one step of 0.01 % and stays, and users enter evenly.
#[test]
fn each_user_enters_a_canary_once() {
    let policy = entries(json!([{"name": "api", "canary": {
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 0, "increment": 0.01, "interval": "10s",
    }}]));
    let canary = policy.canary(0).unwrap();
    let mut entering = vec![0_u32; 10_001];
    for user in 0..100_000_u32 {
        let user = format!("user-{user}");
        let is_inside = |weight: usize| {
            let weight = u16::try_from(weight).unwrap();
            canary.choose_by_key(weight, "api", user.as_bytes()) == CANARY
        };
        let (mut outside, mut inside) = (0, 10_000);
        assert!(!is_inside(outside) && is_inside(inside), "{user}");
        while inside - outside > 1 {
            let middle = usize::midpoint(outside, inside);
            *if is_inside(middle) { &mut inside } else { &mut outside } = middle;
        }
        // Rounding errors can only occur near the step.
        for weight in inside.saturating_sub(4)..(inside + 4).min(10_001) {
            assert_eq!(is_inside(weight), weight >= inside, "{user} at {weight}");
        }
        entering[inside] += 1;
    }
    let mut so_far = 0_u32;
    for (weight, entered) in entering.iter().enumerate() {
        so_far += entered;
        // Kolmogorov-Smirnov at p = 0.001.
        let expected = u32::try_from(weight * 10).unwrap();
        assert!(so_far.abs_diff(expected) < 617, "{so_far} at {weight}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn users_stay_at_every_step_of_a_hundredth() {
    let policy = entries(json!([{"name": "api", "canary": {
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 0, "increment": 0.01, "interval": "10s",
    }}]));
    let canary = policy.canary(0).unwrap();
    for user in 0..100 {
        let user = format!("user-{user}");
        let inside = |weight| canary.choose_by_key(weight, "api", user.as_bytes()) == CANARY;
        let every: Vec<bool> = (0..=10_000).map(inside).collect();
        assert!(every.is_sorted(), "{user} left");
    }
}

#[test]
fn precomputed_decisions_equal_evaluated_ones() {
    let split = json!([{"tag": "a", "weight": 30}, {"tag": "b", "weight": 70}]);
    let canary = json!({
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
        "initialWeight": 40, "increment": 5, "interval": "300s",
        "successCriteria": {"maxErrorRate": {"value": 1}},
    });
    let user = json!({"httpHeaderName": "x-user"});
    let matches = |value: &str| json!([{"headers": {"x-a": {"exact": value}}}]);
    let policy = entries(json!([
        {"match": matches("tag"), "tag": "v2"},
        {"match": matches("split"), "name": "split", "split": split, "consistentHash": user},
        {"match": matches("random"), "split": split},
        {"match": matches("canary"), "name": "canary", "canary": canary, "consistentHash": user},
        {"match": matches("none"), "headers": {"request": {"set": {"x-seen": "1"}}}},
        {"match": matches("cookie"), "name": "cookie", "split": split,
         "consistentHash": {"httpCookie": {"name": "c", "ttl": "1h"}}},
        {"match": matches("filled"), "tag": "%REQ(x-user)%"},
        {"match": matches("late"), "tag": "late", "schedule": {"startsAt": "2030-12-01T09:00:00Z"}},
    ]));
    assert!(policy.untagged.is_some(), "nothing is precomputed");
    let values = ["tag", "split", "random", "canary", "none", "cookie", "filled", "late", "other"];
    for (value, number) in values.into_iter().flat_map(|value| (0..40).map(move |n| (value, n))) {
        for over in [false, true] {
            let user = format!("user-{number}");
            let mut headers = vec![("x-a", value)];
            headers.extend((number % 4 > 0).then_some(("x-user", &*user)));
            headers.extend((number % 5 == 0).then_some(("x-weir-tag", "forged")));
            let request = request(headers);
            let is_rolled_back = move |_| over;
            let bits = || u64::MAX / 40 * number;
            let mut inputs = Inputs {
                now: at(1_796_115_600),
                random_bits: &mut { bits },
                is_rolled_back: &is_rolled_back,
            };
            let decided = policy.decide(&request, &mut inputs);
            assert_eq!(*decided, policy.evaluate(&request, &mut inputs), "{value} {number} {over}");
        }
    }
}
