#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::{HeaderName, IntegerWithin, config::misplaced};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Document {
    rules: Vec<Rule>,
    limits: BTreeMap<String, u32>,
    mode: Mode,
    dry_run: bool,
    pair: Option<Pair>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    name: HeaderName,
    #[serde(default)]
    status: Option<IntegerWithin<200, 599>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    #[default]
    Soft,
    Hard,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(try_from = "PairFields")]
struct Pair(u32, u32);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairFields {
    low: Option<u32>,
    high: Option<u32>,
}

impl TryFrom<PairFields> for Pair {
    type Error = &'static str;

    fn try_from(fields: PairFields) -> Result<Self, &'static str> {
        match (fields.low, fields.high) {
            (Some(low), Some(high)) => Ok(Self(low, high)),
            _ => Err("needs both low and high"),
        }
    }
}

fn check(document: &str, message: &str) {
    let error = parse_config::<Document>(document.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), message, "{document}");
}

#[test]
fn absent_and_blank_documents_are_empty_objects() {
    for document in ["", " \n\t ", "{}"] {
        let config = parse_config::<Document>(document.as_bytes()).unwrap();
        assert_eq!(config, Document::default());
    }
}

#[test]
fn reports_path_rule_and_value() {
    for (document, message) in [
        (
            r#"{"rules": [{"name": "a"}, {"name": "x y"}]}"#,
            r#"rules[1].name: must be a header name, got "x y""#,
        ),
        (r#"{"dryRun": "yes"}"#, r#"dryRun: must be true or false, got "yes""#),
        (r#"{"rules": {}}"#, "rules: must be a list, got an object"),
        (r#"{"rules": [7]}"#, "rules[0]: must be an object, got 7"),
        (r#"{"limits": 1}"#, "limits: must be an object, got 1"),
        (r#"{"limits": {"a.b": -1}}"#, r#"limits["a.b"]: must be a whole number in range, got -1"#),
        (r#"{"mode": "LOUD"}"#, r#"mode: must be `SOFT` or `HARD`, got "LOUD""#),
        (r#"{"mode": 1}"#, "mode: must be text, got 1"),
        (r#"{"rules": [{}]}"#, "rules[0]: missing field `name`"),
        (r#"{"rules": [["a", 503]]}"#, "rules[0]: must be an object, got a list"),
        (r#"{"rules": null}"#, "rules: must not be empty: leave the key out or give a value"),
        (r#"{"rules": [null]}"#, "rules[0]: must not be empty: leave the key out or give a value"),
        (r#"{"mode": null}"#, "mode: must not be empty: leave the key out or give a value"),
        (r#"{"dryRun": null}"#, "dryRun: must not be empty: leave the key out or give a value"),
        (r#"{"limits": null}"#, "limits: must not be empty: leave the key out or give a value"),
        (r#"{"pair": [1, 2]}"#, "pair: must be an object, got a list"),
        (r#"{"pair": {"low": 1}}"#, "pair: needs both low and high"),
        (
            r#"{"dry": true}"#,
            "dry: unknown field `dry`, expected one of `rules`, `limits`, `mode`, `dryRun`, `pair`",
        ),
        ("[]", "the configuration: must be an object, got a list"),
        ("7", "the configuration: must be an object, got 7"),
        ("null", "the configuration: must not be empty: leave the key out or give a value"),
    ] {
        check(document, message);
    }
}

#[test]
fn suggests_the_right_spelling_of_a_field() {
    for name in ["dry_run", "dryrun", "DryRun", "dry-run", "DRY_RUN", "dry_Run_"] {
        check(&format!(r#"{{"{name}": true}}"#), &format!("{name}: must be written dryRun"));
    }
    check(r#"{"rules": [{"na_me": "a"}]}"#, "rules[0].na_me: must be written name");
}

#[test]
fn suggests_leaving_out_quotes_around_numbers_and_booleans() {
    for (document, message) in [
        (
            r#"{"rules": [{"name": "a", "status": "503"}]}"#,
            r#"rules[0].status: must be a whole number from 200 to 599, got "503": leave out the quotes"#,
        ),
        (
            r#"{"limits": {"a": "7"}}"#,
            r#"limits.a: must be a whole number in range, got "7": leave out the quotes"#,
        ),
        (
            r#"{"dryRun": "true"}"#,
            r#"dryRun: must be true or false, got "true": leave out the quotes"#,
        ),
        (
            r#"{"pair": {"low": "1", "high": "2"}}"#,
            "pair.high: must be a whole number in range, got \"2\": leave out the quotes; \
             pair.low: must be a whole number in range, got \"1\": leave out the quotes",
        ),
        // Values that would also be refused without the quotes.
        (
            r#"{"rules": [{"name": "a", "status": "9"}]}"#,
            r#"rules[0].status: must be a whole number from 200 to 599, got "9""#,
        ),
        (r#"{"mode": "1"}"#, r#"mode: must be `SOFT` or `HARD`, got "1""#),
        (r#"{"rules": "1"}"#, r#"rules: must be a list, got "1""#),
        (r#"{"dryRun": "1"}"#, r#"dryRun: must be true or false, got "1""#),
        (r#"{"limits": {"a": "x"}}"#, r#"limits.a: must be a whole number in range, got "x""#),
    ] {
        check(document, message);
    }
}

#[test]
fn reports_syntax_errors_without_a_position() {
    for (document, message) in [
        ("{} {}", "the configuration: must be JSON: trailing characters"),
        ("{}x", "the configuration: must be JSON: trailing characters"),
        (
            "rules: []",
            "the configuration: must be JSON: expected value; convert YAML to JSON, as Istio does \
             with pluginConfig",
        ),
        ("{", "the configuration: must be JSON: EOF while parsing an object"),
        (r#"{"rules": [{"name": tru}]}"#, "rules[0].name: must be JSON: expected ident"),
    ] {
        check(document, message);
    }
    assert!(parse_config::<Document>(b"{\"mode\": \"\xff\"}").is_err());
    assert!(parse_config::<Document>("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn refuses_duplicate_members_at_any_depth() {
    check(r#"{"dryRun": true, "dryRun": false}"#, "dryRun: must be given only once");
    check(
        r#"{"limits": {"a": 1, "a": 1}, "rules": [{"name": "a", "name": "b"}]}"#,
        "limits.a: must be given only once; rules[0].name: must be given only once",
    );
}

#[test]
fn reports_all_errors_with_their_original_indices() {
    check(
        r#"{"rules": [{}, {"name": "a", "status": 1}, {"name": ""}, 5, {"nam": "a", "name": "b"}],
            "mode": "LOUD", "typo": 1}"#,
        "mode: must be `SOFT` or `HARD`, got \"LOUD\"; \
         rules[0]: missing field `name`; \
         rules[1].status: must be a whole number from 200 to 599, got 1; \
         rules[2].name: must be a header name, got \"\"; \
         rules[3]: must be an object, got 5; \
         rules[4].nam: unknown field `nam`, expected `name` or `status`; \
         typo: unknown field `typo`, expected one of `rules`, `limits`, `mode`, `dryRun`, `pair`",
    );
}

#[test]
fn reports_no_consequences_of_an_error() {
    check(
        r#"{"rules": [{"name": 1}], "pair": {"low": "a", "high": 2}}"#,
        "pair.low: must be a whole number in range, got \"a\"; \
         rules[0].name: must be a header name, got 1",
    );
}

#[test]
fn a_removed_alias_is_not_also_missing() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Bucket {
        #[serde(alias = "max_tokens")]
        max_tokens: u32,
    }
    for name in ["max_tokens", "maxTokens", "MaxTokens"] {
        let document = format!(r#"{{"{name}": "x"}}"#);
        let error = parse_config::<Bucket>(document.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(name) && !error.contains("missing"), "{error}");
    }
}

#[test]
fn reports_missing_fields_next_to_unknown_ones() {
    check(
        r#"{"rules": [{"nam": "a"}], "pair": {"lo": 1}}"#,
        "pair.lo: unknown field `lo`, expected `low` or `high`; \
         rules[0].nam: unknown field `nam`, expected `name` or `status`; \
         rules[0]: missing field `name`",
    );
}

#[test]
fn lists_ten_errors_and_counts_the_rest() {
    let rules: Vec<_> = (0..25).map(|_| r#"{"name": ""}"#).collect();
    let document = format!(r#"{{"rules": [{}]}}"#, rules.join(","));
    let error = parse_config::<Document>(document.as_bytes()).unwrap_err();
    assert_eq!((error.errors().len(), error.omitted()), (10, 15));
    assert_eq!(error.errors()[9].path, "rules[9].name");
    assert!(error.to_string().ends_with("; and 15 more"));
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn keeps_a_secret_out_of_its_message() {
    #[derive(Debug)]
    struct Secret;

    impl<'de> Deserialize<'de> for Secret {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            serde_json::Value::deserialize(deserializer)?;
            Err(serde::de::Error::custom("must be base64"))
        }
    }

    for document in [r#"{"k": "hunter2"}"#, r#"{"k": {"hunter2": 1}}"#, r#"{"k": 123456}"#] {
        let error = parse_config::<BTreeMap<String, Secret>>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "k: must be base64");
    }
}

#[test]
fn collects_errors_in_order_and_counts_them() {
    let mut errors = ConfigErrors::default();
    assert!(errors.is_empty());
    assert_eq!(errors.clone().finish(7), Ok(7));
    for index in 0..12 {
        errors.add(format_args!("http[{index}]"), "is wrong");
    }
    assert!(!errors.is_empty());
    let invalid = errors.finish(7).unwrap_err();
    assert_eq!((invalid.errors().len(), invalid.omitted()), (10, 2));
    let mut outer = ConfigErrors::default();
    outer.extend(invalid);
    assert_eq!(outer.finish(7).unwrap_err().omitted(), 2);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn no_document_panics(document in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
        let _ = parse_config::<Document>(&document);
    }

    #[test]
    fn reports_every_wrong_entry_at_its_index(wrong in proptest::collection::vec(proptest::bool::ANY, 0..10)) {
        let rules: Vec<_> =
            wrong.iter().map(|wrong| if *wrong { r#"{"name": ""}"# } else { r#"{"name": "a"}"# }).collect();
        let document = format!(r#"{{"rules": [{}]}}"#, rules.join(","));
        let reported: Vec<_> = match parse_config::<Document>(document.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.errors().iter().map(|error| error.path.clone()).collect(),
        };
        let expected: Vec<_> = (0..wrong.len())
            .filter(|index| wrong[*index])
            .map(|index| format!("rules[{index}].name"))
            .collect();
        proptest::prop_assert_eq!(reported, expected);
    }
}

#[test]
fn displays_errors_in_one_line() {
    for name in [
        r"a\n",
        r"\u0000",
        r"\r\u001b[31m",
        r"\u007f",
        r"\u0085",
        r"\u2028",
        r"\u2029",
        r"\u202e",
        r"\u200b",
        r"\ufeff",
        r"\udb40\udc41",
    ] {
        for document in [format!(r#"{{"{name}": 1}}"#), format!(r#"{{"mode": "{name}"}}"#)] {
            let error = parse_config::<Document>(document.as_bytes()).unwrap_err().to_string();
            assert!(error.chars().all(crate::is_visible), "{error:?}");
        }
    }
}

#[test]
fn suggests_no_field_that_is_always_refused() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
    struct Outer {
        entries: Vec<Inner>,
        by_name: BTreeMap<String, Inner>,
        choice: Option<Choice>,
        #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
        selector: (),
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        a: u8,
        #[serde(alias = "ports", deserialize_with = "misplaced::in_virtual_service")]
        port: (),
        b: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Choice {
        Only(Only),
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Only {
        #[serde(deserialize_with = "misplaced::in_virtual_service")]
        gone: (),
    }

    for (document, message) in [
        (r#"{"x": 1}"#, "x: unknown field `x`, expected one of `entries`, `byName`, `choice`"),
        (
            r#"{"entries": [{"a": "1"}, {"a": 1, "c": 2}]}"#,
            "entries[0].a: must be a whole number in range, got \"1\": leave out the quotes; \
             entries[1].c: unknown field `c`, expected `a` or `b`",
        ),
        (
            r#"{"byName": {"n": {"`, expected `a": 2}}}"#,
            "byName.n[\"`, expected `a\"]: unknown field ``, expected `a`, expected `a` or `b`",
        ),
        (
            r#"{"choice": {"only": {"x": 1}}}"#,
            "choice.only.x: unknown field `x`, there are no fields",
        ),
        (
            r#"{"selector": 1}"#,
            "selector: must not be given: it belongs to the WasmPlugin, not to pluginConfig",
        ),
    ] {
        let error = parse_config::<Outer>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{document}");
    }
    let document = br#"{"choice": {"only": {}}, "entries": [{"b": "c"}]}"#;
    let Outer { entries, by_name, choice, selector: () } = parse_config(document).unwrap();
    let [Inner { a: 0, port: (), b: Some(_) }] = entries.as_slice() else { panic!("{entries:?}") };
    assert!(by_name.is_empty());
    assert!(matches!(choice, Some(Choice::Only(Only { gone: () }))));
}

#[test]
fn a_whole_resource_is_one_error() {
    const PLUGIN: &str =
        "the configuration: must be only the content of pluginConfig, got a WasmPlugin";
    for document in [
        r#"{"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "spec": {}}"#,
        r#"{"phase": "AUTHN", "pluginConfig": {"rules": []}}"#,
    ] {
        check(document, PLUGIN);
    }
    check(
        r#"{"@type": "type.googleapis.com/xds.type.v3.TypedStruct", "value": {}}"#,
        "the configuration: must be without @type and type_url, got an Envoy message",
    );
}
