#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    super::{
        condition,
        view::{ReadingOptions, Readings},
    },
    *,
};
use crate::PathNormalization;

/// Returns the nth rule.
type Rule = fn(usize) -> Value;

/// Compiles 1,000 rules of one kind, and one that is scanned and always matches.
fn many(rule: impl Fn(usize) -> Value) -> Matcher {
    let rules: Vec<_> = (0..1000).map(|n| json!([rule(n)])).chain([json!([])]).collect();
    matcher(&Value::Array(rules))
}

/// Returns the first rule that matches and the number of alternatives evaluated.
fn first_match(matcher: &Matcher, request: &Request) -> (Option<usize>, usize) {
    let mut matches = matcher.matches(request);
    let first = matches.next().and_then(Match::sure);
    (first, matches.evaluated())
}

#[test]
fn indexes_rules_with_exact_values() {
    let target = request([
        (":path", "/p/777/x?q=777"),
        (":authority", "h777"),
        ("x", "777"),
        ("x-777", "1"),
        ("cookie", "a=0; c=777"),
    ]);
    let other = request([(":path", "/"), (":authority", "h"), ("x", "-"), ("cookie", "c=-")]);
    let rules: [(&str, Rule); 9] = [
        ("path", |n| json!({"uri": {"exact": format!("/p/{n}/x")}})),
        ("prefix", |n| json!({"uri": {"prefix": format!("/p/{n}/")}})),
        ("template", |n| json!({"pathTemplate": format!("/p/{n}/{{id}}")})),
        ("header", |n| json!({"headers": {"x": {"exact": n.to_string()}}})),
        ("list", |n| json!({"headers": {"x": {"in": [n.to_string(), format!("{n}a")]}}})),
        ("names", |n| json!({"headers": {format!("x-{n}"): {"exact": "1"}}})),
        ("authority", |n| json!({"authority": {"exact": format!("h{n}")}})),
        ("cookie", |n| json!({"cookies": {"c": {"exact": n.to_string()}}})),
        ("parameter", |n| json!({"queryParams": {"q": {"exact": n.to_string()}}})),
    ];
    for (kind, rule) in rules {
        let matcher = many(rule);
        assert_eq!(first_match(&matcher, &target), (Some(777), 1), "{kind}");
        assert_eq!(first_match(&matcher, &other), (Some(1000), 1), "{kind}");
    }
}

#[test]
fn indexes_the_most_selective_condition() {
    let matcher = many(|n| {
        json!({
            "method": {"exact": "GET"},
            "headers": {"x": {"exact": "1"}},
            "uri": {"exact": format!("/{n}")},
        })
    });
    let request = request([(":method", "GET"), (":path", "/5"), ("x", "1")]);
    assert_eq!(first_match(&matcher, &request), (Some(5), 1));
}

#[test]
fn scans_only_up_to_the_first_indexed_match() {
    let matcher = many(|n| match n {
        10 => json!({"headers": {"x": {"exact": "1"}}}),
        _ => json!({"uri": {"suffix": format!("/{n}")}}),
    });
    assert_eq!(first_match(&matcher, &request([(":path", "/"), ("x", "1")])), (Some(10), 11));
    assert_eq!(first_match(&matcher, &request([(":path", "/3"), ("x", "1")])), (Some(3), 4));
}

#[test]
fn evaluates_a_test_once_for_each_value() {
    let target = request([
        (":path", "/a%2541;b//"),
        (":authority", "A.Ex:80"),
        ("x", "ab"),
        ("cookie", "c=d"),
    ]);
    let reading_options = ReadingOptions {
        normalization: PathNormalization::None,
        occurrences: Occurrences::Agreeing,
        path: true,
        authority: true,
    };
    for (entry, done) in [
        (json!({"uri": {"regex": ".*q"}}), 15),
        (json!({"authority": {"regex": ".*q"}}), 4),
        (json!({"headers": {"x": {"regex": ".*q"}}}), 1),
        (json!({"withoutHeaders": {"x": {"regex": ".*q"}}}), 1),
        (json!({"cookies": {"c": {"contains": "q"}}}), 1),
        (json!({"any": [{"not": {"headers": {"x": {"contains": "q"}}}}]}), 1),
        (json!({"headers": {"x": {"exact": "q"}}}), 0),
    ] {
        let readings = Readings::new(&target, reading_options);
        let conditions = condition::conditions(&serde_json::from_value(entry.clone()).unwrap());
        assert_eq!(readings.views().count(), 60);
        for view in readings.views() {
            condition::all(&conditions, view);
        }
        assert_eq!(readings.cache.borrow().len(), done, "{entry}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::{
        super::super::{
            Match, condition,
            view::{ReadingOptions, Readings},
        },
        *,
    };
    use crate::PathNormalization;

    fn condition() -> impl Strategy<Value = Value> {
        let text = || "[ab]{1,2}";
        let operator =
            || prop_oneof![Just("exact"), Just("prefix"), Just("suffix"), Just("contains")];
        prop_oneof![
            (operator(), "/[ab]{0,2}").prop_map(|(op, text)| json!({"uri": {op: text}})),
            (operator(), text()).prop_map(|(op, text)| json!({"headers": {"x": {op: text}}})),
            (operator(), text())
                .prop_map(|(op, text)| json!({"withoutHeaders": {"x": {op: text}}})),
            (operator(), text()).prop_map(|(op, text)| json!({"cookies": {"c": {op: text}}})),
            (text(), text()).prop_map(|(a, b)| json!({"queryParams": {"q": {"in": [a, b]}}})),
            "(/([ab]|\\{\\*\\})){1,2}".prop_map(|text| json!({"pathTemplate": text})),
            Just(json!({})),
        ]
    }

    fn entry() -> impl Strategy<Value = Value> {
        let nested = condition().prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..3)
                    .prop_map(|list| json!({"any": list})),
                proptest::collection::vec(inner.clone(), 1..3)
                    .prop_map(|list| json!({"all": list})),
                inner.prop_map(|entry| json!({"not": {"all": [entry, {"headers": {"x": {}}}]}})),
            ]
        });
        proptest::collection::vec(nested, 1..3).prop_map(|list| json!({"all": list}))
    }

    fn request_like() -> impl Strategy<Value = Request> {
        let value = || "[ab]{0,2}";
        (("/[ab]{0,1}((/|//|;|%2f|/\\.\\./|%252F)[ab])?"), value(), value(), value(), value())
            .prop_map(|(path, q, x, y, c)| {
                request([
                    (":path", format!("{path}?q={q}").as_str()),
                    ("x", &x),
                    ("x", &y),
                    ("cookie", &format!("c={c}")),
                ])
            })
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_scan_finds(
            rules in proptest::collection::vec(proptest::collection::vec(entry(), 0..3), 0..6),
            request in request_like(),
        ) {
            let entries = super::super::rules(&json!(rules));
            let reading_options = ReadingOptions {
                normalization: PathNormalization::None,
                occurrences: Occurrences::Any,
                path: true,
                authority: true,
            };
            let readings = Readings::new(&request, reading_options);
            // Answers are cached by the addresses of conditions, so they must not move.
            let compile = |rule: &Vec<HttpMatch>| -> Vec<_> {
                rule.iter().map(condition::conditions).collect()
            };
            let compiled: Vec<_> = entries.iter().map(compile).collect();
            let expected: Vec<_> = (0..entries.len()).filter_map(|rule| {
                let in_reading = |view| match compiled[rule].as_slice() {
                    [] => Answer::Yes,
                    entries => Answer::any(entries.iter().map(|entry| condition::all(entry, view))),
                };
                match Answer::agreement(readings.views().map(in_reading)).unwrap() {
                    Answer::Yes => Some(Match::Sure(rule)),
                    Answer::Unsure => Some(Match::Unsure(rule)),
                    Answer::No => None,
                }
            }).collect();
            let found: Vec<_> = matcher(&json!(rules)).matches(&request).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 4),
        ) {
            let [path, header, cookie, principal] = bytes.try_into().unwrap();
            let matcher = matcher(&json!([
                [{"uri": {"regex": "/(a|b)*"}, "pathTemplate": "/{a}/{b=**}"}],
                [{"headers": {"x": {"range": {"from": 1}}}, "withoutHeaders": {"y": {"semver": "*"}}}],
                [{"cookies": {"c": {"cidr": ["::/0"]}}, "queryParams": {"q": {"contains": "é"}}}],
                [{"source": {"principal": {"suffix": "é"}}}],
                [{"headers": {"cookie": {"in": ["", "a"]}}, "uri": {"prefix": "/é"}}],
            ]));
            let headers = Headers::from_iter([(":path", path), ("x", header), ("cookie", cookie)]);
            let source_principal = Some(principal);
            let request = Request { headers, source_principal, ..Request::default() };
            prop_assert!(matcher.matches(&request).count() <= 5);
        }

        #[test]
        fn a_refused_rule_is_never_reached(
            rules in proptest::collection::vec(proptest::collection::vec(entry(), 1..3), 1..5),
            request in request_like(),
        ) {
            if let Err(invalid) = compile(&json!(rules)) {
                let first = matcher(&json!(rules)).sure_match(&request);
                let path = first.map(|rule| format!("http[{rule}].match"));
                prop_assert!(invalid.errors().iter().all(|error| Some(&error.path) != path.as_ref()));
            }
        }
    }
}
