#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;

use filter_core::Headers;
use serde_json::{Value, json};

use super::*;

mod collisions;
mod sources;

const SECRET: Secret = Secret([3; 16]);

fn spec(components: Value) -> KeySpec {
    let components: Vec<KeyConfig> = serde_json::from_value(components).unwrap();
    KeySpec::new(&components)
}

fn request(headers: &[(&str, &str)]) -> Request {
    Request { headers: headers.iter().copied().collect::<Headers>(), ..Request::default() }
}

fn key(spec: &KeySpec, request: &Request) -> Key {
    spec.of("user", SECRET, request, &Captures::new())
}

#[test]
fn the_secret_and_the_limit_change_the_key() {
    let spec = spec(json!([{"httpHeaderName": "x-user"}]));
    let request = request(&[("x-user", "a")]);
    let hash =
        |limit, secret| spec.of(limit, Secret([secret; 16]), &request, &Captures::new()).hash;
    let hashes = BTreeSet::from([hash("user", 3), hash("user", 4), hash("users", 3)]);
    assert_eq!(hashes.len(), 3);
    assert_eq!(hash("user", 3), key(&spec, &request).hash);
}

#[test]
fn a_component_that_is_missing_makes_the_key_missing() {
    let spec = spec(json!([{"httpHeaderName": "x-a"}, {"httpHeaderName": "x-b"}]));
    let (a, b) = (("x-a", "1"), ("x-b", "2"));
    let status = |headers: &[(&str, &str)]| key(&spec, &request(headers)).status;
    assert_eq!(status(&[a, b]), KeyStatus::Found);
    for headers in [&[a][..], &[b], &[], &[a, ("x-b", "")]] {
        assert_eq!(status(headers), KeyStatus::Missing, "{headers:?}");
    }
    assert_eq!(status(&[a, b, ("x-b", "3")]), KeyStatus::Ambiguous);
    let missing: BTreeSet<u64> = [&[a][..], &[b], &[], &[a, b, ("x-b", "3")]]
        .map(|headers| key(&spec, &request(headers)).hash)
        .into();
    assert_eq!(missing.len(), 1, "they share one count");
}

#[test]
fn the_sources_are_tried_in_order() {
    let spec = spec(json!([{"claim": "sub", "httpHeaderName": "x-user",
        "httpQueryParameterName": "user", "httpCookie": {"name": "user"}, "useSourceIp": true}]));
    let mut request = request(&[]);
    assert_eq!(spec.sources(&request, &Captures::new()), "missing");
    request.source_address = Some([10, 0, 0, 1].into());
    assert_eq!(spec.sources(&request, &Captures::new()), "source_ip");
    for (name, value, source) in
        [("cookie", "user=a", "cookie"), (":path", "/?user=a", "query"), ("x-user", "a", "header")]
    {
        request.headers.push(name, value);
        assert_eq!(spec.sources(&request, &Captures::new()), source);
    }
    request.claims = Some(json!({"sub": "a"}));
    assert_eq!(spec.sources(&request, &Captures::new()), "claim");
}

#[test]
fn an_ambiguous_source_is_not_skipped() {
    let spec = spec(json!([{"httpHeaderName": "x-user", "useSourceIp": true}]));
    let mut request = request(&[("x-user", "a"), ("x-user", "b")]);
    request.source_address = Some([10, 0, 0, 1].into());
    assert_eq!(key(&spec, &request).status, KeyStatus::Ambiguous);
}
