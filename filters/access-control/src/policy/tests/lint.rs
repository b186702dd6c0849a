//! Warnings about an accepted configuration.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn warnings(document: &Value) -> Vec<String> {
    policies(document).warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn warns_about_denied_hosts_without_ports() {
    let hosts = |action: &str, field: &str, hosts: Value| {
        let rules = json!([{"to": [{"operation": {"methods": ["GET"], field: hosts}}]}]);
        json!({"policies": [policy(action, rules)]})
    };
    for (document, is_warned) in [
        (hosts("DENY", "hosts", json!(["A.example"])), true),
        (hosts("DENY", "hosts", json!(["a.example", "b.example:*"])), true),
        (hosts("DENY", "hosts", json!(["a.example", "a.example:*"])), false),
        (hosts("DENY", "hosts", json!(["a.example", "a.*"])), false),
        (hosts("DENY", "hosts", json!(["a.example:80"])), false),
        (hosts("DENY", "hosts", json!(["*.example"])), false),
        (hosts("DENY", "notHosts", json!(["a.example"])), false),
        (hosts("ALLOW", "hosts", json!(["a.example"])), false),
    ] {
        let expected = is_warned.then(|| {
            "policies[0].rules[0].to[0].operation.hosts: has \"a.example\" without \
             \"a.example:*\": with a port, the host is unsure here and bypasses the rule in Istio"
                .to_owned()
        });
        assert_eq!(warnings(&document), Vec::from_iter(expected), "{document}");
    }
}

#[test]
fn warns_about_rules_that_never_decide() {
    let get = json!({"to": [{"operation": {"methods": ["GET"]}}]});
    let always = json!({"name": "always", "rules": [get, {}]});
    let with = |field: &str, value: Value| {
        let mut policy = always.clone();
        policy[field] = value;
        policy
    };
    let later = json!({"name": "later", "spec": {"rules": [get, get, get]}});
    let of = |first: &Value| json!({"policies": [first, later]});
    let warning = "policies[1].spec.rules[0]: never decides, nor do the 2 after it, because \
                   policies[0].rules[1] always matches before it";
    for (first, is_warned) in [
        (always.clone(), true),
        (with("action", json!("DENY")), false),
        (with("dryRun", json!(true)), false),
        (with("schedule", json!({"startsAt": "2030-01-01T00:00:00Z"})), false),
        (with("rules", json!([{"match": [{"method": {"exact": "GET"}}]}])), false),
        (with("rules", json!([{"schedule": {"startsAt": "2030-01-01T00:00:00Z"}}])), false),
    ] {
        let expected = is_warned.then(|| warning.to_owned());
        assert_eq!(warnings(&of(&first)), Vec::from_iter(expected), "{first}");
    }
    assert_eq!(
        warnings(&json!({"action": "DENY", "rules": [{}, {}]})),
        ["rules[1]: never decides, because rules[0] always matches before it"]
    );
    let share = json!({"policies": [
        {"name": "share", "action": "DENY", "rules": [{}], "enforced": {"value": 1}},
        policy("DENY", json!([get])),
    ]});
    assert!(warnings(&share).is_empty());
}

#[test]
fn warns_about_rules_that_no_test_reaches() {
    let path = |path: &str| json!({"to": [{"operation": {"paths": [path]}}]});
    let document = |tests: Value| {
        json!({
            "policies": [
                policy("ALLOW", json!([path("/a"), path("/b")])),
                policy("AUDIT", json!([path("/a")])),
                {"name": "trial", "action": "DENY", "dryRun": true, "rules": [path("/b")]},
            ],
            "tests": tests,
        })
    };
    let audited = json!({"request": {"path": "/a"}, "expect": "ALLOW"});
    let trial = json!({"request": {"path": "/b"}, "expect": "DENY", "dryRun": true});
    let allowed = json!({"request": {"path": "/b"}, "expect": "ALLOW"});
    for (tests, expected) in [
        (json!([]), &[][..]),
        (
            json!([audited]),
            &[
                "policies[0].rules: no test reaches rule-1",
                "policies[2].rules: no test reaches rule-0",
            ],
        ),
        (json!([audited, trial]), &["policies[0].rules: no test reaches rule-1"]),
        (json!([audited, trial, allowed]), &[]),
    ] {
        assert_eq!(warnings(&document(tests.clone())), expected, "{tests}");
    }
    let rules: Vec<_> = (0..10).map(|index| path(&format!("/{index}"))).collect();
    let many = json!({"rules": rules, "tests": [{"expect": "DENY"}]});
    assert_eq!(
        warnings(&many),
        ["rules: no test reaches rule-0, rule-1, rule-2, rule-3, rule-4, rule-5, rule-6, rule-7 \
          and 2 more"]
    );
}

#[test]
fn warns_about_expired_schedules() {
    let schedule = json!({"expiresAt": "2030-01-01T00:00:00Z"});
    let document = json!({"policies": [
        {"name": "a", "schedule": schedule, "rules": [{"schedule": schedule}]},
        {"name": "b", "spec": {"rules": [{"schedule": schedule}]}},
    ]});
    let compiled = policies(&document);
    let at = |seconds: u64| {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        compiled.expired_warnings(now).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(compiled.has_ends() && at(1_893_455_999).is_empty());
    let expected =
        ["policies[0]", "policies[0].rules[0]", "policies[1].spec.rules[0]"].map(|path| {
            format!("{path}.schedule.expiresAt: is in the past, so nothing matches any more")
        });
    assert_eq!(at(1_893_456_000), expected);
    assert!(!policies(&json!({"rules": [{}]})).has_ends());
}

#[test]
fn warns_about_addresses_of_the_peer_in_a_sidecar() {
    let document = json!({"rules": [
        {"from": [{"source": {"notIpBlocks": ["10.0.0.0/8"], "remoteIpBlocks": ["10.0.0.0/8"]}}]},
        {"when": [{"key": "source.ip", "values": ["10.0.0.0/8"]}]},
        {"when": [{"key": "remote.ip", "values": ["10.0.0.0/8"]}]},
    ]});
    let compiled = policies(&document);
    let paths: Vec<_> =
        compiled.sidecar_warnings().iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["rules[0].from[0].source.notIpBlocks", "rules[1].when"]);
}
