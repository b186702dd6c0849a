//! Attempts to get the key of another client.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Generator;

use super::*;

#[test]
fn values_cannot_be_split_elsewhere() {
    let spec = spec(json!([{"httpHeaderName": "x-a"}, {"httpHeaderName": "x-b"}]));
    let pairs = [
        ("a", "b"),
        ("ab", "\u{1f}"),
        ("a\u{1f}b", "c"),
        ("a", "b\u{1f}c"),
        ("a\u{1f}", "b"),
        ("a", "\u{1f}b"),
        ("b", "a"),
        ("aheader", "b"),
        ("a", "headerb"),
        ("a\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "b"),
        ("missing", "missing"),
    ];
    let hashes: BTreeSet<u64> = pairs
        .iter()
        .map(|(a, b)| key(&spec, &request(&[("x-a", a), ("x-b", b)])).hash)
        .chain([key(&spec, &request(&[])).hash])
        .collect();
    assert_eq!(hashes.len(), pairs.len() + 1);
}

#[test]
fn equal_bytes_of_different_sources_are_different_keys() {
    let spec = spec(json!([{"claim": "sub", "httpHeaderName": "x-user",
        "httpQueryParameterName": "user", "httpCookie": {"name": "user"}, "useSourceIp": true}]));
    let text = "abcd";
    let claims = Request { claims: Some(json!({"sub": text})), ..Request::default() };
    // The bytes of this address are the text.
    let address =
        Request { source_address: Some([b'a', b'b', b'c', b'd'].into()), ..Request::default() };
    let requests = [
        claims,
        request(&[("x-user", text)]),
        request(&[(":path", "/?user=abcd")]),
        request(&[("cookie", "user=abcd")]),
        address,
    ];
    let hashes: BTreeSet<u64> = requests.iter().map(|request| key(&spec, request).hash).collect();
    assert_eq!(hashes.len(), requests.len());
}

#[test]
fn random_keys_do_not_collide() {
    let spec = spec(json!([{"httpHeaderName": "x-user"}]));
    let mut generator = Generator::new(11);
    let values: BTreeSet<u64> = (0..20_000).map(|_| generator.bits() >> 20).collect();
    let hash = |value: &u64| key(&spec, &request(&[("x-user", &value.to_string())])).hash;
    let hashes: BTreeSet<u64> = values.iter().map(hash).collect();
    assert_eq!(hashes.len(), values.len());
    // The low bits choose the page.
    let mut pages = [0_usize; 64];
    hashes.iter().for_each(|hash| pages[(hash % 64) as usize] += 1);
    assert!(pages.iter().all(|keys| (200..430).contains(keys)), "{pages:?}");
}
