//! Units of a request.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn cost(cost: Value, request: &Request) -> u64 {
    let policy = policy(&json!({"limits": [limit("a", json!({"cost": cost}))]}));
    plan(&policy, request).draws[0].amount.cost
}

#[test]
fn the_cost_is_a_number_or_comes_from_the_request() {
    let request =
        Request { claims: Some(json!({"weight": 0})), ..request(&[("x-cost", "7"), ("x-a", "0")]) };
    for (config, expected) in [
        (json!(0), 0),
        (json!(25), 25),
        (json!({"from": "%CLAIM(weight)%"}), 0),
        (json!({"from": "%CLAIM(other)%", "default": 4}), 4),
        (json!({"from": "%REQ(x-cost)%"}), 7),
        (json!({"from": "%REQ(x-cost)%", "max": 5}), 5),
        (json!({"from": "%REQ(x-a)%"}), 1),
        (json!({"from": "%REQ(x-none)%", "default": 0}), 1),
    ] {
        assert_eq!(cost(config.clone(), &request), expected, "{config}");
    }
}

#[test]
fn a_path_variable_is_a_cost() {
    let policy = policy(&json!({"http": [{"match": [{"pathTemplate": "/batch/{count}"}],
        "limits": [limit("a", json!({"cost": {"from": "%PATH(count)%", "max": 50}}))]}]}));
    for (path, expected) in
        [("/batch/7", 7), ("/batch/0", 1), ("/batch/x", 1), ("/batch/99", 50), ("/batch/%37", 7)]
    {
        let request = request(&[(":path", path)]);
        assert_eq!(plan(&policy, &request).draws[0].amount.cost, expected, "{path}");
    }
}

#[test]
fn repeated_headers_never_lower_the_cost() {
    let config = json!({"from": "%REQ(x-cost)%", "default": 9});
    for values in [&["0", "7"][..], &["7", "0"], &["1", "1"], &["", "7"]] {
        let headers: Vec<_> = values.iter().map(|value| ("x-cost", *value)).collect();
        let units = cost(config.clone(), &request(&headers));
        assert!(units >= 1, "{values:?}: {units}");
    }
}
