//! Independent and shared draws.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const REQUESTS: u32 = 100_000;

/// Returns a document with four faults that have these percentages.
fn document(percentages: [f64; 4], draw: &str) -> Value {
    let [delay, abort, response, rate] =
        percentages.map(|percent| json!({"percentage": {"value": percent}}));
    let with = |part: Value, field: &str, value: Value| {
        let mut part = part;
        part[field] = value;
        part
    };
    json!({"http": [{"fault": {
        "delay": with(delay, "fixedDelay", json!("1s")),
        "abort": with(abort, "httpStatus", json!(503)),
        "response": with(response, "httpStatus", json!(500)),
        "responseRateLimit": with(rate, "fixedLimit", json!({"limitKbps": 1})),
        "draw": draw,
    }}]})
}

/// Returns which of the four faults each request gets.
fn parts(policy: &Policy, draws: impl Iterator<Item = Draws>) -> Vec<[bool; 4]> {
    let fired = |draws: Draws| {
        let plan = policy.decide(&request(&[]), &draws, now()).plan;
        assert!(policy.may_fire(&draws) || plan.is_none(), "{draws:?}");
        plan.map_or([false; 4], |plan| {
            [plan.delay.is_some(), plan.abort.is_some(), plan.changes_response, plan.rate.is_some()]
        })
    };
    draws.map(fired).collect()
}

fn random_draws(count: u32) -> impl Iterator<Item = Draws> {
    let mut generator = crate::Generator::new(5);
    (0..count).map(move |_| Draws::random(&mut generator))
}

#[test]
fn a_shared_draw_gives_equal_percentages_the_same_requests() {
    let policy = policy(&document([20.0; 4], "SHARED"));
    let all = parts(&policy, random_draws(REQUESTS));
    assert!(all.iter().all(|parts| parts.iter().all(|part| *part == parts[0])));
    let hits = all.iter().filter(|parts| parts[0]).count();
    assert!((19_000..21_000).contains(&hits), "{hits}");
}

#[test]
fn a_shared_draw_puts_the_smaller_percentage_inside_the_larger() {
    let policy = policy(&document([5.0, 20.0, 0.0, 100.0], "SHARED"));
    let all = parts(&policy, random_draws(REQUESTS));
    let count = |index: usize| all.iter().filter(|parts| parts[index]).count();
    for [delay, abort, response, rate] in &all {
        assert!((!delay || *abort) && !response && *rate);
    }
    assert!((4_500..5_500).contains(&count(0)), "{}", count(0));
    assert!((19_000..21_000).contains(&count(1)), "{}", count(1));
}

#[test]
fn independent_draws_coincide_by_chance() {
    for document in [document([20.0; 4], "INDEPENDENT"), {
        let mut document = document([20.0; 4], "");
        document["http"][0]["fault"].as_object_mut().unwrap().remove("draw");
        document
    }] {
        let all = parts(&policy(&document), random_draws(REQUESTS));
        let both = all.iter().filter(|parts| parts[0] && parts[1]).count();
        assert!((3_500..4_500).contains(&both), "{both}");
    }
}

#[test]
fn a_shared_draw_of_a_key_is_that_of_the_delay() {
    let mut document = document([0.0, 50.0, 50.0, 0.0], "SHARED");
    document["http"][0]["name"] = json!("x");
    document["http"][0]["consistentHash"] = json!({"httpHeaderName": "x-user"});
    let policy = policy(&document);
    for user in 0..1_000 {
        let user = format!("user-{user}");
        let is_hit = Draws::from_key("x", user.as_bytes()).delay < 500_000;
        let plan = policy.decide(&request(&[("x-user", &user)]), &LOWEST, now()).plan;
        assert_eq!(plan.is_some(), is_hit, "{user}");
        assert!(plan.is_none_or(|plan| plan.abort.is_some() && plan.changes_response));
    }
}

#[test]
fn an_explanation_shows_the_shared_draw() {
    let policy = policy(&document([5.0, 20.0, 0.0, 0.0], "SHARED"));
    let draws = Draws { delay: 100_000, abort: 999_999, response: 0, rate: 0, length: 1 };
    let explained = policy.explain(&request(&[]), &draws, now()).to_string();
    for line in ["delay: the draw 10 % is not below 5 %", "abort: the draw 10 % is below 20 %"] {
        assert!(explained.contains(line), "{explained}");
    }
}
