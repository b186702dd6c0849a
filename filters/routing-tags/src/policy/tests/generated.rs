//! Properties of generated documents and requests.

use proptest::prelude::*;
use schema_check::compare;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::config::{BaggageKey, Percent, TagHeader};

fn everything() -> Policy {
    policy(&json!({
        "trustInbound": [{"headers": {"x-trust": {"exact": "1"}}}],
        "baggageKey": "weir-tag", "filterState": true, "explain": [{}],
        "headers": {"request": {"set": {"x-copy": "%REQ(x-any)%"}}},
        "http": [
            {"name": "t", "match": [{"pathTemplate": "/t/{id}"}], "tag": "%PATH(id)%"},
            {"name": "h", "match": [{"headers": {"x-any": {}}}], "tag": "%REQ(x-any)%"},
            {"name": "s", "tagHeader": "x-two", "consistentHash": {
                "httpQueryParameterName": "q", "httpCookie": {"name": "c", "ttl": "1h"}},
             "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 9}]},
        ],
    }))
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let names =
        [":path", "x-any", "x-weir-tag", "x-two", "baggage", "cookie", "x-trust", "x-weir-explain"];
    let texts = "[a=;, %/tcwei1-]{0,24}".prop_map(String::into_bytes);
    let bytes = prop::collection::vec(1_u8..=255, 0..24);
    (prop::sample::select(names.to_vec()), prop_oneof![texts, bytes])
}

/// Generates values for any place in a document, most of them invalid.
fn value() -> impl Strategy<Value = Value> {
    let words = [
        "a",
        "",
        "v2",
        "%PATH(x)%",
        "%%",
        "%TAG",
        "x-weir-tag",
        "cookie",
        "/a/{b}/{c=**}",
        "2026-12-01T09:00:00Z",
        "10s",
        "30d",
        "(",
        ">=2.1, <3",
        "10.0.0.0/8",
        "\u{0}\u{e9}",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}, {}])),
        Just(json!({"exact": "a"})),
    ]
}

/// Replaces the value at `path` in a document.
fn put(document: &mut Value, path: &[prop::sample::Index], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *document = value;
        return;
    };
    let inner = match document {
        Value::Array(list) if !list.is_empty() => step.get_mut(list.as_mut_slice()),
        Value::Object(fields) if !fields.is_empty() => {
            let index = step.index(fields.len());
            fields.values_mut().nth(index).unwrap()
        }
        _ => {
            *document = value;
            return;
        }
    };
    put(inner, rest, value);
}

proptest! {
    #[test]
    fn any_document_is_accepted_or_refused(
        changes in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 1..6), value()), 1..4),
        path in "[a-z/%{}.?=&]{0,16}",
    ) {
        let split = json!([{"tag": "a", "weight": 1}, {"tag": "b", "weight": 9}]);
        let mut document = json!({
            "tagHeader": "x-tag", "trustInbound": [{"source": {"ip": "10.0.0.0/8"}}],
            "baggageKey": "k", "explain": [{}], "filterState": true, "dryRun": false,
            "headers": {"response": {"set": {"x-served": "%TAG%"}}},
            "http": [
                {"name": "a", "match": [{"pathTemplate": "/t/{id}"}], "tag": "%PATH(id)%"},
                {"name": "b", "match": [{"headers": {"x-a": {"exact": "1"}}}], "split": split,
                 "consistentHash": {"httpCookie": {"name": "c", "ttl": "1h"}}},
                {"name": "c", "schedule": {"startsAt": "2026-12-01T09:00:00Z"}, "tag": "v"},
                {"name": "d", "canary": {"baselineTag": "s", "canaryTag": "c",
                    "startsAt": "2026-12-01T09:00:00Z", "initialWeight": 5, "increment": 5,
                    "interval": "300s", "successCriteria": {"maxErrorRate": {"value": 1}}}},
            ],
        });
        for (at, value) in changes {
            put(&mut document, &at, value);
        }
        match compile(&document) {
            Ok(policy) => {
                decide(&policy, &request([(":path", path.as_str()), ("x-a", "1")]));
            }
            Err(error) => prop_assert!(!error.errors().is_empty()),
        }
    }

    #[test]
    fn the_schema_accepts_every_valid_value(
        text in "[A-Za-z0-9._!#%-]{0,66}", percent in -1.0..101.0,
    ) {
        let (text, cents) = (json!(text), json!(f64::round(percent * 100.0) / 100.0));
        compare::<crate::Tag>(&text, crate::Tag::deserialize(&text).is_ok());
        compare::<BaggageKey>(&text, BaggageKey::deserialize(&text).is_ok());
        compare::<TagHeader>(&text, TagHeader::deserialize(&text).is_ok());
        compare::<Percent<0>>(&cents, Percent::<0>::deserialize(&cents).is_ok());
        compare::<Percent<1>>(&cents, Percent::<1>::deserialize(&cents).is_ok());
    }

    #[test]
    fn every_written_tag_is_valid(headers in prop::collection::vec(header(), 0..8)) {
        let policy = everything();
        let request = Request { headers: Headers::from_iter(headers), ..Request::default() };
        let decision = decide(&policy, &request);
        let pairs = decision.request.iter().flat_map(|edits| edits.set.iter().chain(&edits.add));
        for (name, value) in pairs {
            let tag = crate::Tag::from_bytes(value).is_some();
            prop_assert!(tag || !policy.tag_headers().contains(name), "{name}: {value:?}");
            prop_assert!(!value.contains(&b'\n') && !value.contains(&b'\r') || name.as_str() == "baggage");
        }
        let trusted = request.headers.all("x-trust").any(|value| value == b"1");
        let after = after(&request, &decision);
        for name in policy.tag_headers() {
            let values: Vec<_> = after.all(name.as_str()).collect();
            prop_assert!(values.len() <= 1, "{name}: {values:?}");
            for value in values {
                let brought = request.headers.first(name.as_str()) == Some(value);
                let written = set(&decision, name.as_str()).is_some();
                prop_assert!(crate::Tag::from_bytes(value).is_some(), "{name}: {value:?}");
                prop_assert!(written || trusted && brought, "{name}: {value:?} was not removed");
            }
        }
        prop_assert_eq!(decide(&policy, &request), decision);
    }
}
