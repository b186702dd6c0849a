//! Keys: separate counts, missing keys, and full pages.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::json;

use super::{admits, admitted, flush, limited, metric, ms, start};

#[test]
fn each_key_has_its_own_count() {
    for window in ["TOKEN_BUCKET", "SLIDING", "FIXED"] {
        let proxy = Proxy::new();
        let key = json!([{"httpHeaderName": "x-user"}]);
        let mut worker = start(&proxy, limited(json!({"key": key, "window": window})));
        for user in ["a", "b", "c"] {
            assert_eq!(admitted(&mut worker, &[("x-user", user)], 5), 3, "{window} {user}");
        }
        assert_eq!(admitted(&mut worker, &[], 5), 3, "{window}: the others share one count");
        let two = [("x-user", "a"), ("x-user", "z")];
        assert_eq!(admitted(&mut worker, &two, 5), 0, "{window}: several values are none");
        flush(&proxy, &mut worker);
        assert_eq!(metric(&proxy, "missing_key_total"), 10, "{window}");
    }
}

#[test]
fn a_missing_key_is_shared_skipped_or_denied() {
    for (treatment, expected) in [("SHARE", 3), ("SKIP", 5), ("DENY", 0)] {
        let proxy = Proxy::new();
        let fields = json!({"key": [{"httpHeaderName": "x-user"}], "onMissingKey": treatment});
        let mut worker = start(&proxy, limited(fields));
        assert_eq!(admitted(&mut worker, &[], 5), expected, "{treatment}");
        flush(&proxy, &mut worker);
        assert_eq!(metric(&proxy, "missing_key_total"), 5, "{treatment}");
        assert_eq!(metric(&proxy, "denied_total"), 5 - expected as u64, "{treatment}");
    }
}

#[test]
fn connections_have_separate_counts() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"key": [{"connection": true}]})));
    for connection in 1_u64..=3 {
        proxy.set_property("connection.id", &connection.to_le_bytes());
        assert_eq!(admitted(&mut worker, &[], 5), 3, "{connection}");
    }
}

#[test]
fn a_client_is_counted_by_its_address() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"key": [{"useSourceIp": true}]})));
    for (address, expected) in [
        ("10.0.0.1:1000", 3),
        ("10.0.0.1:2000", 0),
        ("10.0.0.2:1000", 3),
        ("[2001:db8::1]:1", 3),
        ("[2001:db8::2]:1", 0),
    ] {
        proxy.set_property("source.address", address.as_bytes());
        assert_eq!(admitted(&mut worker, &[], 5), expected, "{address}");
    }
}

#[test]
fn newcomers_do_not_release_a_heavy_user() {
    let proxy = Proxy::new();
    let fields = json!({"key": [{"httpHeaderName": "x-user"}], "maxKeys": 16, "per": "1h"});
    let mut worker = start(&proxy, limited(fields));
    assert_eq!(admitted(&mut worker, &[("x-user", "heavy")], 5), 3);
    for user in 0..2_000 {
        assert!(admits(&mut worker, &[("x-user", &user.to_string())]), "{user}");
    }
    assert_eq!(admitted(&mut worker, &[("x-user", "heavy")], 5), 0);
    flush(&proxy, &mut worker);
    assert!(metric(&proxy, "evictions_total") > 1_000);
    let warnings = || proxy.log(3).iter().filter(|line| line.contains("raise maxKeys")).count();
    assert_eq!(warnings(), 1, "once a minute");
    proxy.pass(ms(60_000));
    for user in 2_000..2_100 {
        admits(&mut worker, &[("x-user", &user.to_string())]);
    }
    assert_eq!(warnings(), 2);
    let bytes: usize = proxy.shared_keys().iter().map(|key| proxy.shared(key).unwrap().len()).sum();
    assert!(bytes < 2_500, "{bytes}");
}

#[test]
fn no_bytes_of_a_request_become_a_key_or_a_metric() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"key": [{"httpHeaderName": "x-user"}]})));
    let keys = proxy.shared_keys();
    for user in ["secret", "\u{1f}secret\n", "../secret"] {
        admitted(&mut worker, &[("x-user", user)], 5);
    }
    flush(&proxy, &mut worker);
    assert_eq!(proxy.shared_keys(), keys);
    assert!(proxy.metrics().iter().all(|(name, _)| !name.contains("secret")));
    assert!(proxy.log(0).iter().all(|line| !line.contains("secret")));
}
