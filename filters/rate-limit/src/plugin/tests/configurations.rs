//! New configurations, other workers, and foreign bytes in shared data.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::{
    HostError,
    memory::{HostCall, Proxy},
};
use serde_json::{Value, json};

use super::{admitted, limited, metric, ms, start};

fn pages(proxy: &Proxy) -> Vec<String> {
    let keys = proxy.shared_keys().into_iter();
    keys.filter(|key| !key.ends_with(".secret") && !key.ends_with(".mask")).collect()
}

#[test]
fn a_new_configuration_continues_the_counts() {
    for (old, new, expected) in [
        (json!({}), json!({}), 0),
        // The new unit comes with time.
        (json!({}), json!({"burst": 4}), 0),
        (json!({}), json!({"requests": 2}), 0),
        (json!({}), json!({"reply": {"httpStatus": 503}}), 0),
        (json!({}), json!({"enforced": {"value": 0}}), 5),
        (json!({"window": "SLIDING"}), json!({"window": "SLIDING", "requests": 5}), 2),
        (json!({"window": "SLIDING"}), json!({"window": "SLIDING", "per": "2h"}), 0),
        (json!({"window": "FIXED"}), json!({"window": "FIXED", "requests": 5}), 2),
        (json!({"window": "FIXED"}), json!({"window": "FIXED", "per": "24h"}), 0),
        (json!({}), json!({"name": "b"}), 3),
        (json!({}), json!({"window": "SLIDING"}), 3),
        (json!({"window": "FIXED"}), json!({"window": "SLIDING"}), 3),
    ] {
        for key in [json!([]), json!([{"httpHeaderName": "x-user"}])] {
            let document = |fields: &Value| {
                let mut fields = fields.clone();
                fields["key"].clone_from(&key);
                fields["per"] = fields.get("per").cloned().unwrap_or(json!("1h"));
                limited(fields)
            };
            let proxy = Proxy::new();
            let user = [("x-user", "a")];
            let mut before = start(&proxy, document(&old));
            assert_eq!(admitted(&mut before, &user, 5), 3, "{old}");
            let mut after = start(&proxy, document(&new));
            assert_eq!(admitted(&mut after, &user, 5), expected, "{old} {new} {key}");
        }
    }
}

#[test]
fn another_worker_never_replaces_the_secret() {
    let proxy = Proxy::new();
    let document = limited(json!({"key": [{"httpHeaderName": "x-user"}], "per": "1h"}));
    let mut workers: Vec<_> = (0..4).map(|_| start(&proxy, &document)).collect();
    let secret = || proxy.shared("weir.rate-limit.test.secret").unwrap();
    let first = secret();
    assert_eq!(first.len(), 16);
    let passed: usize =
        workers.iter_mut().map(|worker| admitted(worker, &[("x-user", "a")], 3)).sum();
    assert_eq!((passed, secret()), (3, first));
}

#[test]
fn pages_that_could_not_be_created_are_created_by_the_first_request() {
    for limit in [
        json!({"name": "a", "requests": 1, "per": "1h"}),
        json!({"name": "a", "concurrent": 1, "key": [{"method": true}], "maxKeys": 16}),
    ] {
        let document = json!({"limits": [limit]});
        let page = {
            let proxy = Proxy::new();
            drop(start(&proxy, &document));
            let is_page = |call: &HostCall| {
                call.name == "seed_shared_data" && !call.argument.ends_with(".secret")
            };
            proxy.trace().iter().position(is_page).unwrap()
        };
        let proxy = Proxy::new();
        proxy.fail(page, HostError::InternalFailure);
        let mut worker = start(&proxy, &document);
        assert!(pages(&proxy).is_empty());
        let streams = [(); 2].map(|()| worker.request(&[(":method", "GET")]));
        let is_forwarded = streams.map(|stream| worker.stream(stream).is_forwarded());
        assert_eq!(is_forwarded, [true, false], "{limit}");
        assert_eq!(pages(&proxy).len(), 1);
    }
}

#[test]
fn more_keys_keep_the_pages_that_exist() {
    let proxy = Proxy::new();
    let document = |keys: u64| {
        limited(json!({"key": [{"httpHeaderName": "x-user"}], "per": "1h", "maxKeys": keys}))
    };
    let mut old = start(&proxy, document(16));
    assert_eq!((pages(&proxy).len(), admitted(&mut old, &[("x-user", "a")], 5)), (4, 3));
    let mut new = start(&proxy, document(64));
    assert_eq!(pages(&proxy).len(), 16);
    let mut again = start(&proxy, document(16));
    assert_eq!((pages(&proxy).len(), admitted(&mut again, &[("x-user", "a")], 5)), (16, 0));
    let passed = admitted(&mut new, &[("x-user", "a")], 5);
    assert!(passed == 0 || passed == 3, "in the same page or another one: {passed}");
}

#[test]
fn bytes_of_others_count_as_empty() {
    for window in ["TOKEN_BUCKET", "SLIDING", "FIXED"] {
        for bytes in [&b""[..], b"x", &[1; 300], &[255; 18], b"\x01\x01abc", &[1, 9, 0, 0]] {
            let proxy = Proxy::new();
            let mut worker = start(&proxy, limited(json!({"window": window, "per": "1h"})));
            for page in pages(&proxy) {
                proxy.set_shared(&page, bytes);
            }
            assert_eq!(admitted(&mut worker, &[], 5), 3, "{window} {bytes:?}");
        }
    }
}

#[test]
fn values_of_the_right_form_never_hang_or_panic() {
    for (window, kind, size) in [("TOKEN_BUCKET", 1, 8), ("SLIDING", 2, 52), ("FIXED", 3, 20)] {
        for byte in [0, 1, 127, 255] {
            let proxy = Proxy::new();
            let mut worker = start(&proxy, limited(json!({"window": window})));
            for page in pages(&proxy) {
                // The only key of a limit without a key is 0.
                let mut bytes = vec![1, kind, 0, 0, 0, 0, 0, 0, 0, 0];
                bytes.resize(bytes.len() + size, byte);
                proxy.set_shared(&page, &bytes);
            }
            let passed = admitted(&mut worker, &[], 5);
            assert!(passed == 0 || passed == 3, "{window} {byte}: {passed}");
            assert_eq!(metric(&proxy, "errors_total"), 0);
        }
    }
}

#[test]
fn a_stream_of_the_old_configuration_leaves_the_new_counts_alone() {
    let proxy = Proxy::new();
    let key = json!([{"method": true}]);
    let mut old = start(&proxy, json!({"limits": [{"name": "a", "concurrent": 5, "key": key}]}));
    let get = [(":method", "GET")];
    let stream = old.request(&get);
    let document = limited(json!({"key": key, "per": "1h"}));
    let mut new = start(&proxy, &document);
    assert_eq!(admitted(&mut new, &get, 5), 3);
    old.end(stream);
    // Another worker, which remembers no refusal.
    let mut other = start(&proxy, &document);
    assert_eq!(admitted(&mut other, &get, 5), 0);
}

#[test]
fn held_requests_finish_under_their_configuration() {
    let proxy = Proxy::new();
    let document = |millis: u64| {
        let bucket = json!({"maxTokens": 1, "fillInterval": format!("{millis}ms")});
        json!({"limits": [{"name": "a", "tokenBucket": bucket, "wait": "10s"}]})
    };
    let mut old = start(&proxy, document(1_000));
    let streams = [(); 2].map(|()| old.request(&[]));
    let mut new = start(&proxy, document(500));
    let later = new.request(&[]);
    assert!(new.stream(later).is_request_paused, "the bucket is overdrawn");
    old.advance(ms(1_000));
    assert!(old.end(streams[1]).is_forwarded());
    drop(old);
    new.advance(ms(1_000));
    assert!(new.end(later).is_forwarded());
}
