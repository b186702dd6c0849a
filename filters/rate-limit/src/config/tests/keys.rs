//! Keys.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn key(component: Value) -> Value {
    with(json!({"key": [component]}))
}

/// Returns a document whose entry has these conditions and the key `pathVariable: id`.
fn variable(conditions: Value) -> Value {
    entry(json!({"match": conditions, "limits": [
        {"requests": 1, "per": "1s", "key": [{"pathVariable": "id"}]}]}))
}

#[test]
pub(super) fn checks_keys() {
    let five = vec![json!({"method": true}); 5];
    check(vec![
        (with(json!({"key": "x-user"})), r#"limits[0].key: must be a list, got "x-user""#),
        (with(json!({"key": {"claim": "sub"}})), "limits[0].key: must be a list, got an object"),
        (with(json!({"key": five})), "limits[0].key: must have at most 4 entries, got 5"),
        (
            key(json!({})),
            "limits[0].key[0]: must name a key: claim, httpHeaderName, httpQueryParameterName, httpCookie, useSourceIp, principal, pathVariable, method, attribute or connection",
        ),
        (
            key(json!({"useSourceIp": false, "method": false})),
            "limits[0].key[0]: must name a key: claim, httpHeaderName, httpQueryParameterName, httpCookie, useSourceIp, principal, pathVariable, method, attribute or connection",
        ),
        (
            key(json!({"principal": true, "method": true})),
            "limits[0].key[0]: must have only one of principal, pathVariable, method, attribute and connection, and none of them with other fields: write several entries for a combination",
        ),
        (
            key(json!({"principal": true, "claim": "sub"})),
            "limits[0].key[0]: must have only one of principal, pathVariable, method, attribute and connection, and none of them with other fields: write several entries for a combination",
        ),
        (
            key(json!({"claim": "sub", "connection": true})),
            "limits[0].key[0]: must have only one of principal, pathVariable, method, attribute and connection, and none of them with other fields: write several entries for a combination",
        ),
        (
            key(json!({"claim": "sub", "prefix": {"v4": 24}})),
            "limits[0].key[0].prefix: must not be given without useSourceIp",
        ),
        (
            key(json!({"useSourceIp": true, "prefix": {"v4": 33}})),
            "limits[0].key[0].prefix.v4: must be a whole number from 1 to 32, got 33",
        ),
        (
            key(json!({"useSourceIp": true, "prefix": {"v6": 0}})),
            "limits[0].key[0].prefix.v6: must be a whole number from 1 to 128, got 0",
        ),
        (
            key(json!({"useSourceIp": true, "prefix": 24})),
            "limits[0].key[0].prefix: must be an object, got 24",
        ),
        (
            key(json!({"httpHeaderName": ":path"})),
            r#"limits[0].key[0].httpHeaderName: must be a header name, not a pseudo-header, got ":path""#,
        ),
        (
            key(json!({"httpHeaderName": ""})),
            r#"limits[0].key[0].httpHeaderName: must be a header name, got """#,
        ),
        (
            key(json!({"httpQueryParameterName": ""})),
            "limits[0].key[0].httpQueryParameterName: must not be empty",
        ),
        (key(json!({"httpCookie": {}})), "limits[0].key[0].httpCookie: missing field `name`"),
        (
            key(json!({"httpCookie": {"name": "user", "ttl": "1h"}})),
            "limits[0].key[0].httpCookie.ttl: must not be given: limits issue no cookies",
        ),
        (
            key(json!({"claim": "a..b"})),
            r#"limits[0].key[0].claim: must be a claim path such as a.b or [a.b][c], got "a..b""#,
        ),
        (key(json!({"attribute": ""})), "limits[0].key[0].attribute: must not be empty"),
        (key(json!({"pathVariable": ""})), "limits[0].key[0].pathVariable: must not be empty"),
        (
            key(json!({"minimumRingSize": 5})),
            "limits[0].key[0].minimumRingSize: unknown field `minimumRingSize`, expected one of `claim`, `httpHeaderName`, `httpQueryParameterName`, `httpCookie`, `useSourceIp`, `prefix`, `principal`, `pathVariable`, `method`, `attribute`, `connection`",
        ),
        (
            key(json!({"use_source_ip": true})),
            "limits[0].key[0].use_source_ip: must be written useSourceIp",
        ),
    ]);
}

#[test]
fn a_path_variable_must_be_in_every_condition() {
    const MESSAGE: &str = "http[0].limits[0].key: must be in an entry of http whose match has a \
                           pathTemplate with {id}";
    check(vec![
        (key(json!({"pathVariable": "id"})), &MESSAGE.replace("http[0].limits", "limits")),
        (variable(json!([])), MESSAGE),
        (variable(json!([{"uri": {"prefix": "/users/"}}])), MESSAGE),
        (variable(json!([{"pathTemplate": "/users/{name}"}])), MESSAGE),
        (variable(json!([{"pathTemplate": "/users/{id}"}, {"uri": {"prefix": "/"}}])), MESSAGE),
        (variable(json!([{"pathTemplate": "/users/{id}"}])), "accepted"),
        (
            variable(json!([{"pathTemplate": "/users/{id}"}, {"pathTemplate": "/u/{id}"}])),
            "accepted",
        ),
    ]);
}
