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
        (json!([{"httpHeaderName": "x-user", "claim": "sub"}]), true),
        (json!([{"httpHeaderName": "x-user"}, {"useSourceIp": true}]), true),
        (json!([{"principal": true}, {"httpHeaderName": "x-user"}]), true),
        (json!([{"connection": true}, {"httpHeaderName": "x-user"}]), true),
        (json!([{"method": true}]), false),
        (json!([]), false),
    ] {
        let expected: &[&str] = if is_warned { &[WARNING] } else { &[] };
        assert_eq!(warnings(&with(json!({"key": key}))), expected, "{key}");
    }
}

#[test]
fn warns_of_a_limit_that_refuses_every_request() {
    let needs = |field: &str, units: u64, most: u64| {
        format!(
            "limits[0].{field}: refuses every request: it needs {units} units, of at most {most}"
        )
    };
    for (fields, expected) in [
        (json!({"cost": 11}), Some(needs("cost", 11, 10))),
        (json!({"cost": 10}), None),
        (json!({"cost": 11, "burst": 11}), None),
        (json!({"cost": 5, "replicas": 3}), Some(needs("cost", 5, 4))),
        (json!({"reserve": {"value": 100}}), Some(needs("reserve", 1, 0))),
        (json!({"reserve": {"value": 50}}), None),
        (
            json!({"reserve": {"value": 100}, "charge": {"status": ["401"]}}),
            Some(needs("reserve", 1, 0)),
        ),
        (json!({"cost": 11, "requestsFrom": {"claim": "rate"}}), None),
        (json!({"cost": {"from": "%CLAIM(w)%"}}), None),
    ] {
        assert_eq!(warnings(&with(fields.clone())), Vec::from_iter(expected), "{fields}");
    }
}

#[test]
fn warns_of_a_second_draw_for_the_same_request() {
    let warning = |path: &str, other: &str| {
        vec![format!("{path}: draws a second time for each request, after {other}")]
    };
    let own = json!({"name": "a", "requests": 10, "per": "1s"});
    let charged = json!({"ref": "a", "charge": {"status": ["401"]}});
    let other = json!([{"uri": {"exact": "/b"}}]);
    for (document, expected) in [
        (json!({"limits": [own, {"ref": "a"}]}), warning("limits[1]", "limits[0]")),
        (
            json!({"limits": [{"name": "a", "concurrent": 1}], "http": [{"limits": [{"ref": "a"}]}]}),
            warning("http[0].limits[0]", "limits[0]"),
        ),
        (
            json!({"limits": [{"ref": "a"}], "http": [{"limits": [own]}]}),
            warning("http[0].limits[0]", "limits[0]"),
        ),
        (json!({"limits": [own, charged]}), Vec::new()),
        (json!({"limits": [own, charged, charged]}), warning("limits[2]", "limits[1]")),
        (
            json!({"http": [{"match": other, "limits": [own]}, {"limits": [{"ref": "a"}]}]}),
            Vec::new(),
        ),
    ] {
        assert_eq!(warnings(&document), expected, "{document}");
    }
}

#[test]
fn warns_of_a_descriptor_whose_clients_share_a_count_in_the_pod() {
    const WARNING: &str = "limits[0].descriptor: has values of the request without key: while the \
                           service does not answer, failureMode LOCAL counts all requests together";
    let fixed = json!([{"key": "plan", "value": "free"}]);
    let tenant = json!([{"key": "tenant", "value": "%CLAIM(tenant)%"}]);
    for (descriptor, key, mode, is_warned) in [
        (&tenant, json!([]), "LOCAL", true),
        (&tenant, json!([]), "DENY", false),
        (&tenant, json!([{"claim": "tenant"}]), "LOCAL", false),
        (&fixed, json!([]), "LOCAL", false),
    ] {
        let fields = json!({"scope": "GLOBAL", "descriptor": descriptor, "key": key});
        let mut document = with(fields);
        document["rateLimitService"] =
            json!({"service": "limits.example", "port": 8081, "domain": "d", "failureMode": mode});
        let expected: &[&str] = if is_warned { &[WARNING] } else { &[] };
        assert_eq!(warnings(&document), expected, "{document}");
    }
}
