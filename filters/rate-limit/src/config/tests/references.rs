//! Limits with `ref`.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns a document whose first limit is `other`, named `pod`, and whose second has `ref: pod`.
fn of(mut other: Value, fields: Value) -> Value {
    other["name"] = json!("pod");
    let mut reference = json!({"ref": "pod"});
    reference.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": [other], "http": [{"limits": [reference]}]})
}

#[test]
fn checks_the_name() {
    check(vec![
        (limit(json!({"ref": "pod"})), r#"limits[0].ref: must be the name of a limit, got "pod""#),
        (
            limit(json!({"ref": "Pod"})),
            r#"limits[0].ref: must be 1 to 63 characters a-z, 0-9 and -, got "Pod""#,
        ),
        (
            json!({"limits": [{"name": "pod", "requests": 1, "per": "1s"}, {"ref": "pod"},
            {"ref": "limits-1"}]}),
            r#"limits[2].ref: must be the name of a limit, not of another ref, got "limits-1""#,
        ),
        (json!({"limits": [{"requests": 1, "per": "1s"}, {"ref": "limits-0"}]}), "accepted"),
        (
            json!({"limits": [{"name": "orders", "requests": 1, "per": "1s"}, {"ref": "ordres"}]}),
            r#"limits[1].ref: must be the name of a limit, such as orders, got "ordres""#,
        ),
        (
            limit(json!({"requestsFrom": {"claim": "rate"}})),
            "limits[0].requests: must be given with requestsFrom: the rate of requests without the claim",
        ),
    ]);
}

#[test]
fn takes_the_other_fields_from_the_limit() {
    for (field, value) in [
        ("name", json!("a")),
        ("requests", json!(1)),
        ("per", json!("1s")),
        ("tokenBucket", json!({"maxTokens": 1, "fillInterval": "1s"})),
        ("concurrent", json!(1)),
        ("burst", json!(1)),
        ("window", json!("FIXED")),
        ("utcOffset", json!("+02:00")),
        ("key", json!([{"method": true}])),
        ("onMissingKey", json!("SKIP")),
        ("maxKeys", json!(100)),
        ("requestsFrom", json!({"claim": "a"})),
        ("replicas", json!(2)),
        ("reply", json!({})),
    ] {
        let message = format!(
            "http[0].limits[0].{field}: must not be given together with ref: it is that of the \
             other limit"
        );
        let document = of(json!({"requests": 1, "per": "1s"}), json!({field: value}));
        assert_eq!(result(&document), message);
    }
}

#[test]
fn checks_the_fields_against_the_limit() {
    let path = "http[0].limits[0]";
    for (field, value) in [
        ("cost", json!(5)),
        ("charge", json!({})),
        ("reserve", json!({"value": 5})),
        ("wait", json!("1s")),
    ] {
        let message = format!("{path}.{field}: must not be given: the limit in ref has concurrent");
        assert_eq!(result(&of(json!({"concurrent": 5}), json!({field: value}))), message);
    }
    for window in ["SLIDING", "FIXED"] {
        let other = json!({"requests": 1, "per": "1s", "window": window});
        let message =
            format!("{path}.wait: must not be given: the limit in ref is not a TOKEN_BUCKET");
        assert_eq!(result(&of(other, json!({"wait": "1s"}))), message);
    }
}

#[test]
fn the_service_only_counts_requests() {
    let path = "http[0].limits[0]";
    let refused = |field: &str| {
        format!("{path}.{field}: must not be given: the limit in ref has scope GLOBAL")
    };
    for (field, value, expected) in [
        ("cost", json!(5), "accepted".to_owned()),
        ("enforced", json!({"value": 5}), "accepted".to_owned()),
        ("charge", json!({}), refused("charge")),
        ("reserve", json!({"value": 5}), refused("reserve")),
        ("wait", json!("1s"), refused("wait")),
    ] {
        let other = json!({"requests": 1, "per": "1s", "scope": "GLOBAL"});
        let mut document = of(other, json!({field: value}));
        document["rateLimitService"] = json!({"cluster": "limits", "domain": "shop"});
        assert_eq!(result(&document), expected);
    }
}

#[test]
fn the_path_variables_of_the_limit_must_exist_in_the_entry() {
    let document = |template: &str| {
        json!({"http": [
            {"match": [{"pathTemplate": "/a/{id}"}], "limits": [{"name": "user", "requests": 1,
                "per": "1s", "key": [{"pathVariable": "id"}]}]},
            {"match": [{"pathTemplate": template}], "limits": [{"ref": "user"}]}]})
    };
    check(vec![
        (document("/b/{id}"), "accepted"),
        (
            document("/b/{name}"),
            "http[1].limits[0].ref: must be in an entry of http whose match has a pathTemplate with {id}",
        ),
    ]);
}
