#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde::Deserialize;

use super::*;
use crate::parse_config;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[expect(dead_code)]
    r#match: Vec<HttpMatch>,
}

#[test]
fn refuses_misplaced_fields_with_a_hint() {
    let workload = "must not be given: a proxy does not have it, use source.principal, or selector of the client's WasmPlugin";
    for (field, value, message) in [
        (
            "port",
            json!(80),
            "must not be given: a request does not have it, use match.ports of the WasmPlugin",
        ),
        ("sourceLabels", json!({"a": "b"}), workload),
        ("sourceNamespace", json!("a"), workload),
        (
            "gateways",
            json!(["mesh"]),
            "must not be given: it selects proxies, use selector or targetRefs of the WasmPlugin",
        ),
        (
            "statPrefix",
            json!("a"),
            "must not be given: it belongs to a route, metrics carry the rule's name",
        ),
    ] {
        let document = json!({"match": [{}, {field: value}]}).to_string();
        let error = parse_config::<Config>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("match[1].{field}: {message}"));
    }
}

#[test]
fn reports_the_path_of_invalid_fields() {
    for (entry, message) in [
        (
            json!({"headers": {"x y": {"exact": "a"}}}),
            r#"match[0].headers["x y"]: must be a header name, got "x y""#,
        ),
        (
            json!({"headers": {":path": {"exact": "a"}}}),
            r#"match[0].headers[":path"]: must be a header name, not a pseudo-header, got ":path""#,
        ),
        (
            json!({"headers": {"a": {}, "A": {}}}),
            "match[0].headers: must have unique names, got a twice",
        ),
        (json!({"headers": {"a": {"exact": 1}}}), "match[0].headers.a.exact: must be text, got 1"),
        (
            json!({"headers": {"a": "b"}}),
            r#"match[0].headers.a: must be an object such as {exact: x}, got "b""#,
        ),
        (
            json!({"claims": {"a..b": {"exact": "x"}}}),
            r#"match[0].claims["a..b"]: must be a claim path such as a.b or [a.b][c], got "a..b""#,
        ),
        (
            json!({"claims": {"a": {}}}),
            "match[0].claims.a: must have one of exact, prefix, suffix, contains, regex, in, present, range, semver, cidr",
        ),
        (
            json!({"pathTemplate": "/a*"}),
            r#"match[0].pathTemplate: must have {*} for one segment and {**} for the rest, not a bare *, got "/a*""#,
        ),
        (
            json!({"source": {"ip": "10.0.0.0/40"}}),
            r#"match[0].source.ip: must be an address range such as 10.0.0.0/8 or 2001:db8::/32, got "10.0.0.0/40""#,
        ),
        (
            json!({"source": {"ip": ["::/0", "x"]}}),
            r#"match[0].source.ip[1]: must be an address range such as 10.0.0.0/8 or 2001:db8::/32, got "x""#,
        ),
        (
            json!({"source": {"ip": 7}}),
            "match[0].source.ip: must be an address range such as 10.0.0.0/8, or a list of them, got 7",
        ),
        (
            json!({"not": [{"method": {"exact": "GET"}}]}),
            "match[0].not: must be an object, got a list",
        ),
        (
            json!({"any": [{"not": {"uri": {"prefix": ""}}}]}),
            "match[0].any[0].not.uri: must not have an empty prefix: use present to ask for any value",
        ),
    ] {
        let document = json!({"match": [entry]}).to_string();
        let error = parse_config::<Config>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn refuses_empty_lists_and_deep_nesting() {
    let mut deep = json!({"method": {"exact": "GET"}});
    for _ in 0..7 {
        deep = json!({"not": deep});
    }
    assert!(compile(&json!([[deep]])).is_ok());
    for (rules, message) in [
        (
            json!([[{"not": deep}]]),
            "http[0].match[0].not.not.not.not.not.not.not.not: must be nested at most 8 deep",
        ),
        (json!([[], [{"any": []}]]), "http[1].match[0].any: must not be empty"),
        (json!([[{"not": {}}]]), "http[0].match[0].not: must not be empty, it would never match"),
        (
            json!([[{"not": {"any": [{"method": {"exact": "GET"}}, {"name": "a"}]}}]]),
            "http[0].match[0].not: must not be empty, it would never match",
        ),
        (
            json!([[{"not": {"all": []}}, {"source": {"ip": []}}]]),
            "http[0].match[0].not: must not be empty, it would never match; \
             http[0].match[0].not.all: must not be empty; \
             http[0].match[1].source.ip: must not be empty",
        ),
        (
            json!([[{"cookies": {"": {}}, "queryParams": {"": {}}, "attributes": {"": {"present": true}}}]]),
            "http[0].match[0].queryParams: must not have an empty name; \
             http[0].match[0].cookies: must not have an empty name; \
             http[0].match[0].attributes: must not have an empty name",
        ),
    ] {
        assert_eq!(compile(&rules).unwrap_err().to_string(), message);
    }
}

#[test]
fn limits_the_number_of_rules_and_matches() {
    let rule = |n: usize| json!([{"uri": {"exact": format!("/{n}")}}]);
    let many = |count| Value::Array((0..count).map(rule).collect());
    assert!(compile(&many(1024)).is_ok());
    assert_eq!(
        compile(&many(1025)).unwrap_err().to_string(),
        "http: must have at most 1024 rules, got 1025"
    );
    let entries =
        Value::Array((0..4097).map(|n| json!({"uri": {"exact": format!("/{n}")}})).collect());
    assert_eq!(
        compile(&json!([entries])).unwrap_err().to_string(),
        "http: must have at most 4096 matches in all rules, got 4097"
    );
}

#[test]
fn refuses_unreachable_rules() {
    for (rules, shadowed) in [
        (json!([[], [{"method": {"exact": "GET"}}]]), &[(1, 0)][..]),
        (json!([[{"name": "a"}], []]), &[(1, 0)]),
        (json!([[{"any": [{"all": [{}]}, {"method": {"exact": "GET"}}]}], []]), &[(1, 0)]),
        (json!([[{"method": {"exact": "GET"}}], []]), &[]),
        (json!([[{"uri": {"prefix": "/a"}}], [{"uri": {"exact": "/a/b"}}]]), &[(1, 0)]),
        (json!([[{"uri": {"exact": "/a/b"}}], [{"uri": {"prefix": "/a"}}]]), &[]),
        (
            json!([
                [{"uri": {"prefix": "/a"}}],
                [{"uri": {"prefix": "/b"}}],
                [{"uri": {"exact": "/b/1"}}, {"uri": {"exact": "/a/1"}}],
                [{"uri": {"exact": "/a/1"}}, {"uri": {"exact": "/c"}}],
            ]),
            &[(2, 1)],
        ),
        (
            json!([
                [{"uri": {"prefix": "/a"}}],
                [{"uri": {"prefix": "/a"}, "headers": {"x": {}}}],
            ]),
            &[(1, 0)],
        ),
        (
            json!([
                [{"uri": {"prefix": "/a"}, "headers": {"x": {}}}],
                [{"uri": {"prefix": "/a"}}],
                [{"uri": {"prefix": "/a"}, "headers": {"x": {"exact": "1"}}}],
            ]),
            &[(2, 0)],
        ),
        (
            json!([
                [{"withoutHeaders": {"x": {"exact": "1"}}}],
                [{"withoutHeaders": {"x": {}}}],
            ]),
            &[(1, 0)],
        ),
        (
            json!([
                [{"withoutHeaders": {"x": {}}}],
                [{"withoutHeaders": {"x": {"exact": "1"}}}],
            ]),
            &[],
        ),
        (
            json!([[{"source": {"ip": "10.0.0.0/8"}}], [{"source": {"ip": "10.1.0.0/16"}}]]),
            &[(1, 0)],
        ),
        (
            json!([[{"pathTemplate": "/{x}"}], [{"pathTemplate": "/{x}"}], [{"pathTemplate": "/{y}"}]]),
            &[(1, 0)],
        ),
        (
            json!([[{"not": {"uri": {"exact": "/"}}}], [{"not": {"uri": {"exact": "/"}}}]]),
            &[(1, 0)],
        ),
        (json!([[{"uri": {"exact": "/a"}}, {"uri": {"exact": "/a"}}]]), &[]),
    ] {
        let messages: Vec<_> = shadowed
            .iter()
            .map(|(rule, by)| {
                format!(
                    "http[{rule}].match: can never match, because http[{by}] always does before it"
                )
            })
            .collect();
        let error = compile(&rules).map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(error, messages.join("; "), "{rules}");
        let options = MatcherOptions { shadowed: Shadowed::Allowed, ..MatcherOptions::new("http") };
        assert!(Matcher::compile(&super::rules(&rules), &options).is_ok());
    }
}

#[test]
fn accepts_a_list_of_matches_as_the_rules() {
    let options = MatcherOptions { field: "", ..MatcherOptions::new("trustInbound") };
    let error = Matcher::compile(&rules(&json!([[{"any": []}]])), &options).unwrap_err();
    assert_eq!(error.errors()[0].path, "trustInbound[0][0].any");
}

#[test]
fn considers_only_rules_that_can_shadow() {
    let rules = json!([[{"uri": {"prefix": "/a"}}], [{"uri": {"prefix": "/a/b"}}], []]);
    let matcher = matcher(&rules);
    assert_eq!(matcher.shadowed(|_, _| true), [(1, 0)]);
    assert_eq!(matcher.shadowed(|earlier, _| earlier > 0), []);
}
