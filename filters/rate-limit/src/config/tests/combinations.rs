//! Fields that do not belong together, and limits over the whole document.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn bucket(fields: Value) -> Value {
    let mut limit = json!({"tokenBucket": {"maxTokens": 5, "fillInterval": "1s"}});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": [limit]})
}

fn concurrent(fields: Value) -> Value {
    let mut limit = json!({"concurrent": 5});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": [limit]})
}

#[test]
fn checks_the_kind_of_a_limit() {
    check(vec![
        (
            limit(json!({})),
            "limits[0]: must have exactly one of requests, tokenBucket, concurrent and ref, got 0",
        ),
        (
            limit(json!({"per": "1s", "key": [{"method": true}]})),
            "limits[0]: must have exactly one of requests, tokenBucket, concurrent and ref, got 0",
        ),
        (
            with(json!({"concurrent": 5})),
            "limits[0]: must have exactly one of requests, tokenBucket, concurrent and ref, got 2",
        ),
        (
            bucket(json!({"requests": 5, "per": "1s"})),
            "limits[0]: must have exactly one of requests, tokenBucket, concurrent and ref, got 2",
        ),
        (limit(json!({"requests": 5})), "limits[0].per: must be given with requests, such as 60s"),
        (bucket(json!({"per": "1s"})), "limits[0].per: must not be given without requests"),
        (bucket(json!({"burst": 5})), "limits[0].burst: must not be given without requests"),
        (
            bucket(json!({"requestsFrom": {"claim": "a"}})),
            "limits[0].requestsFrom: must not be given without requests",
        ),
        (
            bucket(json!({"window": "SLIDING"})),
            "limits[0].window: must be TOKEN_BUCKET with tokenBucket",
        ),
        (
            with(json!({"window": "SLIDING", "burst": 5})),
            "limits[0].burst: must not be given with this window: only a TOKEN_BUCKET has a depth",
        ),
        (
            with(json!({"window": "FIXED", "burst": 5})),
            "limits[0].burst: must not be given with this window: only a TOKEN_BUCKET has a depth",
        ),
        (
            with(json!({"window": "SLIDING", "wait": "1s"})),
            "limits[0].wait: must not be given with this window: only a TOKEN_BUCKET can hold requests",
        ),
        (
            with(json!({"window": "FIXED", "wait": "1s"})),
            "limits[0].wait: must not be given with this window: only a TOKEN_BUCKET can hold requests",
        ),
        (
            with(json!({"utcOffset": "+02:00"})),
            "limits[0].utcOffset: must not be given with this window: only a FIXED window follows the wall clock",
        ),
        (with(json!({"maxKeys": 100})), "limits[0].maxKeys: must not be given without key"),
        (
            with(json!({"onMissingKey": "DENY"})),
            "limits[0].onMissingKey: must not be given without key",
        ),
        (
            with(json!({"charge": {}, "cost": 5})),
            "limits[0].cost: must not be given together with charge",
        ),
        (
            with(json!({"charge": {}, "wait": "1s"})),
            "limits[0].wait: must not be given together with charge",
        ),
    ]);
    for (field, value) in [
        ("window", json!("SLIDING")),
        ("cost", json!(5)),
        ("charge", json!({})),
        ("reserve", json!({"value": 5})),
        ("wait", json!("1s")),
        ("replicas", json!(2)),
    ] {
        let message = format!("limits[0].{field}: must not be given together with concurrent");
        assert_eq!(result(&concurrent(json!({field: value}))), message);
    }
    for (field, value) in
        [("per", json!("1s")), ("burst", json!(5)), ("requestsFrom", json!({"claim": "a"}))]
    {
        let message = format!("limits[0].{field}: must not be given without requests");
        assert_eq!(result(&concurrent(json!({field: value}))), message);
    }
}

#[test]
fn checks_the_time_of_a_burst() {
    check(vec![
        (
            with(json!({"requests": 1, "per": "720h", "burst": 13})),
            "limits[0]: must fill an empty bucket within 366 days",
        ),
        (with(json!({"requests": 1, "per": "720h", "burst": 12})), "accepted"),
        (
            limit(json!({"tokenBucket": {"maxTokens": 13, "fillInterval": "720h"}})),
            "limits[0]: must fill an empty bucket within 366 days",
        ),
        (
            with(json!({"requests": 100, "per": "720h", "burst": 1_300})),
            "limits[0]: must fill an empty bucket within 366 days",
        ),
        (
            with(json!({"requests": 100, "per": "720h", "burst": 1_200, "replicas": 100})),
            "accepted",
        ),
        (
            with(json!({"requests": 1, "per": "720h", "burst": 13, "window": "SLIDING"})),
            "limits[0].burst: must not be given with this window: only a TOKEN_BUCKET has a depth",
        ),
    ]);
}

#[test]
fn checks_the_number_of_limits() {
    let limits = |count: usize| vec![json!({"requests": 1, "per": "1s"}); count];
    check(vec![
        (json!({"limits": limits(9)}), "limits: must have at most 8 entries, got 9"),
        (json!({"limits": limits(8)}), "accepted"),
        (json!({"limits": limits(8), "http": [{"match": [{"uri": {"exact": "/a"}}]}]}), "accepted"),
        (
            json!({"limits": limits(5), "http": [{"limits": limits(4)}]}),
            "http[0].limits: must have at most 8 limits together with the top-level ones, got 9",
        ),
        (json!({"limits": limits(5), "http": [{"limits": limits(3)}]}), "accepted"),
        (
            entry(json!({"limits": limits(9)})),
            "http[0].limits: must have at most 8 limits together with the top-level ones, got 9",
        ),
    ]);
}

#[test]
fn checks_the_number_of_pages() {
    let limits = |count: usize| {
        let limit =
            json!({"requests": 1, "per": "1s", "key": [{"method": true}], "maxKeys": 262_144});
        vec![limit; count]
    };
    check(vec![
        (json!({"limits": limits(1)}), "accepted"),
        (
            json!({"limits": limits(2)}),
            "limits: must need at most 65536 pages of shared data in total, got 131072: use a lower maxKeys",
        ),
    ]);
}

#[test]
fn checks_entries() {
    let requests = json!([{"requests": 1, "per": "1s"}]);
    let schedule = json!({"startsAt": "2026-01-01T00:00:00Z", "rampUp": "1h"});
    check(vec![
        (
            json!({"limits": [{"name": "a", "requests": 1, "per": "1s"}], "http": [{"limits": [
            {"name": "a", "requests": 1, "per": "1s"}]}]}),
            r#"http[0].limits[0].name: must be unique, got "a" as in limits[0]"#,
        ),
        (
            json!({"http": [{"name": "a b", "match": [{"uri": {"exact": "/"}}], "limits": requests},
            {"name": "A/B", "limits": requests}]}),
            r#"http[1].limits[0].name: must be unique, got "a-b-0" as in http[0].limits[0]"#,
        ),
        (
            entry(json!({"match": [{"uri": {"exact": "/a"}}], "schedule": schedule})),
            "http[0].schedule.rampUp: must not be given without limits",
        ),
        (
            json!({"http": [{"limits": requests}, {"match": [{"uri": {"prefix": "/a"}}]}]}),
            "http[1].match: can never match, because http[0] always does before it",
        ),
        (
            json!({"http": [{"limits": requests, "schedule": schedule},
            {"match": [{"uri": {"prefix": "/a"}}]}]}),
            "accepted",
        ),
        (
            json!({"http": [{}, {"limits": requests}]}),
            "http[1].match: can never match, because http[0] always does before it",
        ),
        (
            entry(json!({"match": [{"uri": {"regex": "("}}], "limits": requests})),
            r#"http[0].match[0].uri.regex: must be a regular expression in RE2 syntax (found open group without closing ')'), got "(""#,
        ),
    ]);
}
