mod audited;
mod explained;
mod failures;
mod lists;
mod native_values;
mod outcome;
mod scenarios;
mod unstored_lists;

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::AccessControl;

fn start(proxy: &Proxy, document: &Value) -> Worker<AccessControl> {
    let document = document.to_string();
    proxy.worker(&document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn denied(action: &str, path: &str) -> Value {
    json!({"policies": [{"name": "a", "action": action, "rules": [
        {"to": [{"operation": {"paths": [path]}}]},
    ]}]})
}

#[test]
fn a_denied_request_gets_a_reply() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &denied("DENY", "/admin"));
    let stream = worker.request(&[(":method", "GET"), (":path", "/admin")]);
    let outcome = worker.end(stream);
    let reply = outcome.reply.expect("a reply");
    assert_eq!(
        (reply.status, reply.details.as_str()),
        (403, "weir_access_control_denied{a.rule-0}")
    );
    let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
    assert!(worker.end(stream).is_forwarded());
}

#[test]
fn a_dry_run_forwards_the_request() {
    let mut document = denied("DENY", "/admin");
    document["dryRun"] = json!(true);
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document);
    let stream = worker.request(&[(":method", "GET"), (":path", "/admin")]);
    assert!(worker.end(stream).is_forwarded());
    proxy.pass(std::time::Duration::from_secs(1));
    worker.tick();
    assert_eq!(proxy.metric("weir_access_control_denied_total"), 1);
    assert_eq!(proxy.metric("weir_access_control_not_enforced_total"), 1);
}

#[test]
fn an_audit_line_has_the_decision_but_no_query() {
    let mut document = denied("DENY", "/admin");
    document["audit"] = json!({"maxPerSecond": 2});
    let proxy = Proxy::new();
    proxy.set_property("source.address", b"10.1.2.3:80");
    let mut worker = start(&proxy, &document);
    for path in ["/admin?secret=1", "/admin", "/admin", "/"] {
        let headers = [(":method", "GET"), (":path", path), ("x-request-id", "\n\"7")];
        let stream = worker.request(&headers);
        worker.end(stream);
    }
    let lines = proxy.log(3);
    let lines: Vec<_> = lines.iter().filter_map(|line| line.split_once("audit ")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let line: Value = serde_json::from_str(lines[0].1).unwrap();
    let time = line["time"].as_str().unwrap();
    assert!(time.ends_with('Z'), "{time}");
    let expected = json!({
        "time": time, "decision": "DENY", "policy": "a", "rule": "rule-0", "action": "DENY",
        "source_ip": "10.1.2.3", "method": "GET", "path": "/admin", "request_id": "\n\"7",
    });
    assert_eq!(line, expected);
    proxy.pass(std::time::Duration::from_secs(1));
    worker.tick();
    assert_eq!(proxy.metric("weir_access_control_audit_limited_total"), 1);
}

#[test]
fn warnings_depend_on_the_proxy_and_on_the_time() {
    let document = json!({"policies": [{
        "name": "a", "schedule": {"expiresAt": "1970-01-02T00:00:00Z"},
        "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}],
    }]});
    for (node, day, words) in [
        ("router~10.0.0.1~a.b~c", 0, &[][..]),
        ("router~10.0.0.1~a.b~c", 1, &["expiresAt: is in the past"]),
        ("sidecar~10.0.0.1~a.b~c", 0, &["ipBlocks: in a sidecar"]),
    ] {
        let proxy = Proxy::new();
        proxy.set_property("xds.node.id", node.as_bytes());
        proxy.set_now(std::time::Duration::from_secs(day * 86_400));
        start(&proxy, &document);
        let log = proxy.log(3);
        let log = log.iter().filter(|line| line.contains("policies[0]"));
        let log: Vec<_> = log.collect();
        assert_eq!(log.len(), words.len(), "{log:?}");
        assert!(log.iter().zip(words).all(|(line, word)| line.contains(word)), "{log:?}");
    }
}

#[test]
fn policies_and_rules_are_counted() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &denied("DENY", "/admin"));
    for path in ["/admin", "/admin", "/"] {
        let stream = worker.request(&[(":method", "GET"), (":path", path)]);
        worker.end(stream);
    }
    proxy.pass(std::time::Duration::from_secs(1));
    worker.tick();
    for (name, value) in [
        ("allowed_total", 1),
        ("denied_total", 2),
        ("denied_by_policy_total", 2),
        ("policy_a_matched_total", 2),
        ("policy_a_denied_total", 2),
        ("rule_a_rule_0_matched_total", 2),
        ("rule_other_matched_total", 0),
    ] {
        assert_eq!(proxy.metric(&format!("weir_access_control_{name}")), value, "{name}");
    }
}

#[test]
fn a_difference_of_the_dry_run_counts_for_its_policy() {
    let proxy = Proxy::new();
    let mut document = denied("DENY", "/admin");
    document["policies"][0]["dryRun"] = json!(true);
    let mut worker = start(&proxy, &document);
    for path in ["/admin", "/admin", "/"] {
        let stream = worker.request(&[(":method", "GET"), (":path", path)]);
        let state = worker.end(stream);
        let summary = (path == "/admin").then_some(&b"decision=allow;dry_run=deny;policy=a"[..]);
        assert_eq!(state.property("weir.access"), summary);
    }
    proxy.pass(std::time::Duration::from_secs(1));
    worker.tick();
    for (name, value) in
        [("dry_run_denied_total", 2), ("policy_a_dry_run_total", 2), ("policy_a_denied_total", 0)]
    {
        assert_eq!(proxy.metric(&format!("weir_access_control_{name}")), value, "{name}");
    }
}

#[test]
fn a_number_in_a_claim_is_not_a_text() {
    let rules = json!([{"when": [{"key": "request.auth.claims[level]", "values": ["5"]}]}]);
    for (action, claim, is_forwarded) in [
        ("ALLOW", "5", false),
        ("ALLOW", "\"5\"", true),
        ("DENY", "5", false),
        ("DENY", "\"5\"", false),
        ("DENY", "6", true),
        ("DENY", "12345678901234567890", true),
        // Rounded, and too large to be read at all.
        ("DENY", "123456789012345678901", false),
        ("DENY", "1e999", false),
    ] {
        let proxy = Proxy::new();
        let document = json!({"policies": [{"name": "a", "action": action, "rules": rules}]});
        let mut worker = start(&proxy, &document);
        proxy.set_property("weir.jwt", format!(r#"{{"claims": {{"level": {claim}}}}}"#).as_bytes());
        let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
        assert_eq!(worker.end(stream).is_forwarded(), is_forwarded, "{action} {claim}");
    }
}

#[test]
fn an_unreadable_identity_is_not_an_absent_one() {
    let rules = json!([{"when": [{"key": "request.auth.claims[role]", "values": ["guest"]}]}]);
    for identity in ["garbage", "{\"claims\": {\"role\": \"gu", "[1"] {
        let proxy = Proxy::new();
        proxy.set_property("weir.jwt", identity.as_bytes());
        let mut worker = start(&proxy, &json!({"action": "DENY", "rules": rules}));
        let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
        assert!(!worker.end(stream).is_forwarded(), "{identity}");
    }
}

#[test]
fn a_condition_does_not_change_the_digits_that_a_match_reads() {
    let digits = "12345678901234567890123";
    let exact = json!({"match": [{"claims": {"id": {"exact": digits}}}]});
    let other = json!({"when": [{"key": "request.auth.claims[role]", "values": ["x"]}]});
    for rules in [json!([exact]), json!([exact, other])] {
        let proxy = Proxy::new();
        proxy.set_property("weir.jwt", format!("{{\"claims\": {{\"id\": {digits}}}}}").as_bytes());
        let mut worker = start(&proxy, &json!({"action": "DENY", "rules": rules}));
        let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
        assert!(!worker.end(stream).is_forwarded(), "{rules}");
    }
}
