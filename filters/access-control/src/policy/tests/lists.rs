//! Named lists.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn document(rule: Value) -> Value {
    json!({
        "policies": [{"name": "blocked", "action": "DENY", "rules": [rule]}],
        "lists": {
            "blocked": {"ips": ["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"]},
            "partners": {"values": ["a", "b"]},
        },
    })
}

fn remote(lists: &str) -> Value {
    json!({"from": [{"source": {"remoteIpLists": [lists]}}]})
}

#[test]
fn lists_of_addresses_and_values() {
    let header = json!({"when": [{"key": "request.headers[x-partner]", "inLists": ["partners"]}]});
    let address = json!({"when": [{"key": "remote.ip", "inLists": ["blocked"]}]});
    for (rule, headers, allowed) in [
        (remote("blocked"), &[][..], false),
        (address, &[], false),
        (json!({"from": [{"source": {"notRemoteIpLists": ["blocked"]}}]}), &[], true),
        (header.clone(), &[], true),
        (header.clone(), &[("x-partner", "b")], false),
        (header, &[("x-partner", "c")], true),
    ] {
        assert_eq!(allows(&document(rule.clone()), &request(headers)), allowed, "{rule}");
    }
}

#[test]
fn bad_lists_are_refused() {
    for (rule, message) in [
        (remote("none"), "remoteIpLists[0]: must be a name in lists (blocked, partners)"),
        (remote("partners"), "remoteIpLists[0]: must be a list with ips"),
        (
            json!({"when": [{"key": "source.principal", "inLists": ["blocked"]}]}),
            "inLists[0]: must be a list with values",
        ),
    ] {
        let errors = errors(&document(rule));
        assert!(errors.contains(message), "{errors}");
    }
    let both = json!({"rules": [], "lists": {"a": {"ips": [], "values": []}}});
    assert!(errors(&both).contains("lists.a: must have exactly one of ips, values and uri"));
    for value in ["", "a\n", " b"] {
        let lists = json!({"rules": [], "lists": {"a": {"values": ["x", value]}}});
        let errors = errors(&lists);
        assert!(errors.contains("lists.a.values[1]: must be a text without control"), "{errors}");
    }
}
