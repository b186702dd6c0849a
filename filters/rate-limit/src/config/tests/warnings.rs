//! Documents that are accepted with a warning.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn warnings(document: &Value) -> Vec<String> {
    let config = parse_config::<Config>(document.to_string().as_bytes()).unwrap();
    Policy::new(&config).unwrap().warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn warns_about_an_exemption_for_every_request() {
    for (conditions, is_warned) in [
        (json!([]), true),
        (json!([{}]), true),
        (json!([{"uri": {"prefix": "/"}}]), false),
        (json!([{"uri": {"exact": "/a"}}]), false),
    ] {
        let expected: &[&str] =
            if is_warned { &["http[0]: has no limits, so it exempts every request"] } else { &[] };
        assert_eq!(warnings(&entry(json!({"match": conditions}))), expected, "{conditions}");
    }
}

#[test]
fn warns_about_keys_that_the_client_writes() {
    const WARNING: &str = "limits[0].key: is written by the client, which can use a new value for \
                           each request: add a limit with another key, such as useSourceIp, \
                           unless an earlier filter verifies the value";
    for (key, is_warned) in [
        (json!([{"httpHeaderName": "x-user"}]), true),
        (json!([{"httpQueryParameterName": "user"}, {"httpCookie": {"name": "user"}}]), true),
        (json!([{"httpHeaderName": "x-user", "claim": "sub"}]), false),
        (json!([{"httpHeaderName": "x-user"}, {"useSourceIp": true}]), false),
        (json!([{"principal": true}, {"httpHeaderName": "x-user"}]), false),
        (json!([{"connection": true}, {"httpHeaderName": "x-user"}]), false),
        (json!([{"method": true}]), false),
        (json!([]), false),
    ] {
        let expected: &[&str] = if is_warned { &[WARNING] } else { &[] };
        assert_eq!(warnings(&with(json!({"key": key}))), expected, "{key}");
    }
}
