//! Values that the proxy has without jwt-auth and certificates.

use filter_core::protobuf::{bytes, fixed64};
use filter_host::memory::Proxy;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::start;

/// Returns an entry of a map, as a field of its message.
fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    let (mut entry, mut field) = (Vec::new(), Vec::new());
    bytes(1, key.as_bytes(), &mut entry);
    bytes(2, value, &mut entry);
    bytes(1, &entry, &mut field);
    field
}

/// Returns dynamic metadata with a member that is an object of one text.
fn metadata(filter: &str, member: &str, name: &str, text: &str) -> Vec<u8> {
    let (mut value, mut object) = (Vec::new(), Vec::new());
    bytes(3, text.as_bytes(), &mut value);
    bytes(5, &entry(name, &value), &mut object);
    entry(filter, &entry(member, &object))
}

/// Returns the status for a request of a proxy; `None` if it is forwarded.
fn status(proxy: &Proxy, document: &Value) -> Option<u16> {
    let mut worker = start(proxy, document);
    let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
    worker.end(stream).reply.map(|reply| reply.status)
}

#[test]
fn claims_of_request_authentication_are_used_without_jwt_auth() {
    let document = json!({"rules": [
        {"when": [{"key": "request.auth.claims[role]", "values": ["admin"]}]},
    ]});
    let written = |filter: &str, member: &str| metadata(filter, member, "role", "admin");
    let jwt = "envoy.filters.http.jwt_authn";
    for (message, identity, is_allowed) in [
        (None, None, false),
        (Some(written(jwt, "payload")), None, true),
        (Some(written(jwt, "header")), None, false),
        (Some(written("envoy.filters.http.lua", "payload")), None, false),
        (Some(written(jwt, "payload")), Some(r#"{"claims": {"role": "user"}}"#), false),
        (Some(written(jwt, "payload")), Some("{}"), false),
        (Some(written(jwt, "payload")), Some("garbage"), false),
        (Some(b"\x0a\xff".to_vec()), None, false),
    ] {
        let proxy = Proxy::new();
        if let Some(message) = &message {
            proxy.set_property("metadata", message);
        }
        if let Some(identity) = identity {
            proxy.set_property("weir.jwt", identity.as_bytes());
        }
        let expected = (!is_allowed).then_some(403);
        assert_eq!(status(&proxy, &document), expected, "{message:?} {identity:?}");
    }
}

#[test]
fn the_peer_of_a_waypoint_is_in_its_filter_state() {
    let document = json!({"rules": [
        {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}]},
    ]});
    let web = b"spiffe://cluster.local/ns/shop/sa/web";
    for (node, certificate, is_allowed) in [
        ("waypoint~10.0.0.1~a.b~c", None, true),
        ("sidecar~10.0.0.1~a.b~c", None, false),
        ("router~10.0.0.1~a.b~c", None, false),
        ("", None, false),
        ("waypoint~10.0.0.1~a.b~c", Some("spiffe://cluster.local/ns/shop/sa/other"), false),
    ] {
        let proxy = Proxy::new();
        proxy.set_property("xds.node.id", node.as_bytes());
        proxy.set_property("filter_state.io.istio.peer_principal", web);
        if let Some(certificate) = certificate {
            proxy.set_property("connection.uri_san_peer_certificate", certificate.as_bytes());
        }
        assert_eq!(status(&proxy, &document), (!is_allowed).then_some(403), "{node}");
    }
}

#[test]
fn a_number_that_may_be_rounded_is_unsure() {
    for (number, values, is_allowed) in [
        (9_007_199_254_740_992.0, "9007199254740993", [false, false]),
        (-1e300, "5", [false, false]),
        (6.0, "5", [false, true]),
    ] {
        let (mut value, mut object) = (Vec::new(), Vec::new());
        fixed64(2, f64::to_bits(number), &mut value);
        bytes(5, &entry("id", &value), &mut object);
        let proxy = Proxy::new();
        let message = entry("envoy.filters.http.jwt_authn", &entry("payload", &object));
        proxy.set_property("metadata", &message);
        let rules = json!([{"when": [{"key": "request.auth.claims[id]", "values": [values]}]}]);
        let of =
            |action: &str| status(&proxy, &json!({"action": action, "rules": rules})).is_none();
        assert_eq!([of("ALLOW"), of("DENY")], is_allowed, "{number}");
    }
}
