//! The values of sources, operations and conditions.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn from(source: Value) -> Value {
    json!({"from": [{"source": source}]})
}

fn to(operation: Value) -> Value {
    json!({"to": [{"operation": operation}]})
}

fn when(key: &str, values: Value) -> Value {
    json!({"when": [{"key": key, "values": values}]})
}

fn with_claims(claims: Value) -> Request {
    Request { claims: Some(claims), ..request(&[]) }
}

#[test]
fn identities_of_certificates() {
    for (source, expected) in [
        (json!({"principals": ["cluster.local/ns/shop/sa/web"]}), true),
        (json!({"principals": ["cluster.local/ns/shop/sa/we"]}), false),
        (json!({"principals": ["cluster.local/ns/shop/*"]}), true),
        (json!({"principals": ["*/sa/web"]}), true),
        (json!({"principals": ["*"]}), true),
        (json!({"principals": ["spiffe://cluster.local/ns/shop/sa/web"]}), false),
        (json!({"notPrincipals": ["*/sa/web"]}), false),
        (json!({"notPrincipals": ["*/sa/other"]}), true),
        (json!({"namespaces": ["shop"]}), true),
        (json!({"namespaces": ["sho"]}), false),
        (json!({"namespaces": ["sh*"]}), true),
        (json!({"namespaces": ["*op"]}), true),
        (json!({"namespaces": ["*"]}), true),
        (json!({"notNamespaces": ["shop"]}), false),
        (json!({"serviceAccounts": ["shop/web"]}), true),
        (json!({"serviceAccounts": ["shop/we"]}), false),
        (json!({"serviceAccounts": ["other/web"]}), false),
        (json!({"trustDomains": ["cluster.local"]}), true),
        (json!({"trustDomains": ["cluster"]}), false),
        (json!({"trustDomains": ["cluster*"]}), true),
        (json!({"trustDomains": ["*.local"]}), true),
        (json!({"notTrustDomains": ["cluster.local"]}), false),
        (json!({"serviceAccounts": ["shop/web", "other/web"]}), true),
        (json!({"principals": ["*"], "notNamespaces": ["shop"]}), false),
    ] {
        assert_eq!(matches(&from(source.clone()), &request(&[])), expected, "{source}");
    }
    for (domain, expected) in [("cluster.local", true), ("*.local", true), ("local", false)] {
        let rule = when("source.trustDomain", json!([domain]));
        assert_eq!(matches(&rule, &request(&[])), expected, "{domain}");
    }
    for (principal, expected) in [
        ("spiffe://cluster.local/ns/shop/sa/web/pod/a", true),
        ("spiffe://cluster.local/ns/shop/region/eu/sa/web", true),
        ("spiffe://cluster.local/ns/shop/sa/web-2", false),
    ] {
        let request = Request { source_principal: Some(principal.into()), ..request(&[]) };
        let rule = from(json!({"serviceAccounts": ["shop/web"]}));
        assert_eq!(matches(&rule, &request), expected, "{principal}");
    }
    let plain = Request { source_principal: None, ..request(&[]) };
    assert!(!matches(&from(json!({"principals": ["*"]})), &plain));
    assert!(matches(&from(json!({"notPrincipals": ["*"]})), &plain));
    assert!(!matches(&from(json!({"namespaces": ["*"]})), &plain));
    let other = Request { source_principal: Some(b"https://a/ns/b/sa/c".to_vec()), ..request(&[]) };
    assert!(!matches(&from(json!({"principals": ["https://a/ns/b/sa/c"]})), &other));
    assert!(!matches(&from(json!({"principals": ["*/sa/c"]})), &other));
    assert!(matches(&from(json!({"principals": ["*"]})), &other));
    assert!(!matches(&from(json!({"serviceAccounts": ["b/c"]})), &other));
}

#[test]
fn service_accounts_are_in_the_namespace_of_the_policy() {
    let document = json!({"policies": [{
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"rules": [{"from": [{"source": {"serviceAccounts": ["web"]}}]}]},
    }]});
    assert!(allows(&document, &request(&[])));
}

#[test]
fn tokens() {
    let claims = json!({
        "iss": "https://idp.example", "sub": "alice", "aud": ["shop", "web"], "azp": "app",
        "groups": ["dev", 7], "level": 5, "admin": true, "org": {"unit": "a.b"},
        "scope": "read write", "title": "read write",
    });
    let request = with_claims(claims);
    for (rule, expected) in [
        (from(json!({"requestPrincipals": ["https://idp.example/alice"]})), true),
        (from(json!({"requestPrincipals": ["*"]})), true),
        (from(json!({"requestPrincipals": ["https://idp.example/*"]})), true),
        (from(json!({"requestPrincipals": ["*/alice"]})), true),
        (from(json!({"requestPrincipals": ["*/bob"]})), false),
        (from(json!({"requestPrincipals": ["https://*"]})), false),
        (from(json!({"requestPrincipals": ["https:*"]})), true),
        (from(json!({"notRequestPrincipals": ["*"]})), false),
        (when("request.auth.principal", json!(["https://idp.example/alice"])), true),
        (when("request.auth.audiences", json!(["web"])), true),
        (when("request.auth.audiences", json!(["we"])), false),
        (when("request.auth.presenter", json!(["app"])), true),
        (when("request.auth.claims[groups]", json!(["dev"])), true),
        (when("request.auth.claims[groups]", json!(["ops"])), false),
        (when("request.auth.claims[org][unit]", json!(["a.b"])), true),
        (when("request.auth.claims[scope]", json!(["write"])), true),
        (when("request.auth.claims[scope]", json!(["read write"])), false),
        (when("request.auth.claims[scope]", json!(["rea"])), false),
        (when("request.auth.claims[title]", json!(["write"])), false),
        (when("request.auth.claims[title]", json!(["read write"])), true),
        (when("request.auth.claims[none]", json!(["*"])), false),
        (when("request.auth.claims[level]", json!(["6"])), false),
    ] {
        assert_eq!(matches(&rule, &request), expected, "{rule}");
    }
    for rule in [
        when("request.auth.claims[level]", json!(["5"])),
        when("request.auth.claims[admin]", json!(["true"])),
        when("request.auth.claims[groups]", json!(["7"])),
    ] {
        assert!(is_unsure(&rule, &request), "{rule}");
    }
    let range = json!({"when": [
        {"key": "request.auth.claims[level]", "match": {"range": {"from": 5, "to": 6}}},
    ]});
    assert!(matches(&range, &request));
    let anonymous = super::request(&[]);
    assert!(!matches(&from(json!({"requestPrincipals": ["*"]})), &anonymous));
    assert!(matches(&from(json!({"notRequestPrincipals": ["*"]})), &anonymous));
}

#[test]
fn a_subject_with_a_slash_never_passes_for_another_issuer() {
    let request = with_claims(json!({"iss": "https://idp.example", "sub": "a/alice"}));
    assert!(is_unsure(
        &from(json!({"requestPrincipals": ["https://idp.example/a/alice"]})),
        &request
    ));
    assert!(!matches(&from(json!({"requestPrincipals": ["https://idp.example/alice"]})), &request));
}

#[test]
fn addresses() {
    for (rule, expected) in [
        (from(json!({"ipBlocks": ["10.0.0.0/8"]})), true),
        (from(json!({"ipBlocks": ["10.1.2.3"]})), true),
        (from(json!({"ipBlocks": ["10.1.2.4"]})), false),
        (from(json!({"notIpBlocks": ["10.0.0.0/8"]})), false),
        (from(json!({"remoteIpBlocks": ["10.0.0.0/8", "192.0.2.0/24"]})), true),
        (when("source.ip", json!(["10.0.0.0/8"])), true),
        (when("remote.ip", json!(["192.0.2.0/24"])), false),
        (when("destination.port", json!(["8080"])), true),
        (to(json!({"ports": ["8080"]})), true),
        (to(json!({"ports": ["808"]})), false),
        (to(json!({"notPorts": ["8080"]})), false),
    ] {
        assert_eq!(matches(&rule, &request(&[])), expected, "{rule}");
    }
    // The address comes from x-forwarded-for, so that of the peer is hidden.
    let mut forwarded = request(&[]);
    forwarded.attributes.insert("source.address".to_owned(), b"10.1.2.3:0".to_vec());
    assert!(is_unsure(&from(json!({"ipBlocks": ["10.0.0.0/8"]})), &forwarded));
    assert!(is_unsure(&from(json!({"notIpBlocks": ["192.0.2.0/24"]})), &forwarded));
    assert!(matches(&from(json!({"remoteIpBlocks": ["10.0.0.0/8"]})), &forwarded));
    for text in [&b""[..], b"pipe", b"10.1.2.3", b"\xff"] {
        forwarded.attributes.insert("source.address".to_owned(), text.to_vec());
        assert!(is_unsure(&from(json!({"remoteIpBlocks": ["10.0.0.0/8"]})), &forwarded));
    }
}

#[test]
fn operations() {
    for (operation, headers, expected) in [
        (json!({"methods": ["GET"]}), &[][..], true),
        (json!({"methods": ["get"]}), &[], false),
        (json!({"methods": ["P*"]}), &[(":method", "POST")], true),
        (json!({"hosts": ["SHOP.example"]}), &[], true),
        (json!({"hosts": ["*.example"]}), &[(":authority", "Shop.EXAMPLE")], true),
        (json!({"notHosts": ["shop.example"]}), &[], false),
        (json!({"paths": ["/a"]}), &[(":path", "/a?b=1")], true),
        (json!({"paths": ["/a"]}), &[(":path", "/a#b")], true),
        (json!({"paths": ["/a/*"]}), &[(":path", "/a/b/c")], true),
        (json!({"paths": ["*/c"]}), &[(":path", "/a/b/c")], true),
        (json!({"paths": ["/a/{*}/c"]}), &[(":path", "/a/b/c")], true),
        (json!({"paths": ["/a/{**}"]}), &[(":path", "/a/b/c")], true),
        (json!({"paths": ["/a/{*}"]}), &[(":path", "/a/b/c")], false),
        (json!({"methods": ["GET"], "notPaths": ["/"]}), &[], false),
    ] {
        assert_eq!(matches(&to(operation.clone()), &request(headers)), expected, "{operation}");
    }
}

#[test]
fn headers_in_conditions() {
    let rule = when("request.headers[X-User]", json!(["alice"]));
    for (headers, expected) in [
        (&[][..], false),
        (&[("x-user", "alice")], true),
        (&[("x-user", "Alice")], false),
        (&[("x-user", "alice"), ("x-other", "bob")], true),
    ] {
        assert_eq!(matches(&rule, &request(headers)), expected, "{headers:?}");
    }
    for headers in [
        &[("x-user", "alice"), ("x-user", "bob")],
        &[("x-user", "alice"), ("x-user", "alice")],
        &[("x-user", "bob"), ("x-user", "alice")],
    ] {
        assert!(is_unsure(&rule, &request(headers)), "{headers:?}");
    }
    let absent = json!({"when": [{"key": "request.headers[x-user]", "notValues": ["*"]}]});
    assert!(matches(&absent, &request(&[])));
    assert!(!matches(&absent, &request(&[("x-user", "a")])));
    // As in Istio, an empty header is present.
    assert!(!matches(&absent, &request(&[("x-user", "")])));
    assert!(matches(&when("request.headers[x-user]", json!(["*"])), &request(&[("x-user", "")])));
    let between = json!({"when": [
        {"key": "request.headers[x-level]", "match": {"range": {"from": 3, "to": 5}}},
    ]});
    assert!(matches(&between, &request(&[("x-level", "4")])));
    assert!(!matches(&between, &request(&[("x-level", "5")])));
}

#[test]
fn lists_and_matches_read_the_part_of_the_identity_that_values_read() {
    for (key, value, other) in [
        (
            "source.principal",
            "cluster.local/ns/shop/sa/web",
            "spiffe://cluster.local/ns/shop/sa/web",
        ),
        ("source.namespace", "shop", "web"),
        ("source.trustDomain", "cluster.local", "shop"),
    ] {
        for (text, expected) in [(value, true), (other, false)] {
            for rule in [
                json!({"when": [{"key": key, "inLists": ["listed"]}]}),
                json!({"when": [{"key": key, "match": {"exact": text}}]}),
            ] {
                for action in ["ALLOW", "DENY"] {
                    let policies = json!([policy(action, json!([rule]))]);
                    let lists = json!({"listed": {"values": [text]}});
                    let document = json!({"policies": policies, "lists": lists});
                    let is_allowed = allows(&document, &request(&[]));
                    assert_eq!(is_allowed, expected == (action == "ALLOW"), "{document}");
                }
            }
        }
    }
    // Istio finds both namespaces.
    let principal = Some(b"spiffe://td/ns/a/ns/b/sa/c".to_vec());
    let request = Request { source_principal: principal, ..request(&[]) };
    let rule = json!({"when": [{"key": "source.namespace", "match": {"exact": "b"}}]});
    assert!(is_unsure(&rule, &request));
}

#[test]
fn a_mapped_address_must_match_in_both_versions() {
    let source = |field: &str, range: &str| from(json!({field: [range]}));
    let at = |address: &str| Request {
        attributes: [("source.address".to_owned(), address.as_bytes().to_vec())].into(),
        ..request(&[])
    };
    let mapped = at("[::ffff:10.1.2.3]:0");
    for range in ["::ffff:10.1.2.3", "::ffff:10.0.0.0/104"] {
        assert!(matches(&source("remoteIpBlocks", range), &mapped), "{range}");
        // Envoy compares addresses of one version only.
        assert!(is_unsure(&source("remoteIpBlocks", range), &at("10.1.2.3:0")), "{range}");
    }
    for range in ["10.0.0.0/8", "::/0"] {
        assert!(is_unsure(&source("remoteIpBlocks", range), &mapped), "{range}");
        assert!(is_unsure(&source("notRemoteIpBlocks", range), &mapped), "{range}");
    }
    assert!(!matches(&source("remoteIpBlocks", "11.0.0.0/8"), &mapped));
}
