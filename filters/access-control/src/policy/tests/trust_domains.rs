//! Aliases of the trust domain.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns the trust domains whose service account `shop/web` an action matches.
fn matched(action: &str, aliases: &Value, rule: &Value) -> Vec<&'static str> {
    let document = json!({"action": action, "rules": [rule], "trustDomainAliases": aliases});
    let compiled = policies(&document);
    let domains = ["cluster.local", "td1", "old-td", "new-td", "other"];
    let is_matched = |domain: &&str| {
        let principal = format!("spiffe://{domain}/ns/shop/sa/web");
        let request = Request { source_principal: Some(principal.into_bytes()), ..request(&[]) };
        let verdict = compiled.decide(&request, SystemTime::UNIX_EPOCH).verdict;
        verdict.is_allowed == (action == "ALLOW")
    };
    domains.into_iter().filter(is_matched).collect()
}

#[test]
fn identities_match_under_each_alias() {
    let aliases = json!(["td1", "old-td"]);
    let listed = json!(["cluster.local", "td1"]);
    for (field, value, aliases, allowed, denied) in [
        ("principals", "td1/ns/shop/sa/web", &json!([]), &["td1"][..], &["td1"][..]),
        // Whether cluster.local is the trust domain is unknown, so it is only denied.
        (
            "principals",
            "td1/ns/shop/sa/web",
            &aliases,
            &["td1", "old-td"],
            &["cluster.local", "td1", "old-td"],
        ),
        (
            "principals",
            "cluster.local/ns/shop/sa/web",
            &aliases,
            &["td1", "old-td"],
            &["cluster.local", "td1", "old-td"],
        ),
        (
            "principals",
            "td1/ns/shop/sa/*",
            &listed,
            &["cluster.local", "td1"],
            &["cluster.local", "td1"],
        ),
        (
            "principals",
            "*-td/ns/shop/sa/web",
            &aliases,
            &["td1", "old-td", "new-td"],
            &["cluster.local", "td1", "old-td", "new-td"],
        ),
        // Another trust domain, and values that are not whole identities.
        ("principals", "other/ns/shop/sa/web", &aliases, &["other"], &["other"]),
        ("principals", "td1/ns/shop/*", &aliases, &["td1"], &["td1"]),
        ("trustDomains", "td1", &listed, &["cluster.local", "td1"], &["cluster.local", "td1"]),
        ("trustDomains", "td1", &aliases, &["td1", "old-td"], &["cluster.local", "td1", "old-td"]),
        ("trustDomains", "other", &aliases, &["other"], &["other"]),
        ("trustDomains", "td*", &aliases, &["td1"], &["td1"]),
    ] {
        let rule = json!({"from": [{"source": {field: [value]}}]});
        let negated = if field == "principals" { "notPrincipals" } else { "notTrustDomains" };
        let not = json!({"from": [{"source": {negated: [value]}}]});
        let without = |domains: &[&str]| {
            let all = ["cluster.local", "td1", "old-td", "new-td", "other"];
            all.into_iter().filter(|name| !domains.contains(name)).collect::<Vec<_>>()
        };
        assert_eq!(matched("ALLOW", aliases, &rule), allowed, "{rule} {aliases}");
        assert_eq!(matched("DENY", aliases, &rule), denied, "{rule} {aliases}");
        assert_eq!(matched("ALLOW", aliases, &not), without(denied), "{not} {aliases}");
        assert_eq!(matched("DENY", aliases, &not), without(allowed), "{not} {aliases}");
        if field == "principals" {
            let when = json!({"when": [{"key": "source.principal", "values": [value]}]});
            assert_eq!(matched("ALLOW", aliases, &when), allowed, "{when} {aliases}");
        }
    }
}

#[test]
fn bad_aliases_are_refused() {
    for (alias, message) in [
        ("", "trustDomainAliases[0]: must be a trust domain such as td.example, got \"\""),
        ("a.$b", "trustDomainAliases[0]: must be a trust domain"),
        ("a/b", "trustDomainAliases[0]: must be a trust domain"),
        ("*.b", "trustDomainAliases[0]: must be a trust domain"),
        ("-a", "trustDomainAliases[0]: must be a trust domain"),
        ("A", "trustDomainAliases[0]: must be a trust domain"),
        ("a..b", "trustDomainAliases[0]: must be a trust domain"),
        ("td1", "trustDomainAliases[1]: must be unique, got \"td1\" twice"),
    ] {
        let aliases = json!([alias, "td1"]);
        let found = errors(&json!({"rules": [], "trustDomainAliases": aliases}));
        assert!(found.contains(message), "{found}");
    }
    policies(&json!({"rules": [], "trustDomainAliases": ["td-1.example.", "1"]}));
    let many: Vec<_> = (0..65).map(|index| format!("td{index}")).collect();
    let found = errors(&json!({"rules": [], "trustDomainAliases": many}));
    assert!(found.contains("trustDomainAliases: must have at most 64 entries, got 65"), "{found}");
}
