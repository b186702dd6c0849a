#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::PathNormalization;

/// A request with a value for every field.
fn full() -> Request {
    let headers = Headers::from_iter([
        (":path", &b"/API/orders/7?a=1&a=%32&%62=x"[..]),
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", b"shop.example"),
        ("x-user", b"anna"),
        ("x-user", b"bert"),
        ("x-bytes", b"\xff\xfe"),
        ("cookie", b"id=1; theme=dark"),
        ("cookie", b"id=2"),
    ]);
    Request {
        headers,
        attributes: [("xds.route_name".to_owned(), b"main".to_vec())].into(),
        claims: Some(json!({
            "sub": "anna", "age": 30, "admin": true, "gone": null, "groups": ["a", 7, ["n"]],
            "realm": {"roles": ["x"]}, "https://e/r": "lit", "none": [],
        })),
        source_address: Some("10.1.2.3".parse().unwrap()),
        source_principal: Some(b"spiffe://mesh/ns/a/sa/b".to_vec()),
        ..Request::default()
    }
}

#[test]
fn matches_each_field() {
    let request = full();
    for (entry, expected) in [
        (json!({}), true),
        (json!({"name": "people"}), true),
        (json!({"uri": {"exact": "/API/orders/7"}}), true),
        (json!({"uri": {"exact": "/api/orders/7"}}), false),
        (json!({"uri": {"exact": "/api/orders/7"}, "ignoreUriCase": true}), true),
        (json!({"uri": {"prefix": "/api"}, "ignoreUriCase": true}), true),
        (json!({"uri": {"regex": "/api/.*"}, "ignoreUriCase": true}), false),
        (json!({"uri": {"prefix": "/API/"}}), true),
        (json!({"uri": {"suffix": "x"}}), false),
        (json!({"method": {"exact": "GET"}}), true),
        (json!({"method": {"in": ["POST", "PUT"]}}), false),
        (json!({"scheme": {"exact": "https"}}), true),
        (json!({"authority": {"suffix": ".example"}}), true),
        (json!({"headers": {"X-User": {"exact": "bert"}}}), true),
        (json!({"headers": {"x-user": {"exact": "carl"}}}), false),
        (json!({"headers": {"x-user": {}}}), true),
        (json!({"headers": {"x-none": {}}}), false),
        (json!({"headers": {"Host": {"exact": "shop.example"}}}), true),
        (json!({"withoutHeaders": {"host": {"exact": "shop.example"}}}), false),
        (json!({"headers": {"x-bytes": {}}}), true),
        (json!({"headers": {"x-bytes": {"regex": ".*"}}}), true),
        (json!({"headers": {"x-bytes": {"regex": "[a-z]*"}}}), false),
        (json!({"headers": {"x-user": {"exact": "anna"}, "x-none": {}}}), false),
        (json!({"headers": {"x-user": {"regex": "*"}}}), true),
        (json!({"headers": {"x-none": {"regex": "*"}}}), false),
        (json!({"withoutHeaders": {"x-user": {"regex": "*"}}}), false),
        (json!({"withoutHeaders": {"x-none": {"regex": "*"}}}), true),
        (json!({"queryParams": {"a": {"regex": "*"}}}), true),
        (json!({"cookies": {"none": {"regex": "*"}}}), false),
        (json!({"withoutHeaders": {"x-none": {}}}), true),
        (json!({"withoutHeaders": {"x-user": {}}}), false),
        (json!({"withoutHeaders": {"x-user": {"exact": "bert"}}}), false),
        (json!({"withoutHeaders": {"x-user": {"exact": "carl"}}}), true),
        (json!({"queryParams": {"a": {"exact": "2"}, "b": {"exact": "x"}}}), true),
        (json!({"queryParams": {"a": {"exact": "%32"}}}), false),
        (json!({"queryParams": {"b": {}}}), true),
        (json!({"queryParams": {"c": {}}}), false),
        (json!({"cookies": {"id": {"exact": "2"}, "theme": {}}}), true),
        (json!({"cookies": {"theme": {"exact": "light"}}}), false),
        (json!({"pathTemplate": "/API/orders/{id}"}), true),
        (json!({"pathTemplate": "/API/{id}"}), false),
        (json!({"source": {"ip": "10.0.0.0/8"}}), true),
        (json!({"source": {"ip": ["192.0.2.0/24", "10.1.2.3"]}}), true),
        (json!({"source": {"ip": ["192.0.2.0/24"]}}), false),
        (json!({"source": {"principal": {"prefix": "spiffe://mesh/ns/a/"}}}), true),
        (json!({"source": {"ip": "10.0.0.0/8", "principal": {"exact": "x"}}}), false),
        (json!({"claims": {"sub": {"exact": "anna"}}}), true),
        (json!({"claims": {"age": {"range": {"from": 18}}}}), true),
        (json!({"claims": {"admin": {"exact": "true"}}}), true),
        (json!({"claims": {"groups": {"exact": "a"}}}), true),
        (json!({"claims": {"groups": {"exact": "7"}}}), true),
        (json!({"claims": {"groups": {"exact": "n"}}}), false),
        (json!({"claims": {"realm.roles": {"exact": "x"}}}), true),
        (json!({"claims": {"[https://e/r]": {"exact": "lit"}}}), true),
        (json!({"claims": {"realm": {"present": true}}}), true),
        (json!({"claims": {"none": {"present": true}}}), true),
        (json!({"claims": {"gone": {"present": true}}}), false),
        (json!({"claims": {"realm": {"regex": ".*"}}}), false),
        (json!({"attributes": {"xds.route_name": {"exact": "main"}}}), true),
        (json!({"attributes": {"xds.other": {"present": true}}}), false),
        (json!({"method": {"exact": "GET"}, "scheme": {"exact": "http"}}), false),
        (json!({"any": [{"method": {"exact": "PUT"}}, {"scheme": {"exact": "https"}}]}), true),
        (json!({"all": [{"method": {"exact": "PUT"}}, {"scheme": {"exact": "https"}}]}), false),
        (json!({"not": {"method": {"exact": "GET"}}}), false),
        (json!({"not": {"method": {"exact": "GET"}, "scheme": {"exact": "http"}}}), true),
        (json!({"not": {"any": [{"headers": {"x-none": {}}}, {"cookies": {"x": {}}}]}}), true),
    ] {
        assert_eq!(holds(&entry, &request), expected, "{entry}");
    }
}

#[test]
fn an_empty_request_satisfies_only_conditions_on_absence() {
    let request = Request::default();
    for (entry, expected) in [
        (json!({}), true),
        (json!({"uri": {"prefix": "/"}}), false),
        (json!({"uri": {"regex": ".*"}}), false),
        (json!({"pathTemplate": "/{**}"}), false),
        (json!({"queryParams": {"a": {}}}), false),
        (json!({"claims": {"sub": {"present": true}}}), false),
        (json!({"source": {"ip": "0.0.0.0/0"}}), false),
        (json!({"source": {"principal": {"present": true}}}), false),
        (json!({"withoutHeaders": {"x": {}}}), true),
        (json!({"not": {"source": {"principal": {"present": true}}}}), true),
    ] {
        assert_eq!(holds(&entry, &request), expected, "{entry}");
    }
}

#[test]
fn a_list_is_a_disjunction_and_an_empty_one_matches_everything() {
    let matcher = matcher(&json!([
        [{"method": {"exact": "PUT"}}, {"uri": {"exact": "/a"}}, {"headers": {"x": {}}}],
        [],
        [{}],
        [{"uri": {"exact": "/a"}}],
    ]));
    for (method, path, found) in [
        ("PUT", "/b", &[0, 1, 2][..]),
        ("PUT", "/a", &[0, 1, 2, 3]),
        ("GET", "/a", &[0, 1, 2, 3]),
        ("GET", "/b", &[1, 2]),
    ] {
        let request = request([(":method", method), (":path", path)]);
        assert_eq!(sure(&matcher, &request), found, "{method} {path}");
        assert_eq!(matcher.sure_match(&request), found.first().copied());
    }
    assert_eq!(super::matcher(&json!([])).sure_match(&Request::default()), None);
}

#[test]
fn returns_rules_in_order_whether_indexed_or_scanned() {
    let matcher = matcher(&json!([
        [{"headers": {"x": {"suffix": "9"}}}],
        [{"headers": {"x": {"exact": "19"}}}],
        [{"pathTemplate": "/a/{b}"}],
        [{"uri": {"prefix": "/a/"}}],
        [{"uri": {"regex": "/a/.*"}}],
        [{"uri": {"exact": "/a/b"}}],
        [{"cookies": {"c": {"exact": "1"}}}],
        [{"queryParams": {"q": {"exact": "1"}}}],
        [{"authority": {"exact": "h"}}],
    ]));
    let all = request([(":path", "/a/b?q=1"), ("x", "19"), ("cookie", "c=1"), (":authority", "h")]);
    assert_eq!(sure(&matcher, &all), (0..9).collect::<Vec<_>>());
    let some = request([(":path", "/a/c?q=2"), ("x", "1"), ("cookie", "c=2")]);
    assert_eq!(sure(&matcher, &some), [2, 3, 4]);
}

#[test]
fn needs_the_parts_that_the_rules_read() {
    let needs = matcher(&json!([
        [{"headers": {"X-A": {}}, "withoutHeaders": {"x-b": {}}, "queryParams": {"q": {}}}],
        [{"any": [{"cookies": {"c": {}}}], "not": {"method": {"exact": "GET"}}}],
        [{"all": [{"claims": {"sub": {"present": true}}}], "source": {"ip": "::/0"}}],
        [{"attributes": {"xds.route_name": {"present": true}}}],
    ]))
    .needs()
    .clone();
    let expected = Needs {
        headers: [":method", ":path", "cookie", "x-a", "x-b"].map(str::to_owned).into(),
        attributes: ["xds.route_name".to_owned()].into(),
        path: false,
        query: true,
        cookies: true,
        claims: true,
        typed_claims: false,
        source_address: true,
        source_principal: false,
        ..Needs::default()
    };
    assert_eq!(needs, expected);
    assert!(matcher(&json!([[], [{}]])).needs().is_empty());

    let mut merged =
        matcher(&json!([[{"pathTemplate": "/"}], [{"source": {"principal": {"exact": "a"}}}]]))
            .needs()
            .clone();
    assert!(merged.path && merged.source_principal && !merged.query);
    merged.merge(&needs);
    assert!(merged.path && merged.query && merged.headers.contains("x-a"));
}

#[test]
fn captures_variables_of_the_alternative_that_matches() {
    let matcher = matcher(&json!([
        [
            {"pathTemplate": "/a/{id}", "method": {"exact": "PUT"}},
            {"all": [{"pathTemplate": "/{kind}/{id}"}]},
        ],
        [],
    ]));
    let capture = |rule, method| {
        let request = request([(":path", "/a/7?x"), (":method", method)]);
        matcher.captures(rule, &request)
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    assert_eq!(capture(0, "PUT"), [pair("id", "7")]);
    assert_eq!(capture(0, "GET"), [pair("kind", "a"), pair("id", "7")]);
    assert_eq!(capture(1, "GET"), []);
    assert_eq!(capture(9, "GET"), []);
}

#[test]
fn captures_variables_in_all_readings() {
    let matcher = matcher(&json!([[{"pathTemplate": "/a/{id}/b"}]]));
    let long = format!("/a/{}/b", "%2525".repeat(20_000));
    for (path, values) in [
        ("/a/7/b", &["7"][..]),
        ("/a/7;x/b", &["7;x", "7"]),
        ("/a/%37/b", &["%37", "7"]),
        ("/a//7/b", &[]),
        ("/a/7/c", &[]),
        (&long, &[]),
    ] {
        let captures = matcher.captures_in_all_readings(0, &request([(":path", path)]));
        let expected = values.iter().map(|value| ("id".to_owned(), value.as_bytes().to_vec()));
        assert_eq!(captures, expected.collect::<Vec<_>>(), "{path:.20}");
    }
}

#[test]
fn normalizes_paths_as_configured() {
    let rules = rules(&json!([[{"uri": {"exact": "/b"}}]]));
    let request = request([(":path", "/a/../b?/c")]);
    for (normalization, found) in
        [(PathNormalization::None, None), (PathNormalization::Base, Some(0))]
    {
        let options = MatcherOptions { normalization, ..MatcherOptions::new("http") };
        let matcher = Matcher::compile(&rules, &options).unwrap();
        assert_eq!(matcher.sure_match(&request), found);
    }
}

#[test]
fn finds_conditions_on_claims_at_any_depth() {
    for (entry, reads) in [
        (json!({"claims": {"a": {"present": true}}}), true),
        (json!({"any": [{"all": [{"not": {"claims": {"a": {"present": true}}}}]}]}), true),
        (json!({"headers": {"a": {}}}), false),
    ] {
        let entry: HttpMatch = serde_json::from_value(entry).unwrap();
        assert_eq!(entry.reads_claims(), reads);
    }
}

#[test]
fn only_an_entry_without_conditions_is_unconditional() {
    for (entry, unconditional) in [
        (json!({}), true),
        (json!({"name": "a", "ignoreUriCase": true}), true),
        (json!({"all": [{}], "any": [{"method": {"exact": "GET"}}, {}]}), true),
        (json!({"method": {"exact": "GET"}}), false),
        (json!({"withoutHeaders": {"a": {}}}), false),
    ] {
        let entry: HttpMatch = serde_json::from_value(entry).unwrap();
        assert_eq!(entry.is_unconditional(), unconditional);
    }
}
