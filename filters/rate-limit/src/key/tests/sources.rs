//! The values of each source.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns `true` if two requests have the same key.
fn is_same(spec: &KeySpec, one: &Request, other: &Request) -> bool {
    let (one, other) = (key(spec, one), key(spec, other));
    assert_eq!((one.status, other.status), (KeyStatus::Found, KeyStatus::Found));
    one.hash == other.hash
}

#[test]
fn repeated_values_must_agree() {
    let cookie = json!([{"httpCookie": {"name": "user"}}]);
    let query = json!([{"httpQueryParameterName": "user"}]);
    let header = json!([{"httpHeaderName": "x-user"}]);
    for (config, headers, status) in [
        (&header, &[("x-user", "a")][..], KeyStatus::Found),
        (&header, &[("x-user", "a"), ("x-user", "a")], KeyStatus::Found),
        (&header, &[("x-user", ""), ("x-user", "a")], KeyStatus::Found),
        (&header, &[("x-user", "a"), ("x-user", "b")], KeyStatus::Ambiguous),
        (&header, &[("x-user", "")], KeyStatus::Missing),
        (&cookie, &[("cookie", "a=1; user=a; b=2")], KeyStatus::Found),
        (&cookie, &[("cookie", "user=a; user=a")], KeyStatus::Found),
        (&cookie, &[("cookie", "user=a; user=b")], KeyStatus::Ambiguous),
        (&cookie, &[("cookie", "user=a"), ("cookie", "user=b")], KeyStatus::Ambiguous),
        (&cookie, &[("cookie", "USER=a")], KeyStatus::Missing),
        (&cookie, &[("cookie", "user=")], KeyStatus::Missing),
        (&query, &[(":path", "/?user=a")], KeyStatus::Found),
        (&query, &[(":path", "/?user=a&user=%61")], KeyStatus::Found),
        (&query, &[(":path", "/?user=a&user=b")], KeyStatus::Ambiguous),
        (&query, &[(":path", "/?user=")], KeyStatus::Missing),
        (&query, &[(":path", "/?User=a")], KeyStatus::Missing),
        (&query, &[(":path", "/user=a")], KeyStatus::Missing),
    ] {
        let spec = spec(config.clone());
        assert_eq!(key(&spec, &request(headers)).status, status, "{config} {headers:?}");
    }
}

#[test]
fn encodings_of_a_parameter_are_one_key() {
    let spec = spec(json!([{"httpQueryParameterName": "user"}]));
    let at = |path: &str| request(&[(":path", path)]);
    assert!(is_same(&spec, &at("/?user=a"), &at("/x?y=1&user=%61")));
    assert!(is_same(&spec, &at("/?user=a"), &at("/?%75ser=a")));
    assert!(!is_same(&spec, &at("/?user=a"), &at("/?user=A")));
    for space in ["+", "%20", "%2B"] {
        assert!(is_same(&spec, &at("/?user=a+b"), &at(&format!("/?user=a{space}b"))));
    }
}

#[test]
fn claims_are_scalars() {
    let spec = spec(json!([{"claim": "id"}]));
    let of = |claims: Value| Request { claims: Some(claims), ..Request::default() };
    for (claims, status) in [
        (json!({"id": "a"}), KeyStatus::Found),
        (json!({"id": 5}), KeyStatus::Found),
        (json!({"id": true}), KeyStatus::Found),
        (json!({"id": ""}), KeyStatus::Missing),
        (json!({"id": null}), KeyStatus::Missing),
        (json!({"id": ["a"]}), KeyStatus::Missing),
        (json!({"id": {"a": 1}}), KeyStatus::Missing),
        (json!({}), KeyStatus::Missing),
    ] {
        assert_eq!(key(&spec, &of(claims.clone())).status, status, "{claims}");
    }
    assert!(is_same(&spec, &of(json!({"id": 5})), &of(json!({"id": "5"}))));
    assert_eq!(key(&spec, &Request::default()).status, KeyStatus::Missing);
}

#[test]
fn an_address_counts_by_its_prefix() {
    let at = |address: &str| Request {
        source_address: Some(address.parse().unwrap()),
        ..Request::default()
    };
    let plain = json!({"useSourceIp": true});
    let short = json!({"useSourceIp": true, "prefix": {"v4": 24, "v6": 48}});
    let full = json!({"useSourceIp": true, "prefix": {"v4": 1, "v6": 128}});
    for (config, one, other, expected) in [
        (&plain, "10.0.0.1", "10.0.0.1", true),
        (&plain, "10.0.0.1", "10.0.0.2", false),
        (&plain, "10.0.0.1", "::ffff:10.0.0.1", true),
        (&plain, "2001:db8:0:1::1", "2001:db8:0:1:ffff::9", true),
        (&plain, "2001:db8:0:1::1", "2001:db8:0:2::1", false),
        (&plain, "10.0.0.1", "a00:1::", false),
        (&short, "10.0.0.1", "10.0.0.255", true),
        (&short, "10.0.0.1", "10.0.1.1", false),
        (&short, "2001:db8::1", "2001:db8:0:ffff::1", true),
        (&short, "2001:db8::1", "2001:db8:1::1", false),
        (&short, "::ffff:10.0.0.1", "10.0.0.9", true),
        (&full, "2001:db8::1", "2001:db8::2", false),
        (&full, "10.0.0.1", "127.0.0.1", true),
        (&full, "10.0.0.1", "192.0.2.1", false),
    ] {
        let spec = spec(json!([config]));
        assert_eq!(is_same(&spec, &at(one), &at(other)), expected, "{config} {one} {other}");
    }
}

#[test]
fn reads_the_other_sources() {
    let with = |change: fn(&mut Request)| {
        let mut request = request(&[(":method", "GET")]);
        change(&mut request);
        request
    };
    for (config, change) in [
        (
            json!({"principal": true}),
            (|r| r.source_principal = Some(b"spiffe://a".to_vec())) as fn(&mut Request),
        ),
        (json!({"attribute": "xds.route_name"}), |r| {
            r.attributes.insert("xds.route_name".to_owned(), b"a".to_vec());
        }),
        (json!({"connection": true}), |r| {
            r.attributes.insert("connection.id".to_owned(), vec![7; 8]);
        }),
    ] {
        let spec = spec(json!([config]));
        assert_eq!(key(&spec, &with(|_| ())).status, KeyStatus::Missing, "{config}");
        assert_eq!(key(&spec, &with(change)).status, KeyStatus::Found, "{config}");
    }
    let method = spec(json!([{"method": true}]));
    assert!(!is_same(&method, &request(&[(":method", "GET")]), &request(&[(":method", "POST")])));
    let variable = spec(json!([{"pathVariable": "id"}]));
    let of = |value: &str| {
        let captures = vec![("id".to_owned(), value.as_bytes().to_vec())];
        variable.of("user", SECRET, &Request::default(), &captures)
    };
    assert_eq!((of("5").status, of("").status), (KeyStatus::Found, KeyStatus::Missing));
    assert_ne!(of("5").hash, of("6").hash);
}

#[test]
fn the_host_is_one_key_in_every_spelling() {
    let spec = spec(json!([{"httpHeaderName": "host"}]));
    let at = |host: &str| request(&[(":authority", host)]);
    for host in ["SHOP.example", "shop.example:8080", "shop.example."] {
        assert!(is_same(&spec, &at("shop.example"), &at(host)), "{host}");
    }
    assert!(!is_same(&spec, &at("shop.example"), &at("www.shop.example")));
}
