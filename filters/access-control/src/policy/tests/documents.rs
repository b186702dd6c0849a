//! Documents that are accepted or refused.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn an_authorization_policy_pastes_in_whole() {
    let rules = json!([{
        "from": [{"source": {"requestPrincipals": ["*"]}}],
        "to": [{"operation": {"paths": ["/admin/*"], "methods": ["GET", "POST", "DELETE"]}}],
        "when": [{"key": "request.headers[x-user-role]", "values": ["admin"]}],
    }]);
    let document = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {
            "name": "jwt-authorization", "namespace": "api-gateway", "uid": "4b2c",
            "resourceVersion": "1", "generation": 2,
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        "spec": {"action": "ALLOW", "rules": rules},
        "status": {},
    });
    let token = json!({"iss": "https://idp", "sub": "u1"});
    let request = |role: &str| Request {
        claims: Some(token.clone()),
        ..super::request(&[(":path", "/admin/1"), ("x-user-role", role)])
    };
    for document in [json!({"policies": [document]}), json!({"action": "ALLOW", "rules": rules})] {
        assert!(allows(&document, &request("admin")));
        assert!(!allows(&document, &request("user")));
    }
}

#[test]
fn the_annotation_of_istio_is_a_dry_run() {
    let document = |value: &str| {
        json!({"policies": [{
            "metadata": {"name": "a", "annotations": {"istio.io/dry-run": value}},
            "spec": {"action": "DENY", "rules": [{}]},
        }]})
    };
    assert!(allows(&document("true"), &request(&[])));
    assert!(!allows(&document("false"), &request(&[])));
    assert!(errors(&document("yes")).contains("annotations[\"istio.io/dry-run\"]: must be true"));
}

#[test]
fn bad_documents_are_refused_with_the_path() {
    let rule = |rule: Value| json!({"policies": [{"name": "a", "rules": [rule]}]});
    for (document, message) in [
        (json!({}), "policies: must have at least one policy"),
        (json!({"policies": []}), "policies: must have at least one policy"),
        (json!({"policies": [{"action": "CUSTOM"}]}), "policies[0].action"),
        (
            json!({"policies": [{"selector": {"matchLabels": {"a": "b"}}}]}),
            "policies[0].selector: must not be given: it belongs to the WasmPlugin",
        ),
        (
            json!({"policies": [{"name": "a"}, {"name": "a"}]}),
            "policies[1].name: must be unique, got \"a\" twice",
        ),
        (
            json!({"policies": [{"kind": "RequestAuthentication", "spec": {}}]}),
            "policies[0].kind: must be AuthorizationPolicy, got \"RequestAuthentication\"",
        ),
        (
            json!({"policies": [{"kind": "AuthorizationPolicy"}]}),
            "policies[0].spec: must be given with kind",
        ),
        (rule(json!({"from": []})), "policies[0].rules[0].from: must have at least one entry"),
        (rule(json!({"from": [{}]})), "policies[0].rules[0].from[0].source: must be given"),
        (
            rule(json!({"from": [{"source": {}}]})),
            "policies[0].rules[0].from[0].source: must have at least one list of values",
        ),
        (
            rule(json!({"from": [{"source": {"ipBlocks": ["10.0.0.0/99"]}}]})),
            "policies[0].rules[0].from[0].source.ipBlocks[0]: must be an address range",
        ),
        (
            rule(json!({"from": [{"source": {"serviceAccounts": ["web"]}}]})),
            "policies[0].rules[0].from[0].source.serviceAccounts[0]: must be <namespace>/<name>",
        ),
        (
            rule(json!({"from": [{"source": {
                "notServiceAccounts": ["a/b"], "principals": ["c"],
            }}]})),
            "source.principals: must not be given together with notServiceAccounts",
        ),
        (
            rule(json!({"from": [{"source": {
                "serviceAccounts": ["a/b"], "notPrincipals": ["c"],
            }}]})),
            "source.notPrincipals: must not be given together with serviceAccounts",
        ),
        (
            rule(json!({"from": [{"source": {
                "notServiceAccounts": ["a/b"], "namespaces": ["c"],
            }}]})),
            "source.namespaces: must not be given together with notServiceAccounts",
        ),
        (
            rule(json!({"from": [{"source": {
                "serviceAccounts": ["a/b"], "notNamespaces": ["c"],
            }}]})),
            "source.notNamespaces: must not be given together with serviceAccounts",
        ),
        (
            rule(json!({"from": [{"source": {"serviceAccounts": vec!["a/b"; 17]}}]})),
            "source.serviceAccounts: must have at most 16 entries, got 17",
        ),
        (
            rule(json!({"from": [{"source": {"notServiceAccounts": vec!["a/b"; 17]}}]})),
            "source.notServiceAccounts: must have at most 16 entries, got 17",
        ),
        (
            rule(json!({"from": [{"source": {"trustDomains": ["a/b"]}}]})),
            "policies[0].rules[0].from[0].source.trustDomains[0]: must be a trust domain without '/'",
        ),
        (
            rule(json!({"when": [{"key": "source.trustDomain", "values": ["a*b*"]}]})),
            "policies[0].rules[0].when[0].values[0]: must have at most one '*'",
        ),
        (
            rule(json!({"to": [{"operation": {"ports": ["0"]}}]})),
            "policies[0].rules[0].to[0].operation.ports[0]: must be a port",
        ),
        (
            rule(json!({"to": [{"operation": {"paths": ["/a/{*}{x}"]}}]})),
            "policies[0].rules[0].to[0].operation.paths[0]: must be a path template",
        ),
        (
            rule(json!({"to": [{"operation": {"methods": [""]}}]})),
            "policies[0].rules[0].to[0].operation.methods[0]: must not be empty",
        ),
        (
            rule(json!({"when": [{"key": "request.header[x]", "values": ["a"]}]})),
            "policies[0].rules[0].when[0].key: must be one of request.headers[<name>]",
        ),
        (
            rule(json!({"when": [{"key": "source.ip"}]})),
            "policies[0].rules[0].when[0]: must have at least one list of values",
        ),
        (
            json!({"policies": [{"action": "ALLOW", "enforced": {"value": 1}}]}),
            "policies[0].enforced: must be given for action DENY only",
        ),
        (
            json!({"policies": [{"schedule": {"rampUp": "1h", "startsAt": "2030-01-01T00:00:00Z"}}]}),
            "policies[0].schedule.rampUp: must be given for action DENY only",
        ),
        (
            rule(json!({"schedule": {"rampUp": "1h", "startsAt": "2030-01-01T00:00:00Z"}})),
            "policies[0].rules[0].schedule.rampUp: must not be given",
        ),
    ] {
        let errors = errors(&document);
        assert!(errors.contains(message), "{document}\n{errors}");
    }
}
