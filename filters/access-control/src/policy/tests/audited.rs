//! Members of audit lines.

use filter_core::{Redaction, Redactor};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn document(fields: &Value) -> Value {
    json!({"rules": [], "audit": {"fields": fields}})
}

/// Returns the audit line of a denied request.
fn line(fields: &Value, request: &Request) -> Value {
    let compiled = policies(&document(fields));
    let redactor = Redactor::new(b"0123456789abcdef").unwrap();
    let decision = compiled.decide(request, SystemTime::UNIX_EPOCH);
    let line = compiled.audit_line(&decision, request, SystemTime::UNIX_EPOCH, || &redactor);
    let line = line.expect("a line");
    assert!(line.len() <= 4096, "{}", line.len());
    serde_json::from_str(&line).unwrap()
}

#[test]
fn other_values_of_the_request_are_shown_or_redacted() {
    let request = Request {
        claims: Some(json!({"azp": "app", "level": 5, "org": {"unit": "a"}, "list": ["a"]})),
        ..request(&[
            ("x-tenant", "acme"),
            ("x-client-ip", "10.1.2.3"),
            ("authorization", "Bearer secret"),
            ("x-bytes", "\u{e9}"),
        ])
    };
    let own = |value: &str| json!({"name": "own", "value": value});
    let redacted =
        |value: &str, redact: &str| json!({"name": "own", "value": value, "redact": redact});
    let hash =
        Redactor::new(b"0123456789abcdef").unwrap().redact(Redaction::Hash, b"Bearer secret");
    for (member, expected) in [
        (own("%REQ(x-tenant)%"), Some("acme")),
        (own("%REQ(X-Tenant)%/%CLAIM(azp)%"), Some("acme/app")),
        (own("%CLAIM(org.unit)% 100%%"), Some("a 100%")),
        (own("%CLAIM(level)%"), Some("5")),
        (own("%CLAIM(list)%"), None),
        (own("%REQ(x-none)%"), None),
        (own("%REQ(x-bytes)%"), None),
        (redacted("%REQ(x-client-ip)%", "TRUNCATE_IP"), Some("10.1.2.0")),
        (redacted("%REQ(x-tenant)%", "MASK"), Some("***")),
        (redacted("%REQ(authorization)%", "HASH"), Some(hash.as_str())),
    ] {
        let found = line(&json!(["decision", member, "method"]), &request);
        let mut wanted = json!({"decision": "DENY", "method": "GET"});
        if let Some(text) = expected {
            wanted["own"] = json!(text);
        }
        assert_eq!(found, wanted, "{member}");
    }
}

#[test]
fn a_line_has_a_limited_length() {
    let long = "\u{1}".repeat(1_000);
    let headers = request(&[(":path", &long), (":authority", &long), ("x-request-id", &long)]);
    let request = Request { source_principal: Some(long.clone().into_bytes()), ..headers };
    let found = line(&json!(["principal", "path", "host", "request_id", "method"]), &request);
    assert_eq!(found["path"].as_str().map(str::len), Some(256));
    // The last members do not fit.
    assert!(found["host"].is_null() && found["method"].is_null(), "{found}");
    let tenant = "t".repeat(1_000);
    let request = super::request(&[("x-tenant", &tenant)]);
    let found = line(&json!([{"name": "tenant", "value": "%REQ(x-tenant)%"}]), &request);
    assert_eq!(found["tenant"].as_str().map(str::len), Some(256));
}

#[test]
fn bad_members_are_refused() {
    let own = |name: &str, value: &str| json!({"name": name, "value": value});
    for (fields, message) in [
        (json!(["times"]), "audit.fields[0]: must be one of"),
        (
            json!([5]),
            "audit.fields[0]: must be the name of a standard field, or an object with name and \
             value, got 5",
        ),
        (json!([{"name": "a", "values": "b"}]), "audit.fields[0].values"),
        (json!(["time", "time"]), "audit.fields[1]: must be unique, got \"time\" twice"),
        (json!([own("", "%REQ(a)%")]), "audit.fields[0].name: must be 1 to 64 characters a-z"),
        (json!([own("A", "%REQ(a)%")]), "audit.fields[0].name: must be 1 to 64 characters a-z"),
        (json!([own("host", "%REQ(a)%")]), "audit.fields[0].name: must not be the name of a"),
        (
            json!([own("a", "%REQ(a)%"), own("a", "%REQ(b)%")]),
            "audit.fields[1]: must be unique, got \"a\" twice",
        ),
        (json!([own("a", "b")]), "audit.fields[0].value: must have a placeholder"),
        (json!([own("a", "%TAG%")]), "audit.fields[0].value: must have no placeholders other than"),
        (json!([own("a", "%REQ(")]), "audit.fields[0].value: must have %% for a percent sign"),
        (
            json!([own("a", "%REQ(Authorization)%")]),
            "audit.fields[0].value: must not show a credential, unless redact is HASH",
        ),
        (
            json!([{"name": "a", "value": "x%REQ(cookie)%", "redact": "MASK"}]),
            "audit.fields[0].value: must not show a credential, unless redact is HASH",
        ),
        (json!(vec!["time"; 33]), "audit.fields: must have at most 32 entries, got 33"),
    ] {
        let found = errors(&document(&fields));
        assert!(found.contains(message), "{fields}\n{found}");
    }
    let key = json!({"rules": [], "audit": {"redaction": {"key": "short"}}});
    assert!(errors(&key).contains("audit.redaction.key: must be text of 16 to 256 bytes"));
}
