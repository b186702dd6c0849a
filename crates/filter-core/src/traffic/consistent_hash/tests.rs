#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};

use super::*;
use crate::{Headers, parse_config};

fn hash(document: &Value) -> ConsistentHash {
    serde_json::from_value(document.clone()).unwrap()
}

fn request() -> Request {
    let headers = [
        (":path", "/a?u=p%20q&u=r&e="),
        ("x-user", "first"),
        ("x-user", "second"),
        ("x-empty", ""),
        ("cookie", "a=1; id=abc"),
        ("cookie", "id=later"),
    ];
    Request {
        headers: Headers::from_iter(headers),
        claims: Some(json!({"sub": "alice", "n": 7, "b": true, "o": {"p": "deep"}, "l": [1]})),
        source_address: Some("192.0.2.7".parse().unwrap()),
        ..Request::default()
    }
}

#[test]
fn finds_each_kind_of_key() {
    for (document, found) in [
        (json!({"claim": "sub"}), Some(("claim", "alice"))),
        (json!({"claim": "n"}), Some(("claim", "7"))),
        (json!({"claim": "b"}), Some(("claim", "true"))),
        (json!({"claim": "o.p"}), Some(("claim", "deep"))),
        (json!({"claim": "o"}), None),
        (json!({"claim": "l"}), None),
        (json!({"httpHeaderName": "X-User"}), Some(("header", "first"))),
        (json!({"httpHeaderName": "x-empty"}), None),
        (json!({"httpQueryParameterName": "u"}), Some(("query", "p q"))),
        (json!({"httpQueryParameterName": "e"}), None),
        (json!({"httpCookie": {"name": "id"}}), Some(("cookie", "abc"))),
        (json!({"httpCookie": {"name": "ID"}}), None),
        (json!({"useSourceIp": true}), Some(("source_ip", "192.0.2.7"))),
    ] {
        let request = request();
        let key = hash(&document).key(&request);
        let key =
            key.map(|key| (key.source.as_str(), String::from_utf8(key.bytes.into()).unwrap()));
        assert_eq!(key, found.map(|(source, text)| (source, text.to_owned())), "{document}");
    }
}

#[test]
fn uses_the_most_trustworthy_key() {
    let mut document = json!({"claim": "sub", "httpHeaderName": "x-user", "useSourceIp": true,
        "httpQueryParameterName": "u", "httpCookie": {"name": "id"}});
    for (field, source) in [
        ("claim", KeySource::Claim),
        ("httpHeaderName", KeySource::Header),
        ("httpQueryParameterName", KeySource::QueryParameter),
        ("httpCookie", KeySource::Cookie),
        ("useSourceIp", KeySource::SourceIp),
    ] {
        let request = request();
        assert_eq!(hash(&document).key(&request).unwrap().source, source);
        document.as_object_mut().unwrap().remove(field);
    }
}

#[test]
fn reads_only_the_configured_keys() {
    for (document, headers, attributes) in [
        (json!({"claim": "sub"}), vec![], (true, false)),
        (json!({"httpHeaderName": "x-user"}), vec!["x-user"], (false, false)),
        (json!({"httpQueryParameterName": "u"}), vec![":path"], (false, false)),
        (json!({"httpCookie": {"name": "id"}}), vec!["cookie"], (false, false)),
        (json!({"useSourceIp": true}), vec![], (false, true)),
    ] {
        let needs = hash(&document).needs();
        assert_eq!(needs.headers.iter().collect::<Vec<_>>(), headers);
        assert_eq!((needs.claims, needs.source_address), attributes);
    }
}

#[test]
fn issues_a_cookie_only_with_a_ttl() {
    assert_eq!(hash(&json!({"httpCookie": {"name": "id"}})).issued_cookie(), None);
    assert!(hash(&json!({"httpCookie": {"name": "id", "ttl": "0s"}})).issued_cookie().is_some());
}

#[test]
fn issues_a_cookie_with_its_attributes() {
    for (fields, https, text) in [
        (json!({"ttl": "0s"}), false, "Path=/; HttpOnly; SameSite=Lax"),
        (json!({"ttl": "0s"}), true, "Path=/; HttpOnly; Secure; SameSite=Lax"),
        (
            json!({"ttl": "90s", "path": "/shop"}),
            false,
            "Path=/shop; Max-Age=90; HttpOnly; SameSite=Lax",
        ),
        (
            json!({"ttl": "0s", "attributes": [{"name": "samesite", "value": "None"}]}),
            false,
            "Path=/; HttpOnly; Secure; SameSite=None",
        ),
        (
            json!({"ttl": "0s", "attributes": [{"name": "Secure"}, {"name": "Partitioned"},
                {"name": "Domain", "value": "example.com"}, {"name": "SameSite", "value": "Strict"}]}),
            false,
            "Path=/; HttpOnly; Secure; SameSite=Strict; Domain=example.com; Partitioned",
        ),
    ] {
        let mut document = fields;
        document.as_object_mut().unwrap().insert("name".to_owned(), json!("id"));
        let cookie: HashCookie = serde_json::from_value(document).unwrap();
        assert_eq!(cookie.set_cookie("7", https), format!("id=7; {text}"));
    }
}

#[test]
fn refuses_invalid_documents() {
    let hosts = "must not be given: it selects hosts and stays in the DestinationRule";
    let none = "the configuration: must name a key: claim, httpHeaderName, httpQueryParameterName, httpCookie or useSourceIp: true";
    let cookie = |fields: &str| format!(r#"{{"httpCookie": {{{fields}}}}}"#);
    for (document, message) in [
        ("{}".to_owned(), none.to_owned()),
        (r#"{"useSourceIp": false}"#.to_owned(), none.to_owned()),
        (r#"{"ringHash": {}, "claim": "a"}"#.to_owned(), format!("ringHash: {hosts}")),
        (r#"{"maglev": {}, "claim": "a"}"#.to_owned(), format!("maglev: {hosts}")),
        (r#"{"minimumRingSize": 1, "claim": "a"}"#.to_owned(), format!("minimumRingSize: {hosts}")),
        (
            r#"{"useSourceIp": true, "httpCookie": {"name": "a", "ttl": "0s"}}"#.to_owned(),
            "the configuration: must not have both useSourceIp and httpCookie.ttl: every request has an address".to_owned(),
        ),
        (
            r#"{"httpQueryParameterName": ""}"#.to_owned(),
            "httpQueryParameterName: must not be empty".to_owned(),
        ),
        (cookie(r#""name": "a b""#), "httpCookie: must have a name that is a token of RFC 6265".to_owned()),
        (
            cookie(r#""name": "a", "path": "x""#),
            "httpCookie: must have a path that begins with / and has no ; in it".to_owned(),
        ),
        (cookie(r#""name": "a", "ttl": "1500ms""#), "httpCookie: must have a ttl of whole seconds".to_owned()),
        (
            cookie(r#""name": "a", "attributes": [{"name": "Priority", "value": "High"}]"#),
            "httpCookie: must have only the attributes SameSite, Secure, Domain and Partitioned".to_owned(),
        ),
        (
            cookie(r#""name": "a", "attributes": [{"name": "Domain", "value": "a;b"}]"#),
            "httpCookie: must have a Domain without ; in it".to_owned(),
        ),
        (
            cookie(r#""name": "a", "attributes": [{"name": "Secure"}, {"name": "secure"}]"#),
            "httpCookie: must have unique attributes".to_owned(),
        ),
        (
            cookie(r#""name": "a", "attributes": [{"name": "SameSite", "value": "Never"}]"#),
            "httpCookie: must have Strict, Lax or None as SameSite".to_owned(),
        ),
        (
            cookie(r#""name": "a", "attributes": [{"name": "Secure", "value": "x"}]"#),
            "httpCookie: must have Secure and Partitioned without a value".to_owned(),
        ),
    ] {
        let error = parse_config::<ConsistentHash>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
