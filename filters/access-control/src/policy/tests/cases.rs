//! Tests in the document.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn document(tests: Value) -> Value {
    json!({
        "policies": [
            {"name": "admins", "rules": [{
                "from": [{"source": {"requestPrincipals": ["https://idp/*"]}}],
                "to": [{"operation": {"paths": ["/admin/*"], "ports": ["8080"]}}],
                "when": [{"key": "request.headers[x-role]", "values": ["admin"]}],
            }]},
            {"name": "office", "action": "DENY", "rules": [
                {"name": "outside", "from": [{"source": {"notRemoteIpBlocks": ["10.0.0.0/8"]}}]},
            ]},
            {"name": "next", "action": "DENY", "dryRun": true, "rules": [
                {"to": [{"operation": {"methods": ["DELETE"]}}]},
            ]},
        ],
        "tests": tests,
    })
}

fn admin(fields: Value) -> Value {
    let mut request = json!({
        "path": "/admin/1", "port": 8080, "sourceIp": "10.1.2.3",
        "requestPrincipal": "https://idp/u1", "headers": {"X-Role": "admin"},
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

#[test]
fn tests_that_pass_accept_the_configuration() {
    policies(&document(json!([
        {"request": admin(json!({})), "expect": "ALLOW"},
        {"request": admin(json!({})), "expect": "ALLOW", "by": "admins"},
        {"request": admin(json!({})), "expect": "ALLOW", "by": "admins.rule-0"},
        {"request": admin(json!({"headers": {}})), "expect": "DENY", "by": "no_policy_allows"},
        {"request": admin(json!({"sourceIp": "192.0.2.1"})), "expect": "DENY", "by": "office.outside"},
        {"request": admin(json!({"method": "DELETE"})), "expect": "ALLOW"},
        {"request": admin(json!({"method": "DELETE"})), "expect": "DENY", "dryRun": true},
    ])));
}

#[test]
fn a_tag_is_an_attribute() {
    let rule = json!({"match": [{"attributes": {"weir.tag": {"exact": "canary"}}}]});
    policies(&json!({
        "rules": [rule],
        "tests": [
            {"request": {"tag": "canary"}, "expect": "ALLOW"},
            {"request": {"tag": "stable"}, "expect": "DENY"},
            {"request": {}, "expect": "DENY"},
        ],
    }));
}

#[test]
fn a_test_that_fails_refuses_the_configuration() {
    for (case, message) in [
        (
            json!({"name": "admin", "request": admin(json!({})), "expect": "DENY"}),
            "tests[0] (\"admin\"): must be DENY, is ALLOW by admins.rule-0",
        ),
        (
            json!({"request": admin(json!({})), "expect": "ALLOW", "by": "admin"}),
            "tests[0]: must be ALLOW by admin, is ALLOW by admins.rule-0",
        ),
        (
            json!({"request": {}, "expect": "ALLOW"}),
            "tests[0]: must be ALLOW, is DENY by office.outside",
        ),
        (json!({"request": {}}), "tests[0].expect: must be given: ALLOW or DENY"),
    ] {
        let errors = errors(&document(json!([case])));
        assert!(errors.contains(message), "{errors}");
    }
}

#[test]
fn requests_without_an_identity_are_asked_for_one() {
    let document = json!({"policies": [policy("ALLOW", json!([]))], "unauthenticatedStatus": 401});
    let compiled = policies(&document);
    let anonymous = Request { source_principal: None, ..request(&[]) };
    let reply = |request: &Request| {
        let decision = compiled.decide(request, SystemTime::UNIX_EPOCH);
        compiled.reply(&decision, &request.headers)
    };
    let challenge = reply(&anonymous);
    assert_eq!(challenge.status, 401);
    assert!(
        challenge
            .headers
            .iter()
            .any(|(name, value)| { name.as_str() == "www-authenticate" && value == b"Bearer" })
    );
    assert_eq!(reply(&request(&[])).status, 403);
    assert!(errors(&json!({"rules": [], "unauthenticatedStatus": 402})).contains("402"));
}

#[test]
fn default_deny_begins_with_a_share() {
    let document = json!({"policies": [policy("ALLOW", json!([]))], "enforced": {"value": 0}});
    let decision = policies(&document).decide(&request(&[]), SystemTime::UNIX_EPOCH);
    assert!(!decision.verdict.is_allowed && decision.is_tolerated);
    let deny = json!({"policies": [policy("DENY", json!([{}]))], "enforced": {"value": 0}});
    let decision = policies(&deny).decide(&request(&[]), SystemTime::UNIX_EPOCH);
    assert!(!decision.is_tolerated);
}
