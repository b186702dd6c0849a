//! Draws: keys, shared counts, replicas and plans.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::Rate;

#[test]
fn a_reference_draws_from_the_same_count() {
    let policy = policy(&json!({
        "limits": [limit("pod", json!({"key": [{"httpHeaderName": "x-user"}]}))],
        "http": [{"limits": [{"ref": "pod", "cost": 3, "reserve": {"value": 25}, "wait": "1s",
            "enforced": {"value": 0}}]}]}));
    let plan = plan(&policy, &request(&[("x-user", "a")]));
    let [reference, own] = plan.draws[..] else { panic!("{plan:?}") };
    assert_eq!((reference.limit, reference.key), (own.limit, own.key));
    assert_eq!((reference.rule, own.rule), (1, 0));
    let wait = Duration::from_secs(1);
    assert_eq!(reference.amount, Amount { cost: 3, reserve: 3, max_wait: wait, lease: 0 });
    assert_eq!(own.amount, 1.into());
    assert!(own.is_enforced && !reference.is_enforced);
    assert_eq!(policy.limits().len(), 1);
}

#[test]
fn a_reserve_is_a_share_of_what_the_count_holds() {
    let of = |mut fields: Value| {
        fields["reserve"] = json!({"value": 30});
        let policy = policy(&json!({"limits": [limit("a", fields)]}));
        plan(&policy, &request(&[])).draws[0].amount.reserve
    };
    assert_eq!(of(json!({})), 3);
    assert_eq!(of(json!({"burst": 100})), 30);
    assert_eq!(of(json!({"burst": 5})), 2, "rounded up");
    assert_eq!(of(json!({"window": "SLIDING"})), 3);
    assert_eq!(of(json!({"replicas": 3})), 2, "30 % of 4");
    assert_eq!(of(json!({"burst": 100, "replicas": 10})), 3);
}

#[test]
fn replicas_divide_requests_and_burst() {
    for (fields, quota, numbers) in [
        (json!({"replicas": 3}), 4, json!({"requests": 4})),
        (json!({"replicas": 10}), 1, json!({"requests": 1})),
        (json!({"replicas": 10_000}), 1, json!({"requests": 1})),
        (json!({"replicas": 3, "burst": 7}), 4, json!({"requests": 4, "burst": 3})),
        (
            json!({"replicas": 3, "window": "SLIDING"}),
            4,
            json!({"requests": 4, "window": "SLIDING"}),
        ),
        (json!({"replicas": 3, "window": "FIXED"}), 4, json!({"requests": 4, "window": "FIXED"})),
    ] {
        let draw = |fields: Value| {
            plan(&policy(&json!({"limits": [limit("a", fields)]})), &request(&[])).draws[0]
        };
        let (divided, expected) = (draw(fields.clone()), draw(numbers));
        assert_eq!((divided.quota, divided.rate), (quota, expected.rate), "{fields}");
    }
}

#[test]
fn the_rate_comes_from_the_verified_token_only() {
    let policy = policy(&json!({"limits": [
        limit("a", json!({"requestsFrom": {"claim": "rate", "default": 20, "max": 500}}))]}));
    let quota = |claims: Value| {
        let request = Request { claims: Some(claims), ..request(&[("rate", "400")]) };
        plan(&policy, &request).draws[0].quota
    };
    for (claims, expected) in [
        (json!({"rate": 100}), 100),
        (json!({"rate": 501}), 500),
        (json!({"rate": 1e15}), 500),
        (json!({"rate": 0}), 1),
        (json!({"rate": "50"}), 50),
        (json!({"rate": 1.5}), 2),
        (json!({"rate": -5}), 20),
        (json!({"rate": true}), 20),
        (json!({"rate": [7]}), 20),
        (json!({"rate": null}), 20),
        (json!({"rate": "many"}), 20),
        (json!({}), 20),
    ] {
        assert_eq!(quota(claims.clone()), expected, "{claims}");
    }
    assert_eq!(plan(&policy, &request(&[])).draws[0].quota, 20);
}

#[test]
fn without_a_default_the_rate_is_that_of_the_limit() {
    let policy = policy(&json!({"limits": [
        limit("a", json!({"requestsFrom": {"claim": "rate"}, "replicas": 2}))]}));
    let quota = |claims| plan(&policy, &Request { claims, ..Request::default() }).draws[0].quota;
    assert_eq!((quota(None), quota(Some(json!({"rate": 9})))), (5, 5));
    assert_eq!(quota(Some(json!({"rate": 2e9}))), 500_000);
}

#[test]
fn the_depth_follows_the_rate_of_the_token_unless_it_is_given() {
    let bucket = |fields: Value| {
        let policy = policy(&json!({"limits": [limit("a", fields)]}));
        let request = Request { claims: Some(json!({"rate": 100})), ..Request::default() };
        plan(&policy, &request).draws[0].rate.unwrap()
    };
    let plain = |requests: u64, burst: u64, configured: Value| {
        let rate = bucket(json!({"requests": requests, "burst": burst}));
        rate.for_counts_of(&bucket(configured))
    };
    let from = json!({"claim": "rate"});
    assert_eq!(bucket(json!({"requestsFrom": from})), plain(100, 100, json!({})));
    assert_eq!(
        bucket(json!({"requestsFrom": from, "burst": 30})),
        plain(100, 30, json!({"burst": 30}))
    );
}

#[test]
fn the_field_names_of_envoy_give_the_same_bucket() {
    let draw = |fields: Value| plan(&policy(&json!({"limits": [fields]})), &request(&[])).draws[0];
    let bucket =
        json!({"token_bucket": {"max_tokens": 50, "tokens_per_fill": 10, "fill_interval": "2s"}});
    let own = json!({"requests": 10, "per": "2s", "burst": 50});
    assert_eq!((draw(bucket.clone()).rate, draw(bucket).quota), (draw(own).rate, 10));
}

#[test]
fn local_midnight_begins_a_fixed_window() {
    let draw = |offset: &str| {
        let fields = json!({"window": "FIXED", "per": "24h", "utcOffset": offset});
        plan(&policy(&json!({"limits": [limit("a", fields)]})), &request(&[])).draws[0]
    };
    for (offset, hour) in [("+00:00", 0), ("+02:00", 22), ("-05:30", 5), ("+14:00", 10)] {
        let Some(Rate::Fixed(window)) = draw(offset).rate else { panic!("{offset}") };
        let minutes = if offset == "-05:30" { 30 } else { 0 };
        let day = Duration::from_secs(20_000 * 86_400 + hour * 3_600 + minutes * 60);
        let mut page = Vec::new();
        let rate = Rate::Fixed(window);
        let clocks = |wall| crate::Clocks { monotonic: Duration::ZERO, wall };
        let second = Duration::from_secs(1);
        rate.charge(&mut page, 0, clocks(day - second), 10);
        let at = |wall| rate.draw(&mut page.clone(), 0, clocks(wall), 1.into());
        assert!(matches!(at(day - second), crate::PageDraw::Refused { .. }), "{offset}");
        assert!(matches!(at(day), crate::PageDraw::Admitted(_)), "{offset}");
    }
}
