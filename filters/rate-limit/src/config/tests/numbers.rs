//! Numbers and durations.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
pub(super) fn checks_numbers_and_durations() {
    check(vec![
        (
            with(json!({"requests": 0})),
            "limits[0].requests: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            with(json!({"requests": 1_000_001})),
            "limits[0].requests: must be a whole number from 1 to 1000000, got 1000001",
        ),
        (
            with(json!({"requests": 1.5})),
            "limits[0].requests: must be a whole number from 1 to 1000000, got 1.5",
        ),
        (
            with(json!({"requests": -1})),
            "limits[0].requests: must be a whole number from 1 to 1000000, got -1",
        ),
        (
            with(json!({"requests": "100"})),
            r#"limits[0].requests: must be a whole number from 1 to 1000000, got "100": leave out the quotes"#,
        ),
        (
            with(json!({"per": "999ms"})),
            r#"limits[0].per: must be between 1s and 720h, got "999ms""#,
        ),
        (with(json!({"per": "721h"})), r#"limits[0].per: must be between 1s and 720h, got "721h""#),
        (
            with(json!({"per": 60})),
            "limits[0].per: must be a duration such as 250ms or 1h30m, got 60",
        ),
        (
            with(json!({"per": "1m30"})),
            r#"limits[0].per: must be a duration such as 250ms or 1h30m, got "1m30""#,
        ),
        (
            with(json!({"burst": 0})),
            "limits[0].burst: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            limit(json!({"concurrent": 0})),
            "limits[0].concurrent: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            limit(json!({"concurrent": 1_000_001})),
            "limits[0].concurrent: must be a whole number from 1 to 1000000, got 1000001",
        ),
        (
            with(json!({"key": [{"method": true}], "maxKeys": 15})),
            "limits[0].maxKeys: must be a whole number from 16 to 262144, got 15",
        ),
        (
            with(json!({"key": [{"method": true}], "maxKeys": 262_145})),
            "limits[0].maxKeys: must be a whole number from 16 to 262144, got 262145",
        ),
        (
            with(json!({"cost": 1_000_001})),
            "limits[0].cost: must be a whole number from 0 to 1000000, got 1000001",
        ),
        (
            with(json!({"cost": -1})),
            "limits[0].cost: must be a whole number from 0 to 1000000, got -1",
        ),
        (
            with(json!({"cost": 0.5})),
            "limits[0].cost: must be a whole number from 0 to 1000000, got 0.5",
        ),
        (
            with(json!({"cost": "5"})),
            r#"limits[0].cost: must be a whole number from 0 to 1000000, got "5": leave out the quotes"#,
        ),
        (
            with(json!({"cost": [5]})),
            "limits[0].cost: must be a whole number from 0 to 1000000, got a list",
        ),
        (
            with(json!({"cost": true})),
            "limits[0].cost: must be a whole number from 0 to 1000000, got true",
        ),
        (
            with(json!({"reserve": 30})),
            "limits[0].reserve: must be an object such as {value: 1} for 1 %, got 30",
        ),
        (
            with(json!({"reserve": {"value": 101}})),
            "limits[0].reserve.value: must be 0, or from 0.0001 to 100, got 101",
        ),
        (
            with(json!({"enforced": {"value": -1}})),
            "limits[0].enforced.value: must be 0, or from 0.0001 to 100, got -1",
        ),
        (with(json!({"wait": "3ms"})), r#"limits[0].wait: must be between 4ms and 30s, got "3ms""#),
        (with(json!({"wait": "31s"})), r#"limits[0].wait: must be between 4ms and 30s, got "31s""#),
        (
            with(json!({"replicas": 0})),
            "limits[0].replicas: must be a whole number from 1 to 10000, got 0",
        ),
        (
            with(json!({"replicas": 10_001})),
            "limits[0].replicas: must be a whole number from 1 to 10000, got 10001",
        ),
        (
            limit(json!({"tokenBucket": {"maxTokens": 0, "fillInterval": "1s"}})),
            "limits[0].tokenBucket.maxTokens: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            limit(json!({"tokenBucket": {"maxTokens": 1, "fillInterval": "49ms"}})),
            r#"limits[0].tokenBucket.fillInterval: must be between 50ms and 720h, got "49ms""#,
        ),
        (
            limit(
                json!({"tokenBucket": {"maxTokens": 1, "tokensPerFill": 0, "fillInterval": "1s"}}),
            ),
            "limits[0].tokenBucket.tokensPerFill: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            limit(json!({"tokenBucket": {"maxTokens": 1}})),
            "limits[0].tokenBucket: missing field `fillInterval`",
        ),
        (
            limit(json!({"tokenBucket": {"fillInterval": "1s"}})),
            "limits[0].tokenBucket: missing field `maxTokens`",
        ),
    ]);
}
