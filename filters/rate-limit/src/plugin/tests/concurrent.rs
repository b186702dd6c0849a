//! Limits on concurrent requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{admits, flush, metric, start};

const GAUGE: &str = "weir_rate_limit_active_test_a";

fn document(key: &Value) -> Value {
    json!({"limits": [{"name": "a", "concurrent": 3, "key": key}]})
}

#[test]
fn at_most_so_many_are_active_in_all_workers() {
    for key in [json!([]), json!([{"method": true}])] {
        let proxy = Proxy::new();
        let mut workers = [start(&proxy, document(&key)), start(&proxy, document(&key))];
        let get = [(":method", "GET")];
        let streams: Vec<_> = (0..6).map(|n| (n % 2, workers[n % 2].request(&get))).collect();
        let is_forwarded: Vec<_> = streams
            .iter()
            .map(|(worker, stream)| workers[*worker].stream(*stream).is_forwarded())
            .collect();
        assert_eq!(is_forwarded, [true, true, true, false, false, false], "{key}");
        workers[0].leave(streams[0].1);
        assert!(admits(&mut workers[1], &get), "{key}: a slot is free again");
        workers[1].end(streams[3].1);
        let next = workers[1].request(&get);
        assert!(workers[1].stream(next).is_forwarded(), "{key}: refused requests have no slot");
        assert!(!admits(&mut workers[0], &get), "{key}");
        let is_keyed = key != json!([]);
        assert_eq!(admits(&mut workers[0], &[(":method", "POST")]), is_keyed, "{key}");
    }
}

#[test]
fn a_dropped_worker_frees_its_slots() {
    for key in [json!([]), json!([{"method": true}])] {
        let proxy = Proxy::new();
        let get = [(":method", "GET")];
        let mut first = start(&proxy, document(&key));
        for _ in 0..3 {
            first.request(&get);
        }
        let mut second = start(&proxy, document(&key));
        assert!(!admits(&mut second, &get), "{key}");
        drop(first);
        assert!(admits(&mut second, &get), "{key}");
        assert_eq!(proxy.metric(GAUGE), 0);
    }
}

#[test]
fn a_refusal_asks_to_come_again_in_a_second() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document(&json!([])));
    for _ in 0..3 {
        worker.request(&[]);
    }
    let refused = worker.request(&[]);
    let reply = worker.end(refused).reply.unwrap();
    let header =
        |name: &str| reply.headers.first(name).map(|value| value.escape_ascii().to_string());
    assert_eq!(header("retry-after").as_deref(), Some("1"));
    let policy = r#"\"a\";q=3;qu=\"concurrent-requests\""#;
    assert_eq!(header("ratelimit-policy").as_deref(), Some(policy));
    assert_eq!(header("ratelimit").as_deref(), Some(r#"\"a\";r=0"#));
}

#[test]
fn a_full_page_admits_without_counting() {
    let proxy = Proxy::new();
    let key = json!([{"httpHeaderName": "x"}]);
    let limit = json!({"name": "a", "concurrent": 1, "key": key, "maxKeys": 16});
    let mut worker = start(&proxy, json!({"limits": [limit]}));
    let mut streams = Vec::new();
    for user in 0..200 {
        let stream = worker.request(&[("x", &user.to_string())]);
        assert!(worker.stream(stream).is_forwarded(), "{user}");
        streams.push(stream);
    }
    flush(&proxy, &mut worker);
    assert_eq!(metric(&proxy, "untracked_total"), 200 - 4 * 16);
    for stream in streams {
        worker.end(stream);
    }
    for user in 0..50 {
        let stream = worker.request(&[("x", &user.to_string())]);
        assert!(worker.end(stream).is_forwarded(), "{user}: all slots are free again");
    }
}
