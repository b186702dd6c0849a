//! Explanations for selected clients.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns the explanation of the decision about a request of an operator.
fn explained(mut document: Value, headers: &[(&str, &str)]) -> Option<String> {
    document["explain"] = json!([{"headers": {"x-team": {"exact": "operators"}}}]);
    let compiled = policies(&document);
    let request = request(headers);
    let decision = compiled.decide(&request, SystemTime::UNIX_EPOCH);
    compiled.explain(&decision, &request, SystemTime::UNIX_EPOCH)
}

fn rule(principal: &str, path: &str) -> Value {
    json!({
        "from": [{"source": {"principals": [principal]}}],
        "to": [{"operation": {"paths": [path]}}],
    })
}

#[test]
fn explains_the_deciding_or_the_closest_rule() {
    let web = "cluster.local/ns/shop/sa/web";
    let repeated = [("x-a", "1"), ("x-a", "2")];
    let when = json!({"when": [{"key": "request.headers[x-a]", "values": ["1"]}]});
    for (documents, headers, expected) in [
        (
            json!([policy("ALLOW", json!([rule("other", "/a"), rule("other", "/b")]))]),
            &[][..],
            "decision=deny;by=no_allow;closest=allow.rule-0;failed=principals,paths",
        ),
        (
            json!([policy("ALLOW", json!([rule("other", "/a"), rule(web, "/b")]))]),
            &[],
            "decision=deny;by=no_allow;closest=allow.rule-1;failed=paths",
        ),
        (
            json!([policy(
                "ALLOW",
                json!([
                    {"from": [
                        {"source": {"principals": ["a"], "notNamespaces": ["shop"]}},
                        {"source": {"principals": [web], "requestPrincipals": ["*"]}},
                    ], "match": [{"method": {"exact": "PUT"}}],
                     "schedule": {"startsAt": "2030-01-01T00:00:00Z"}},
                ])
            )]),
            &[],
            "decision=deny;by=no_allow;closest=allow.rule-0;failed=requestPrincipals,match,schedule",
        ),
        (
            json!([policy("ALLOW", json!([when]))]),
            &repeated,
            "decision=deny;by=no_allow;closest=allow.rule-0;failed=request.headers[x-a]?",
        ),
        (
            json!([policy("DENY", json!([when]))]),
            &repeated,
            "decision=deny;by=deny.rule-0;unsure=request.headers[x-a]",
        ),
        (json!([policy("DENY", json!([{}]))]), &[], "decision=deny;by=deny.rule-0"),
        (json!([policy("ALLOW", json!([]))]), &[], "decision=deny;by=no_allow"),
        (json!([policy("ALLOW", json!([{}]))]), &[], "decision=allow;by=allow.rule-0"),
        (json!([policy("DENY", json!([]))]), &[], "decision=allow;by=no_policy"),
        (
            json!([policy(
                "ALLOW",
                json!([{"when": [
                    {"key": "request.auth.claims[a;b=c\u{e9}]", "values": ["x"]},
                ]}])
            )]),
            &[],
            "decision=deny;by=no_allow;closest=allow.rule-0;failed=request.auth.claims[a_b_c_]",
        ),
        (
            json!([
                {"name": "new", "action": "DENY", "dryRun": true, "rules": [{}]},
                {"name": "shadow", "dryRun": true, "rules": [{}]},
            ]),
            &[],
            "decision=allow;by=no_policy;dry_run=deny;dry_run_by=new.rule-0",
        ),
        (
            json!([{"name": "new", "action": "DENY", "rules": [{}], "enforced": {"value": 0}}]),
            &[],
            "decision=deny;by=new.rule-0;enforced=false",
        ),
    ] {
        let document = json!({"policies": documents});
        let headers: Vec<_> = headers.iter().copied().chain([("x-team", "operators")]).collect();
        assert_eq!(explained(document.clone(), &headers).as_deref(), Some(expected), "{document}");
        assert_eq!(explained(document, &[("x-team", "others")]), None);
    }
}

#[test]
fn only_a_client_that_surely_matches_gets_an_explanation() {
    let document = json!({"policies": [policy("ALLOW", json!([]))]});
    for headers in [&[][..], &[("x-team", "operators"), ("x-team", "others")]] {
        assert_eq!(explained(document.clone(), headers), None, "{headers:?}");
    }
}

#[test]
fn an_explanation_has_a_limited_length() {
    let conditions: Vec<_> = (0..100)
        .map(|index| json!({"key": format!("request.headers[x-header-{index}]"), "values": ["a"]}))
        .collect();
    let document = json!({"policies": [policy("ALLOW", json!([{"when": conditions}]))]});
    let text = explained(document, &[("x-team", "operators")]).unwrap();
    assert_eq!(text.len(), 1024);
}

#[test]
fn the_parts_that_select_clients_are_read_only_for_requests_with_the_header() {
    let mut document = json!({"policies": [policy("ALLOW", json!([{}]))]});
    assert!(policies(&document).needs().is_empty());
    document["explain"] = json!([{"claims": {"role": {"exact": "operator"}}}]);
    let compiled = policies(&document);
    assert!(!compiled.needs().claims);
    assert!(compiled.explain_needs().is_some_and(|needs| needs.claims));
    for (value, is_requested) in [("1", true), ("0", false), ("", false)] {
        let request = request(&[("x-weir-explain", value)]);
        assert_eq!(compiled.is_explanation_requested(&request), is_requested, "{value}");
    }
    document["explain"] = json!([{"any": []}]);
    assert!(errors(&document).contains("explain[0].any: must not be empty"));
}

#[test]
fn an_explanation_names_the_field_that_is_unsure() {
    let to = json!([{"operation": {"methods": ["POST"]}}, {"operation": {"paths": ["/admin"]}}]);
    let policies = policies(&json!({
        "policies": [policy("DENY", json!([{"to": to}]))],
        "explain": [{"headers": {"x-team": {"exact": "operators"}}}],
    }));
    let request = request(&[("x-team", "operators"), (":path", "//admin")]);
    let decision = policies.decide(&request, SystemTime::UNIX_EPOCH);
    assert_eq!(
        policies.explain(&decision, &request, SystemTime::UNIX_EPOCH).unwrap(),
        "decision=deny;by=deny.rule-0;unsure=paths"
    );
}
