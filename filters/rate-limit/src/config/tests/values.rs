//! Values in the forms that templates and the proxy write.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
pub(super) fn refuses_null_everywhere() {
    let limits = [
        "name",
        "requests",
        "per",
        "tokenBucket",
        "concurrent",
        "ref",
        "burst",
        "window",
        "utcOffset",
        "key",
        "onMissingKey",
        "maxKeys",
        "cost",
        "charge",
        "requestsFrom",
        "reserve",
        "wait",
        "enforced",
        "replicas",
        "reply",
    ];
    let top = [
        "limits",
        "http",
        "rateLimitHeaders",
        "xRatelimitHeaders",
        "maxWaiting",
        "explain",
        "pathNormalization",
        "problem",
        "metrics",
        "dryRun",
    ];
    let rule = "must not be empty: leave the key out or give a value";
    for field in limits {
        assert_eq!(result(&limit(json!({field: null}))), format!("limits[0].{field}: {rule}"));
    }
    for field in top {
        assert_eq!(result(&json!({field: null})), format!("{field}: {rule}"));
    }
    for (document, path) in [
        (json!({"limits": [null]}), "limits[0]"),
        (json!({"http": [null]}), "http[0]"),
        (entry(json!({"match": null})), "http[0].match"),
        (entry(json!({"match": [null]})), "http[0].match[0]"),
        (entry(json!({"limits": null})), "http[0].limits"),
        (entry(json!({"schedule": null})), "http[0].schedule"),
        (with(json!({"key": [null]})), "limits[0].key[0]"),
        (with(json!({"key": [{"claim": null}]})), "limits[0].key[0].claim"),
        (
            with(json!({"key": [{"useSourceIp": true, "prefix": {"v4": null}}]})),
            "limits[0].key[0].prefix.v4",
        ),
        (with(json!({"cost": {"from": null}})), "limits[0].cost.from"),
        (with(json!({"cost": {"from": "%CLAIM(a)%", "max": null}})), "limits[0].cost.max"),
        (with(json!({"charge": {"status": null}})), "limits[0].charge.status"),
        (with(json!({"reply": {"httpStatus": null}})), "limits[0].reply.httpStatus"),
    ] {
        assert_eq!(result(&document), format!("{path}: {rule}"), "{document}");
    }
}

#[test]
fn accepts_doubles_for_whole_numbers() {
    // The proxy passes all numbers of a document as doubles.
    for document in [
        json!({"maxWaiting": 5.0}),
        with(json!({"requests": 5.0, "burst": 5.0, "cost": 5.0, "replicas": 5.0})),
        with(
            json!({"key": [{"useSourceIp": true, "prefix": {"v4": 8.0, "v6": 48.0}}], "maxKeys": 20.0}),
        ),
        with(json!({"cost": {"from": "%CLAIM(a)%", "default": 1.0, "max": 5.0}})),
        with(json!({"charge": {"responseHeader": "x", "max": 5.0}})),
        with(json!({"requestsFrom": {"claim": "a", "default": 1.0, "max": 5.0}})),
        with(json!({"reply": {"httpStatus": 503.0}})),
        limit(
            json!({"tokenBucket": {"maxTokens": 5.0, "tokensPerFill": 5.0, "fillInterval": "1s"}}),
        ),
        limit(json!({"concurrent": 5.0})),
    ] {
        assert_eq!(result(&document), "accepted", "{document}");
    }
}
