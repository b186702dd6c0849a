//! Ways around a policy.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn no_spelling_of_a_path_leads_around_a_denial() {
    let document = json!({"policies": [
        policy("DENY", json!([{"to": [{"operation": {"paths": ["/admin", "/admin/*"]}}]}])),
    ]});
    for path in [
        "/admin",
        "/admin/x",
        "/admin?a",
        "/admin;x=1",
        "/%61dmin",
        "/x/../admin",
        "/./admin",
        "//admin",
        "/admin%2fx",
        "/admin\\x",
        "/x%2f..%2fadmin",
        "/%2561dmin",
        "/admin#x",
    ] {
        assert!(!allows(&document, &request(&[(":path", path)])), "{path}");
    }
    assert!(allows(&document, &request(&[(":path", "/shop")])));
}

#[test]
fn no_spelling_of_a_path_leads_into_a_grant() {
    let document = json!({"policies": [
        policy("ALLOW", json!([{"to": [{"operation": {"paths": ["/public/*"]}}]}])),
    ]});
    for path in
        ["/public/../admin", "/public/..%2fadmin", "/public/%2e%2e/admin", "/public/..\\admin"]
    {
        assert!(!allows(&document, &request(&[(":path", path)])), "{path}");
    }
    assert!(allows(&document, &request(&[(":path", "/public/a.css?x=/../")])));
}

#[test]
fn no_spelling_of_a_host_leads_around_a_denial() {
    let document = json!({"policies": [
        policy("DENY", json!([{"to": [{"operation": {"hosts": ["admin.example"]}}]}])),
    ]});
    for host in ["admin.example", "ADMIN.example", "admin.example:8080", "admin.example."] {
        assert!(!allows(&document, &request(&[(":authority", host)])), "{host}");
    }
    assert!(allows(&document, &request(&[])));
}

#[test]
fn a_repeated_header_leads_nowhere() {
    let rules = json!([{"when": [{"key": "request.headers[x-role]", "values": ["guest"]}]}]);
    let twice = request(&[("x-role", "admin"), ("x-role", "guest")]);
    assert!(!allows(&json!({"policies": [policy("DENY", rules.clone())]}), &twice));
    assert!(!allows(&json!({"policies": [policy("ALLOW", rules)]}), &twice));
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_unsure() {
    let rule = json!({"to": [{"operation": {"paths": ["/admin"]}}]});
    for path in ["/x/..;/admin", "/%61dmin", "/admin;x=1"] {
        assert!(is_unsure(&rule, &request(&[(":path", path)])), "{path}");
    }
}
