//! Fields of audit lines.

use filter_core::{Redaction, Redactor};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn document(fields: &Value) -> Value {
    json!({"rules": [], "audit": {"fields": fields}})
}

/// Returns the audit line of a denied request.
fn line(fields: &Value, request: &Request) -> Value {
    serde_json::from_str(&text(&policies(&document(fields)), request)).unwrap()
}

/// Returns a custom field.
fn custom(name: &str, value: &str, redact: Option<&str>) -> Value {
    match redact {
        Some(redact) => json!({"name": name, "value": value, "redact": redact}),
        None => json!({"name": name, "value": value}),
    }
}

/// Returns the text of the audit line of a request.
fn text(compiled: &Policies, request: &Request) -> String {
    let redactor = Redactor::new(b"0123456789abcdef").unwrap();
    let decision = compiled.decide(request, SystemTime::UNIX_EPOCH);
    let line = compiled.audit_line(&decision, request, None, || &redactor);
    let line = line.expect("a line");
    assert!(line.len() <= 4096, "{}", line.len());
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
    line
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
    let own = |value: &str| custom("own", value, None);
    let redacted = |value: &str, redact: &str| custom("own", value, Some(redact));
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
    let fields = json!(["principal", "path", "host", "request_id", "method", "decision"]);
    let found = line(&fields, &request);
    assert_eq!(found["path"].as_str().map(str::len), Some(256));
    // Only the fields that do not fit are left out.
    assert!(found["host"].is_null() && found["request_id"].is_null(), "{found}");
    assert_eq!([&found["method"], &found["decision"]], ["GET", "DENY"], "{found}");
}

#[test]
fn no_request_displaces_the_decision() {
    let mut fields = vec![
        custom("networks", "%REQ(x-a)%", Some("TRUNCATE_IP")),
        json!("path"),
        json!("host"),
        json!("principal"),
        json!("request_id"),
    ];
    fields.extend((0..16).map(|number| custom(&format!("own{number}"), "%REQ(x-a)%", None)));
    fields.extend(["time", "decision", "policy", "rule", "action"].map(|name| json!(name)));
    let name = "p".repeat(253);
    let rules = json!([{"name": "r".repeat(253)}]);
    let compiled = policies(&json!({
        "policies": [{"name": name, "action": "DENY", "rules": rules}],
        "audit": {"fields": fields},
    }));
    for filler in [",", "\u{1f600}", "\u{1}", "\"", "a"] {
        for count in (0..1_024 / filler.len()).step_by(5) {
            let long = filler.repeat(count);
            let headers = [("x-a", &*long), (":path", &long), ("x-request-id", &long)];
            let found: Value = serde_json::from_str(&text(&compiled, &request(&headers))).unwrap();
            let decision = [&found["decision"], &found["policy"], &found["action"]];
            assert_eq!(decision, ["DENY", &*name, "DENY"], "{count} times {filler:?}");
            assert_eq!(found["rule"].as_str().map(str::len), Some(253));
        }
    }
}

#[test]
fn every_value_has_at_most_256_bytes() {
    for (filler, shown) in [
        ("a", 256),
        ("\u{e9}", 256),
        ("\u{e9}a", 255),
        ("\u{20ac}", 255),
        ("\u{1f600}", 256),
        (",", 256),
    ] {
        let long = filler.repeat(1_020 / filler.len());
        let request = Request {
            source_principal: Some(long.clone().into_bytes()),
            claims: Some(json!({"iss": long, "sub": "a"})),
            ..request(&[
                (":path", &long),
                (":authority", &long),
                (":method", &long),
                ("x-a", &long),
            ])
        };
        for name in ["principal", "request_principal", "path", "host", "method"] {
            let found = line(&json!([name]), &request);
            let length = found[name].as_str().map(str::len);
            assert_eq!(length, Some(shown), "{name}: {found}");
            assert!(long.starts_with(found[name].as_str().unwrap()), "{name}: {found}");
        }
        for redact in [None, Some("TRUNCATE_IP"), Some("HASH"), Some("MASK")] {
            let found = line(&json!([custom("own", "%REQ(x-a)%", redact)]), &request);
            let length = found["own"].as_str().map_or(0, str::len);
            assert!(length <= 256, "{redact:?}: {length} bytes");
            assert!(length > 0 || !filler.is_ascii(), "{redact:?}: {found}");
        }
    }
    // Each byte is replaced by a character of three.
    let headers = Headers::from_iter([("x-request-id", vec![0xff; 300])]);
    let found = line(&json!(["request_id"]), &Request { headers, ..Request::default() });
    assert_eq!(found["request_id"], "\u{fffd}".repeat(85));
}

#[test]
fn a_line_is_printable_ascii() {
    let id =
        "a\u{2028}audit {\"decision\":\"ALLOW\"}\u{2029}\u{85}\u{7f}\u{1f600}\u{202e}\\\n\t\u{0}";
    let compiled = policies(&document(&json!(["request_id"])));
    let text = text(&compiled, &request(&[("x-request-id", id)]));
    assert_eq!(
        text,
        "{\"request_id\":\"a\\u2028audit {\\\"decision\\\":\\\"ALLOW\\\"}\\u2029\\u0085\\u007f\\ud83d\\ude00\\u202e\\\\\\n\\t\\u0000\"}"
    );
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["request_id"], id);
}

#[test]
fn a_line_has_all_values_of_a_repeated_header() {
    let request = request(&[
        ("x-forwarded-for", "10.9.9.9"),
        ("x-forwarded-for", "10.1.2.3"),
        ("x-request-id", "1"),
        ("x-request-id", "2"),
    ]);
    for (redact, shown) in
        [(None, "10.9.9.9,10.1.2.3"), (Some("TRUNCATE_IP"), "10.9.9.0, 10.1.2.0")]
    {
        let client = custom("client", "%REQ(x-forwarded-for)%", redact);
        let found = line(&json!([client, "request_id"]), &request);
        assert_eq!(found, json!({"client": shown, "request_id": "1,2"}));
    }
}

#[test]
fn a_line_says_if_a_denial_does_not_happen() {
    let denying =
        json!({"action": "DENY", "rules": [{}], "audit": {"when": "ALL", "fields": ["decision"]}});
    for (field, value, line) in [
        ("dryRun", json!(false), r#"{"decision":"DENY"}"#),
        ("dryRun", json!(true), r#"{"decision":"DENY","enforced":false}"#),
        ("enforced", json!({"value": 0}), r#"{"decision":"DENY","enforced":false}"#),
        ("enforced", json!({"value": 100}), r#"{"decision":"DENY"}"#),
        ("action", json!("ALLOW"), r#"{"decision":"ALLOW"}"#),
    ] {
        let mut document = denying.clone();
        if field == "enforced" {
            // The share is that of the denials because no ALLOW policy matches.
            document["action"] = json!("ALLOW");
            document["rules"] = json!([]);
        }
        document[field] = value;
        assert_eq!(text(&policies(&document), &request(&[])), line, "{document}");
    }
    let allowing =
        json!({"rules": [{}], "dryRun": true, "audit": {"when": "ALL", "fields": ["decision"]}});
    assert_eq!(text(&policies(&allowing), &request(&[])), r#"{"decision":"ALLOW"}"#);
}

#[test]
fn a_line_has_no_unknown_time() {
    assert_eq!(line(&json!(["time", "decision"]), &request(&[])), json!({"decision": "DENY"}));
}

#[test]
fn the_key_of_hashes_is_never_shown() {
    let document = json!({"rules": [], "audit": {"redaction": {"key": "AAAAAAAAAAAAAAAA"}}});
    let text = format!("{:?}", policies(&document));
    assert!(!text.contains("65, 65") && !text.contains("AAAA"), "{text}");
    assert_eq!(policies(&document).audit().unwrap().redaction_key(), Some(&b"A".repeat(16)[..]));
}

#[test]
fn bad_fields_are_refused() {
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
        (json!([own("enforced", "%REQ(a)%")]), "audit.fields[0].name: must not be the name of a"),
        (json!([]), "audit.fields: must have at least one field"),
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
