//! Errors about documents, and the inputs of valid ones.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

fn check(document: Value, message: &str) {
    let error = compile(&document).map(|_| "accepted").unwrap_err();
    assert_eq!(error.to_string(), message, "{document}");
}

fn check_entry(entry: Value, message: &str) {
    check(json!({"http": [entry]}), message);
}

#[test]
fn refuses_misplaced_fields() {
    for field in [
        "route",
        "rewrite",
        "redirect",
        "directResponse",
        "delegate",
        "timeout",
        "retries",
        "fault",
        "mirror",
        "mirrors",
        "mirrorPercent",
        "mirrorPercentage",
        "corsPolicy",
    ] {
        check_entry(
            json!({field: {}}),
            &format!("http[0].{field}: must not be given: it stays in the VirtualService"),
        );
    }
    for field in ["selector", "targetRef", "targetRefs"] {
        check(
            json!({field: {}}),
            &format!(
                "{field}: must not be given: it belongs to the WasmPlugin, not to pluginConfig"
            ),
        );
    }
    for field in ["port", "sourceLabels", "sourceNamespace", "gateways", "statPrefix"] {
        let error = compile(&json!({"http": [{"match": [{field: 1}]}]})).unwrap_err();
        assert_eq!(error.errors()[0].path, format!("http[0].match[0].{field}"));
    }
}

#[test]
fn checks_field_values() {
    for name in ["cookie", "baggage", "content-type", "x-forwarded-for", "x-weir-explain"] {
        let message = format!("tagHeader: must be a header for tags only, got \"{name}\"");
        check(json!({"tagHeader": name}), &message);
        check_entry(json!({"tagHeader": name}), &format!("http[0].{message}"));
    }
    for (name, rule) in [
        (":path", "must be a header name, not a pseudo-header"),
        ("Host", "must not be host, which the route decides"),
        ("te", "must not be a hop-by-hop header"),
        ("x y", "must be a header name"),
    ] {
        check(json!({"tagHeader": name}), &format!("tagHeader: {rule}, got \"{name}\""));
    }
    check(
        json!({"baggageKey": "a=b"}),
        r#"baggageKey: must be a key of W3C Baggage without %, 1 to 64 bytes, got "a=b""#,
    );
    check_entry(
        json!({"name": "é"}),
        r#"http[0].name: must be 1 to 128 characters of printable ASCII, got "é""#,
    );
    check_entry(
        json!({"salt": "é"}),
        r#"http[0].salt: must be 1 to 128 characters of printable ASCII, got "é""#,
    );
    check_entry(
        json!({"tags": "a"}),
        "http[0].tags: unknown field `tags`, expected one of `name`, `match`, `schedule`, `tagHeader`, `tag`, `split`, `canary`, `consistentHash`, `salt`, `headers`",
    );
}

#[test]
fn checks_tags() {
    let split = json!([{"tag": "a", "weight": 1}, {"tag": "b", "weight": 1}]);
    check_entry(
        json!({"tag": "a", "split": split}),
        "http[0]: must have at most one of tag, split and canary",
    );
    let label = "must be a label value: 1 to 63 of A to Z, a to z, 0 to 9, dot, _ and -, with a letter or digit at both ends";
    check_entry(json!({"tag": "a b"}), &format!("http[0].tag: {label}, got \"a b\""));
    check_entry(json!({"tag": ""}), &format!("http[0].tag: {label}, got \"\""));
    check_entry(
        json!({"tag": "%TAG%"}),
        "http[0].tag: must have no placeholders other than %REQ(name)%, %CLAIM(a.b)%, %PATH(var)%, got %TAG%",
    );
    check_entry(
        json!({"tag": "%PATH(id)%", "match": [{"pathTemplate": "/a/{other}"}]}),
        "http[0].tag: must have a pathTemplate with {id} in match for %PATH(id)%",
    );
    check_entry(
        json!({"tag": "a", "headers": {"request": {"set": {"x": "%START_TIME%"}}}}),
        "http[0].headers.request.set.x: must have no placeholders other than %REQ(name)%, %CLAIM(a.b)%, %PATH(var)%, %TAG%, %TAG(tag-header)%, %RULE%, got %START_TIME%",
    );
    check_entry(
        json!({"tag": "a", "headers": {"request": {"set": {"x": "%TAG(x-none)%"}}}}),
        "http[0].headers: must name a tag header in %TAG(x-none)%",
    );
    check(
        json!({"tagHeader": "x-t", "headers": {"request": {"remove": ["x-t"]}, "response": {"set": {"baggage": "1"}}}}),
        "headers.request: must not change x-t, which carries tags; headers.response: must not change baggage, which carries tags",
    );
    check_entry(
        json!({"tag": "a", "schedule": {"startsAt": "2026-12-01T09:00:00Z", "rampUp": "1h"}}),
        "http[0].schedule.rampUp: must not be given: use canary to shift traffic gradually",
    );
}

#[test]
fn checks_splits() {
    for (split, message) in [
        (json!([{"tag": "a", "weight": 1}]), "http[0].split: must have 2 to 16 tags, got 1"),
        (json!([]), "http[0].split: must have 2 to 16 tags, got 0"),
        (
            json!([{"tag": "a", "weight": 0}, {"tag": "b", "weight": 0}]),
            "http[0].split: must have at least one weight above 0",
        ),
        (
            json!([{"tag": "a", "weight": 1}, {"tag": "a", "weight": 1}]),
            "http[0].split[1].tag: must be unique, got \"a\"",
        ),
        (
            json!([{"tag": "a", "weight": 1_000_001}, {"tag": "b", "weight": 1}]),
            "http[0].split[0].weight: must be a whole number from 0 to 1000000, got 1000001",
        ),
        (
            json!([{"tag": "a", "weight": 0.5}, {"tag": "b", "weight": 1}]),
            "http[0].split[0].weight: must be a whole number from 0 to 1000000, got 0.5",
        ),
    ] {
        check_entry(json!({"split": split}), message);
    }
}

#[test]
fn a_sticky_choice_needs_a_split_and_a_salt() {
    let hash = json!({"useSourceIp": true});
    let split = json!([{"tag": "a", "weight": 1}, {"tag": "b", "weight": 1}]);
    check_entry(
        json!({"name": "n", "tag": "a", "consistentHash": hash, "salt": "s"}),
        "http[0].consistentHash: must not be given without split or canary; http[0].salt: must not be given without split or canary",
    );
    check_entry(
        json!({"split": split, "consistentHash": hash}),
        "http[0].consistentHash: must be given with name or salt: otherwise a new entry would reassign the keys",
    );
    assert!(
        compile(&json!({"http": [{"split": split, "consistentHash": hash, "salt": "s"}]})).is_ok()
    );
}

#[test]
fn checks_canaries() {
    let with = |name: &str, value: Value| {
        let mut canary = json!({
            "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-12-01T09:00:00Z",
            "initialWeight": 5, "increment": 5, "interval": "300s",
        });
        canary.as_object_mut().unwrap().insert(name.to_owned(), value);
        json!({"canary": canary})
    };
    let percent = "must be a percentage from 0 to 100 in steps of 0.01";
    for (name, value, message) in [
        ("canaryTag", json!("stable"), "canary.canaryTag: must differ from baselineTag, got \"stable\"".to_owned()),
        ("startsAt", json!("soon"), "canary.startsAt: must be an instant such as 2026-12-01T18:00:00Z, got \"soon\"".to_owned()),
        ("initialWeight", json!(100.5), format!("canary.initialWeight: {percent}, got 100.5")),
        ("initialWeight", json!(0.001), format!("canary.initialWeight: {percent}, got 0.001")),
        ("increment", json!(0), "canary.increment: must be a percentage from 0.01 to 100 in steps of 0.01, got 0".to_owned()),
        ("maxWeight", json!("5"), format!("canary.maxWeight: {percent}, got \"5\": leave out the quotes")),
        ("interval", json!("9s"), "canary.interval: must be between 10s and 720h, got \"9s\"".to_owned()),
        ("successCriteria", json!({"maxErrorRate": 0.01}), "canary.successCriteria.maxErrorRate: must be an object such as {value: 1} for 1 %, got 0.01".to_owned()),
    ] {
        check_entry(with(name, value), &format!("http[0].{message}"));
    }
    for (value, hundredths) in [(json!(0.07), 7), (json!(33.33), 3_333), (json!(100), 10_000)] {
        let policy = policy(&json!({"http": [with("initialWeight", value)]}));
        assert_eq!(policy.canary_weight(0, at(1_796_115_600), false), hundredths);
    }
}

#[test]
fn names_must_be_unique_in_metrics() {
    check(
        json!({"http": [{"name": "a-b", "match": [{"uri": {"exact": "/"}}]}, {"name": "a.b"}]}),
        r#"http[1].name: must be unique, also with special characters replaced by _ in metrics, got "a.b" as in http[0]"#,
    );
}

#[test]
fn refuses_entries_that_are_never_reached() {
    let a = json!([{"headers": {"x-a": {"exact": "1"}}}]);
    let never = |index, by| {
        format!("http[{index}].match: can never match, because http[{by}] always does before it")
    };
    check(json!({"http": [{"tag": "a"}, {"tag": "b"}]}), &never(1, 0));
    check(
        json!({"http": [{"match": a, "tag": "a"}, {"tag": "c"}, {"match": a, "tag": "b"}]}),
        &never(2, 0),
    );
    for reached in [
        json!([{"tag": "a"}, {"tag": "b", "tagHeader": "x-t"}]),
        json!([{"tag": "%REQ(x-a)%"}, {"tag": "b"}]),
        json!([{"tag": "a", "schedule": {"expiresAt": "2026-12-01T09:00:00Z"}}, {"tag": "b"}]),
        json!([{"headers": {"request": {"set": {"x": "1"}}}}, {"tag": "b"}]),
    ] {
        assert!(compile(&json!({"http": reached})).is_ok(), "{reached}");
    }
}

#[test]
fn errors_of_match_lists_have_their_paths() {
    for field in ["trustInbound", "explain"] {
        check(json!({field: [{}, {"any": []}]}), &format!("{field}[1].any: must not be empty"));
    }
    check(
        json!({"http": [{"match": [{"not": {}}]}]}),
        "http[0].match[0].not: must not be empty, it would never match",
    );
    let many: Vec<_> = (0..1025).map(|_| json!({})).collect();
    check(json!({"http": many}), "http: must have at most 1024 rules, got 1025");
}

#[test]
fn reads_only_what_it_needs() {
    for (document, headers) in [
        (json!({}), vec![]),
        (json!({"http": [{"tag": "a"}]}), vec![]),
        (
            json!({"http": [{"match": [{"headers": {"x-a": {}}}], "tag": "a"}]}),
            vec!["x-a", "x-weir-tag"],
        ),
        (json!({"trustInbound": [{}]}), vec!["x-weir-tag"]),
        (json!({"baggageKey": "k"}), vec!["baggage", "x-weir-tag"]),
        (json!({"explain": [{}]}), vec!["x-weir-explain", "x-weir-tag"]),
        (json!({"headers": {"request": {"set": {"x": "%REQ(x-b)%"}}}}), vec!["x-b", "x-weir-tag"]),
        (
            json!({"http": [{"name": "a", "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 1}],
                "consistentHash": {"httpCookie": {"name": "c", "ttl": "0s"}}}]}),
            vec![":scheme", "cookie", "x-weir-tag"],
        ),
    ] {
        let policy = policy(&document);
        assert_eq!(policy.needs().headers.iter().collect::<Vec<_>>(), headers, "{document}");
        assert!(!policy.uses_time());
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_schema_refuses_most_invalid_documents() {
    refuses_misplaced_fields();
    checks_field_values();
    checks_tags();
    checks_splits();
    a_sticky_choice_needs_a_split_and_a_salt();
    checks_canaries();
    let refused = schema_check::refused::<Config>();
    assert!(refused.by_schema >= 45, "{refused:?}");
}

#[test]
fn reports_all_errors_at_once() {
    check(
        json!({"tagHeader": "te", "http": [{"tag": 7}, {"name": "", "split": {}}]}),
        "http[0].tag: must be text, got 7; http[1].name: must be 1 to 128 characters of printable ASCII, got \"\"; http[1].split: must be a list, got an object; tagHeader: must not be a hop-by-hop header, got \"te\"",
    );
}
