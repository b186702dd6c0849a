//! Requests that can be read in several ways.

use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::rules::{good, with_rules};
use crate::{denial::Reason, testing::*};

#[test]
fn ambiguous_paths_match_no_rule() {
    let rules = json!([
        {"match": [{"uri": {"prefix": "/open"}}], "token": "NONE"},
        {"match": [{"uri": {"prefix": "/admin"}}], "scopes": {"all": ["admin"]}},
        {},
    ]);
    let document = with_rules(rules);
    let unmatched = Some(Reason::RuleUnmatched);
    for path in [
        "/open/..%2fadmin",
        "/open/../admin",
        "/open\\..\\admin",
        "/x%2F..%2Fadmin",
        "/open%00/../admin",
        "/open/..;/admin",
        "/open/%2e%2e;x=1/admin",
        "/open/..%3b/admin",
        "/open/%252e%252e/admin",
        "/;/admin",
        "//admin",
        "/%61dmin",
        "/%61dmin;x",
    ] {
        assert_eq!(tester(&document).send(&plain(path)).0.reason(), unmatched, "{path}");
        let headers = request(path, [("authorization", &*format!("Bearer {}", good(json!({}))))]);
        assert_eq!(tester(&document).send(&headers).0.reason(), unmatched, "{path}, with a token");
    }
    for path in ["/open/a%20b?c=%2f", "/open/a%2Fb", "/open//a;v=1", "/open%2f../open/x"] {
        assert_eq!(tester(&document).send(&plain(path)).0.reason(), None, "{path}");
    }
    let decoding = with(document, "pathNormalization", json!("DECODE_AND_MERGE_SLASHES"));
    assert_eq!(tester(&decoding).send(&plain("/open/a%2Fb")).0.reason(), None);
    let missing = Some(Reason::Missing);
    assert_eq!(tester(&decoding).send(&plain("/open/..%2fadmin")).0.reason(), missing);
    let everywhere = with_rules(json!([{"token": "OPTIONAL"}]));
    assert_eq!(tester(&everywhere).send(&plain("/a%2Fb")).0.reason(), None);
}

#[test]
fn invalid_utf8_does_not_bypass_rules() {
    let first_match = json!([{"match": [{"uri": {"prefix": "/admin"}}]}, {"token": "NONE"}]);
    let negated = json!([{"match": [{"not": {"uri": {"prefix": "/admin"}}}], "token": "NONE"}, {}]);
    let expression = json!([{"match": [{"uri": {"regex": "/admin/.*"}}]}, {"token": "NONE"}]);
    let template = json!([{"match": [{"pathTemplate": "/admin/{**}"}]}, {"token": "NONE"}]);
    for rules in [first_match, negated, expression, template] {
        let mut tester = tester(&with_rules(rules.clone()));
        for path in [&b"/admin/\xff"[..], b"/admin/\xc3(", b"/admin/\xed\xa0\x80"] {
            let headers = filter_core::Headers::from_iter([(":path", path)]);
            let reason = tester.send(&headers).0.reason();
            assert_eq!(reason, Some(Reason::Missing), "{rules} {}", path.escape_ascii());
        }
    }
}

#[test]
fn ambiguous_values_do_not_bypass_rules() {
    let closed =
        |entry: serde_json::Value| with_rules(json!([{"match": [entry]}, {"token": "NONE"}]));
    for (entry, headers) in [
        (json!({"authority": {"exact": "admin.example.com"}}), (":authority", "ADMIN.example.com")),
        (
            json!({"authority": {"exact": "admin.example.com"}}),
            (":authority", "admin.example.com:81"),
        ),
        (json!({"authority": {"suffix": ".example.com"}}), (":authority", "admin.example.com.")),
        (json!({"headers": {"host": {"exact": "a.b"}}}), (":authority", "A.b")),
        (json!({"cookies": {"role": {"exact": "admin"}}}), ("cookie", "role=user; role=admin")),
        (json!({"cookies": {"role": {"exact": "admin"}}}), ("cookie", "role=%61dmin")),
        (json!({"queryParams": {"scope": {"exact": "admin"}}}), (":path", "/?scope=a&scope=admin")),
        (json!({"queryParams": {"scope": {"exact": "admin"}}}), (":path", "/?x=1;scope=admin")),
        (json!({"queryParams": {"scope": {"exact": "admin"}}}), (":path", "/?scope=%2561dmin")),
        (json!({"headers": {"x-level": {"range": {"from": 5}}}}), ("x-level", "1e9")),
        (json!({"attributes": {"request.url_path": {"exact": "/admin"}}}), (":path", "//admin")),
    ] {
        let mut headers = filter_core::Headers::from_iter([headers]);
        if headers.first(":path").is_none() {
            headers.push(":path", "/");
        }
        let reason = tester(&closed(entry.clone())).send(&headers).0.reason();
        assert_eq!(reason, Some(Reason::RuleUnmatched), "{entry} {headers:?}");
    }
}
