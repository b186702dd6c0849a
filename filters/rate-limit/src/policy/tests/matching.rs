//! Entries: the first match, exemptions, and requests with several readings.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns an entry with a limit of the same name; without one if `name` is `exempt`.
fn entry(name: &str, condition: Value) -> Value {
    let limits = if name == "exempt" { json!([]) } else { json!([limit(name, json!({}))]) };
    json!({"name": name, "match": [condition], "limits": limits})
}

fn site() -> Policy {
    policy(&json!({
    "limits": [limit("pod", json!({}))],
    "http": [
        entry("exempt", json!({"uri": {"exact": "/healthz"}})),
        entry("login", json!({"uri": {"exact": "/login"}, "method": {"exact": "POST"}})),
        entry("beta", json!({"headers": {"x-beta": {"exact": "1"}}})),
        entry("api", json!({"uri": {"prefix": "/"}})),
    ]}))
}

#[test]
fn the_first_entry_that_matches_decides() {
    let policy = site();
    for (method, path, expected) in [
        ("GET", "/healthz", ""),
        ("GET", "/healthz?deep=1", ""),
        ("POST", "/login", "login pod"),
        ("GET", "/login", "api pod"),
        ("GET", "/healthz/", "api pod"),
        ("OPTIONS", "*", "pod"),
    ] {
        let request = request(&[(":method", method), (":path", path)]);
        assert_eq!(met(&policy, &request), expected, "{method} {path}");
    }
}

#[test]
fn the_limits_of_every_reading_apply() {
    let policy = site();
    for (path, expected) in [
        ("/%6Cogin", "login api pod"),
        ("//login", "login api pod"),
        ("/x/../login", "login api pod"),
        ("/login;v=1", "login api pod"),
    ] {
        let request = request(&[(":method", "POST"), (":path", path)]);
        assert_eq!(met(&policy, &request), expected, "{path}");
    }
    for (values, expected) in [
        (&["1"][..], "beta pod"),
        (&["1", "1"], "beta pod"),
        (&["2"], "api pod"),
        (&["1", "2"], "beta api pod"),
        (&["2", "1"], "beta api pod"),
        (&["1,2"], "api pod"),
    ] {
        let headers = values.iter().map(|value| ("x-beta", *value));
        let headers: Vec<_> = headers.chain([(":path", "/a"), (":method", "GET")]).collect();
        assert_eq!(met(&policy, &request(&headers)), expected, "{values:?}");
    }
}

#[test]
fn an_unsure_exemption_exempts_from_nothing() {
    let policy = site();
    for path in ["/%68ealthz", "//healthz", "/healthz/../login", "/a/../healthz", "/healthz%2f"] {
        let met = met(&policy, &request(&[(":method", "GET"), (":path", path)]));
        assert!(met.ends_with("api pod"), "{path}: {met}");
    }
}

#[test]
fn an_exemption_after_an_unsure_entry_leaves_its_limits() {
    let policy = policy(&json!({
    "limits": [limit("pod", json!({}))],
    "http": [
        entry("beta", json!({"headers": {"x-beta": {"exact": "1"}}})),
        entry("exempt", json!({"uri": {"prefix": "/"}})),
    ]}));
    for (values, expected) in [(&["2"][..], ""), (&["1"], "beta pod"), (&["1", "2"], "beta pod")] {
        let headers = values.iter().map(|value| ("x-beta", *value));
        let headers: Vec<_> = headers.chain([(":path", "/a")]).collect();
        assert_eq!(met(&policy, &request(&headers)), expected, "{values:?}");
    }
}

#[test]
fn claims_choose_a_plan() {
    let plan_of = |plan: &str| json!({"claims": {"plan": {"exact": plan}}});
    let policy = policy(&json!({"http": [
        entry("premium", plan_of("premium")), entry("free", json!({}))]}));
    for (claims, expected) in [
        (Some(json!({"plan": "premium"})), "premium"),
        (Some(json!({"plan": "free"})), "free"),
        (Some(json!({"plan": ["trial", "premium"]})), "premium"),
        (Some(json!({})), "free"),
        (None, "free"),
    ] {
        let request = Request { claims: claims.clone(), ..Request::default() };
        assert_eq!(met(&policy, &request), expected, "{claims:?}");
    }
}

#[test]
fn encoding_a_path_variable_avoids_no_limit() {
    let key = json!({"key": [{"pathVariable": "id"}], "onMissingKey": "SKIP"});
    let policy = policy(&json!({"http": [
        {"match": [{"pathTemplate": "/users/{id}"}], "limits": [limit("item", key)]}]}));
    let plan = |path: &str| plan(&policy, &request(&[(":path", path)]));
    let key = |path: &str| plan(path).draws[0].key;
    assert_eq!(key("/users/5"), key("/users/%35?x=1"));
    assert_ne!(key("/users/5"), key("/users/6"));
    for path in ["//users/5", "/a/../users/5", "/%75sers/5"] {
        let plan = plan(path);
        assert_eq!((plan.draws.len(), plan.missing_keys), (1, 1), "{path}: shares one count");
    }
    assert!(plan("/other").is_empty());
}

#[test]
fn spellings_of_a_path_variable_have_no_counts_of_their_own() {
    let fields =
        json!({"key": [{"pathVariable": "id"}], "cost": {"from": "%PATH(id)%"}, "requests": 50});
    let policy = policy(&json!({"http": [
        {"match": [{"pathTemplate": "/t/{id}/r"}], "limits": [limit("a", fields)]}]}));
    let draw = |path| {
        let plan = plan(&policy, &request(&[(":path", path)]));
        (plan.draws[0].key, plan.draws[0].amount.cost, plan.missing_keys)
    };
    let (plain, shared) = (draw("/t/25/r"), draw("/t/25;x/r"));
    assert_eq!((plain.1, plain.2), (25, 0));
    assert_eq!((shared.1, shared.2), (25, 1), "parameters do not lower the cost");
    assert_ne!(draw("/t/26/r").0, plain.0);
    assert_eq!(draw("/t/%32%35/r"), plain);
    for path in ["/t/25;y/r", "/t/25;x=1;y=2/r", "/t/25%3bx/r", "/t/25%20/r", "/t/%2525/r"] {
        assert_eq!(draw(path).0, shared.0, "{path}");
    }
}
