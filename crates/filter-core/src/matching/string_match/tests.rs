#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};

use super::*;
use crate::{
    Answer::{No, Unsure, Yes},
    parse_config,
};

fn condition(document: &Value) -> StringMatch {
    serde_json::from_value(document.clone()).unwrap()
}

#[test]
fn matches_each_operator() {
    for (document, yes, no) in [
        (json!({"exact": "a"}), &["a"][..], &["A", "", "ab"][..]),
        (json!({"exact": ""}), &[""], &["a"]),
        (json!({"prefix": "/a"}), &["/a", "/ab"], &["/A", "b/a"]),
        (json!({"suffix": ".js"}), &["x.js", ".js"], &[".jsx"]),
        (json!({"contains": "b"}), &["abc", "b"], &["B", ""]),
        (json!({"in": ["a", "b"]}), &["a", "b"], &["c", "ab"]),
        (json!({"present": true}), &["", "x"], &[]),
        (json!({"exact": "aB", "ignoreCase": true}), &["ab", "AB"], &["a"]),
        (json!({"prefix": "É", "ignoreCase": true}), &["É"], &["é"]),
        (json!({"suffix": "X", "ignoreCase": true}), &["ax", "aX"], &["xa"]),
        (json!({"contains": "X", "ignoreCase": true}), &["axa"], &["a"]),
        (json!({"in": ["A"], "ignoreCase": true}), &["a", "A"], &["b"]),
        (json!({"regex": "a+|b", "ignoreCase": true}), &["aA", "B"], &["ab"]),
        (json!({"range": {"from": 1, "to": 2.5}}), &["1", "2.49", "1.0"], &["0.9", "2.5", "x"]),
        (json!({"range": {"to": 0}}), &["-1", "-0.5"], &["0", "-"]),
        (
            json!({"range": {"from": 0}}),
            &["0", "9999999999"],
            &["-1", "1e3", "inf", "nan", " 1", "+1", ".5", "1."],
        ),
        (
            json!({"semver": ">=2.1, <3"}),
            &["2.1", "v2.1.0", "2.9.9+b"],
            &["2", "3", "3.0.0", "2.2.0-rc.1", "x", "2.1.0.0"],
        ),
        (json!({"semver": "^1.2.3-rc.1"}), &["1.2.3-rc.2", "1.3"], &["1.3.0-rc.1"]),
        (
            json!({"cidr": ["10.0.0.0/8", "::1"]}),
            &["10.1.2.3", "::1", "::ffff:10.0.0.1"],
            &["11.0.0.1", "10.0.0.1:80", ""],
        ),
    ] {
        let condition = condition(&document);
        for value in yes {
            assert!(condition.matches(Some(value.as_bytes())), "{document} {value}");
        }
        for value in no {
            assert!(!condition.matches(Some(value.as_bytes())), "{document} {value}");
        }
        assert!(!condition.matches(None), "{document}");
    }
}

#[test]
fn matches_regular_expressions_with_the_whole_value() {
    for (regex, yes, no) in [
        ("a|ab", &["a", "ab"][..], &["abc", "xa"][..]),
        ("^a$", &["a"], &["a\n", "\na"]),
        ("a.c", &["abc", "aéc"], &["a\nc", "abbc"]),
        (r"\d{2}", &["12"], &["１２", "123"]),
        (r"\w+", &["az_9"], &["é"]),
        ("(?i)ab", &["aB"], &["aBc"]),
        ("(?m)^a$", &["a"], &["a\nb", "b\na"]),
        ("(?P<x>a)*", &["", "aaa"], &["b"]),
        ("[[:alpha:]]+", &["az"], &["1"]),
    ] {
        let condition = condition(&json!({"regex": regex}));
        for value in yes {
            assert!(condition.matches(Some(value.as_bytes())), "{regex} {value}");
        }
        for value in no {
            assert!(!condition.matches(Some(value.as_bytes())), "{regex} {value}");
        }
    }
}

#[test]
fn compares_text_byte_by_byte() {
    for (document, answer) in [
        (json!({"present": true}), Yes),
        (json!({"prefix": "a"}), Yes),
        (json!({"prefix": "A", "ignoreCase": true}), Yes),
        (json!({"exact": "a"}), No),
        (json!({"suffix": "a"}), No),
        (json!({"contains": "a"}), Yes),
        (json!({"contains": "A", "ignoreCase": true}), Yes),
        (json!({"in": ["a", "b"]}), No),
        (json!({"regex": "(?s).*"}), Yes),
        (json!({"regex": "a."}), Yes),
        (json!({"regex": "a[^/]"}), Yes),
        (json!({"regex": "a[a-z]"}), No),
        (json!({"range": {"from": 0}}), Unsure),
        (json!({"semver": "*"}), Unsure),
        (json!({"cidr": ["::/0"]}), Unsure),
    ] {
        assert_eq!(condition(&document).answer(b"a\xff"), answer, "{document}");
    }
}

#[test]
fn values_that_cannot_be_parsed_are_unsure() {
    for (document, value, answer) in [
        (json!({"range": {"from": 1}}), "2", Yes),
        (json!({"range": {"from": 1}}), "0", No),
        (json!({"range": {"from": 1}}), "", Unsure),
        (json!({"range": {"from": 1}}), "1e3", Unsure),
        (json!({"range": {"from": 1}}), "0x10", Unsure),
        (json!({"range": {"from": 1}}), " 2", Unsure),
        (json!({"semver": "^1"}), "2.0.0", No),
        (json!({"semver": "^1"}), "one", Unsure),
        (json!({"cidr": ["10.0.0.0/8"]}), "11.0.0.1", No),
        (json!({"cidr": ["10.0.0.0/8"]}), "10.0.0.1:80", Unsure),
        (json!({"cidr": ["10.0.0.0/8"]}), "010.0.0.1", Unsure),
    ] {
        assert_eq!(condition(&document).answer(value.as_bytes()), answer, "{document} {value}");
    }
}

#[test]
fn refuses_invalid_conditions_with_a_hint() {
    let one = "must have one operator, got";
    let hint = "use several entries for OR, all for AND";
    for (document, message) in [
        (json!({}), "value: must have one of exact, prefix, suffix, contains, regex, in, present, range, semver, cidr".to_owned()),
        (json!({"exact": "a", "prefix": "b"}), format!("value: {one} exact and prefix: {hint}")),
        (json!({"exact": "a", "in": ["b"], "regex": "c"}), format!("value: {one} exact, regex and in: {hint}")),
        (json!("a"), r#"value: must be an object such as {exact: x}, got "a""#.to_owned()),
        (json!({"exact": 1}), "value.exact: must be text, got 1".to_owned()),
        (json!({"equals": "a"}), "value.equals: unknown field `equals`, expected one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `in`, `present`, `range`, `semver`, `cidr`, `ignoreCase`".to_owned()),
        (json!({"prefix": ""}), "value: must not have an empty prefix: use present to ask for any value".to_owned()),
        (json!({"in": []}), "value: must not have an empty in: use present to ask for any value".to_owned()),
        (json!({"in": vec!["a"; 1025]}), "value: must have at most 1024 entries in in".to_owned()),
        (json!({"in": ["a", 2]}), "value.in[1]: must be text, got 2".to_owned()),
        (json!({"present": false}), "value: must have present: true: use not or withoutHeaders to ask for absence".to_owned()),
        (json!({"range": {}}), "value: must have a range with from or to, and from below to".to_owned()),
        (json!({"range": {"from": 2, "to": 2}}), "value: must have a range with from or to, and from below to".to_owned()),
        (json!({"range": {"from": "2"}}), r#"value.range.from: must be a number, got "2": leave out the quotes"#.to_owned()),
        (json!({"semver": "new"}), r#"value.semver: must be a version range such as ">=2.1, <3", got "new""#.to_owned()),
        (json!({"cidr": ["10.0.0.0/40"]}), r#"value.cidr[0]: must be an address range such as 10.0.0.0/8 or 2001:db8::/32, got "10.0.0.0/40""#.to_owned()),
        (json!({"present": true, "ignoreCase": true}), "value: must not have ignoreCase with present, which compares no letters".to_owned()),
        (json!({"regex": "*"}), r#"value: must be a regular expression in RE2 syntax, got "*": use present to ask for any value"#.to_owned()),
        (json!({"regex": ""}), r#"value.regex: must be a regular expression of 1 to 1024 bytes, got """#.to_owned()),
        (json!({"regex": "a".repeat(1025)}), format!(r#"value.regex: must be a regular expression of 1 to 1024 bytes, got "{}"…"#, "a".repeat(64))),
    ] {
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            #[expect(dead_code)]
            value: StringMatch,
        }
        let error = parse_config::<Config>(json!({"value": document}).to_string().as_bytes());
        assert_eq!(error.unwrap_err().to_string(), message);
    }
}

#[test]
fn refuses_expressions_that_cannot_be_compiled() {
    for regex in ["(", "a)|(b", r"(a)\1", "(?=a)", "a{1000}{1000}{1000}", "(?x)a #", r"\p{Greek}"] {
        let error = serde_json::from_value::<StringMatch>(json!({"regex": regex})).unwrap_err();
        assert!(error.to_string().starts_with("must be a regular expression in RE2 syntax ("));
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn finds_obvious_implications() {
    for (narrow, wide, implies) in [
        (json!({"exact": "/a/b"}), json!({"prefix": "/a"}), true),
        (json!({"exact": "/b"}), json!({"prefix": "/a"}), false),
        (json!({"in": ["a", "b"]}), json!({"regex": "[ab]"}), true),
        (json!({"in": ["a", "c"]}), json!({"regex": "[ab]"}), false),
        (json!({"prefix": "/a/b"}), json!({"prefix": "/a"}), true),
        (json!({"prefix": "/a"}), json!({"prefix": "/a/b"}), false),
        (json!({"prefix": "/A/b"}), json!({"prefix": "/a", "ignoreCase": true}), true),
        (json!({"prefix": "/a/b", "ignoreCase": true}), json!({"prefix": "/a"}), false),
        (json!({"exact": "a", "ignoreCase": true}), json!({"exact": "a"}), false),
        (json!({"suffix": "a.js"}), json!({"suffix": ".js"}), true),
        (json!({"suffix": "a.js"}), json!({"contains": "js"}), true),
        (json!({"regex": "a+"}), json!({"present": true}), true),
        (json!({"present": true}), json!({"regex": ".*"}), false),
        (json!({"regex": "a"}), json!({"regex": "a"}), true),
        (json!({"regex": "a"}), json!({"regex": "a|b"}), false),
        (json!({"range": {"from": 1, "to": 2}}), json!({"range": {"from": 0}}), true),
        (json!({"range": {"from": 0}}), json!({"range": {"from": 1, "to": 2}}), false),
        (json!({"cidr": ["10.1.0.0/16"]}), json!({"cidr": ["10.0.0.0/8"]}), true),
        (json!({"cidr": ["10.0.0.0/8", "::1"]}), json!({"cidr": ["10.0.0.0/8"]}), false),
    ] {
        assert_eq!(condition(&narrow).implies(&condition(&wide)), implies, "{narrow} {wide}");
    }
}

#[test]
fn returns_exact_texts_only_of_exact_conditions() {
    assert_eq!(StringMatch::exact("a").exact_texts(), Some(&["a".to_owned()][..]));
    assert_eq!(condition(&json!({"in": ["a", "b"]})).exact_texts().map(<[_]>::len), Some(2));
    assert_eq!(StringMatch::exact("a").ignoring_case().exact_texts(), None);
    assert_eq!(StringMatch::present().exact_texts(), None);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn no_value_panics(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
        for document in [
            json!({"regex": "(a|b)*c?"}),
            json!({"range": {"from": -1}}),
            json!({"semver": "*"}),
            json!({"cidr": ["::/0"]}),
            json!({"contains": "É", "ignoreCase": true}),
        ] {
            let _ = condition(&document).matches(Some(&value));
        }
    }

    #[test]
    fn finds_text_among_any_bytes(
        before in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..6),
        part in "[aé日]{1,3}",
        after in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..6),
    ) {
        let value = [&before[..], part.as_bytes(), &after].concat();
        let found = condition(&json!({"contains": part})).answer(&value);
        proptest::prop_assert_eq!(found, Yes);
    }

    #[test]
    fn implications_are_never_wrong(a in "[ab]{1,3}", b in "[abAB]{1,2}", value in "[abAB]{0,4}") {
        let operators = ["exact", "prefix", "suffix", "contains"];
        for (first, second) in operators.iter().flat_map(|x| operators.map(|y| (*x, y))) {
            for ignore in [false, true] {
                let narrow = condition(&json!({first: a}));
                let wide = condition(&json!({second: b, "ignoreCase": ignore}));
                if narrow.implies(&wide) && narrow.matches(Some(value.as_bytes())) {
                    proptest::prop_assert!(wide.matches(Some(value.as_bytes())));
                }
            }
        }
    }
}
