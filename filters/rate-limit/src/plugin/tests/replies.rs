//! Replies to refused requests, headers and metrics.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::json;

use super::{
    RateLimit, admits, admitted,
    exchange::{OK, exchange},
    flush, limited, metric, ms, start, with,
};

#[test]
fn a_plugin_without_streams_counts_and_sends_nothing() {
    for document in [String::new(), "{}".to_owned(), limited(json!({"wait": "1s"})).to_string()] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &document);
        worker.advance(ms(60_000));
        assert_eq!(worker.tick_period(), None, "{document}");
        drop(worker);
        assert!(proxy.metrics().is_empty() && proxy.histograms().is_empty(), "{document}");
        assert_eq!(proxy.log(1), ["configuration applied"], "{document}");
    }
}

#[test]
fn refuses_a_document_with_the_path_of_each_error() {
    for (document, paths) in [
        (json!({"limits": [{}], "x": 1}), &["x"][..]),
        (json!({"limits": [{}, {"requests": 1}]}), &["limits[0]", "limits[1].per"]),
        (json!({"maxWaiting": 0, "limits": 5}), &["maxWaiting", "limits"]),
        (json!("text"), &[]),
    ] {
        let proxy = Proxy::new();
        let refused = proxy.worker::<RateLimit>(&document.to_string()).err().unwrap_or_default();
        assert!(!refused.is_empty(), "{document}");
        assert!(paths.iter().all(|path| refused.contains(path)), "{document}: {refused}");
        assert!(proxy.shared_keys().is_empty() && proxy.trace().is_empty(), "{document}");
    }
}

#[test]
fn logs_warnings_about_the_document() {
    let proxy = Proxy::new();
    drop(start(&proxy, json!({"http": [{}]})));
    assert_eq!(proxy.log(3), ["http[0]: has no limits, so it exempts every request"]);
}

#[test]
fn refuses_requests_over_the_limit_until_there_are_units() {
    for (fields, admits_after) in [
        (json!({}), [(333, 0), (1, 1), (400, 1)]),
        (json!({"window": "SLIDING"}), [(999, 0), (126, 3), (500, 0)]),
        (json!({"window": "FIXED"}), [(999, 0), (1, 3), (900, 0)]),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, limited(fields.clone()));
        assert_eq!(admitted(&mut worker, &[], 5), 3, "{fields}");
        for (passed, expected) in admits_after {
            proxy.pass(ms(passed));
            assert_eq!(admitted(&mut worker, &[], 5), expected, "{fields} after {passed} ms more");
        }
    }
}

#[test]
fn a_refusal_is_published_and_logged() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"requests": 1})));
    let headers = [(":method", "GET"), ("x-secret", "secret")];
    assert!(admits(&mut worker, &headers));
    let stream = worker.request(&headers);
    let refused = worker.end(stream);
    assert_eq!(refused.property("weir.limit"), Some(&b"limit=a;retry_ms=1000"[..]));
    let reply = refused.reply.clone().unwrap();
    assert_eq!((reply.status, reply.details.as_str()), (429, "weir_rate_limit_denied{a}"));
    assert_eq!(reply.headers.first("retry-after"), Some(&b"1"[..]));
    assert_eq!(proxy.log(0), ["configuration applied", "limit=a;retry_ms=1000"]);
    assert_eq!(refused.response_header("ratelimit").as_deref(), Some(r#""a";r=0;t=1"#));
}

#[test]
fn a_grpc_client_gets_the_status_of_the_quota() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"requests": 1})));
    let headers = [(":method", "POST"), ("content-type", "application/grpc+proto")];
    assert!(admits(&mut worker, &headers));
    let stream = worker.request(&headers);
    let reply = worker.end(stream).reply.unwrap();
    assert_eq!((reply.grpc_status, &reply.body[..]), (8, &b"local_rate_limited"[..]));
    assert_eq!(reply.headers.first("grpc-retry-pushback-ms"), Some(&b"1000"[..]));
}

#[test]
fn counts_requests_in_total_and_by_limit() {
    for (labels, by_limit) in
        [(false, "limit_a_denied_total"), (true, "limit_denied_total.limit=.=a;.;")]
    {
        let proxy = Proxy::new();
        let document = with(limited(json!({})), "metrics", json!({"labels": labels}));
        let mut worker = start(&proxy, document);
        assert_eq!(admitted(&mut worker, &[], 5), 3);
        assert_eq!(metric(&proxy, "allowed_total"), 0, "they are buffered");
        flush(&proxy, &mut worker);
        assert_eq!((metric(&proxy, "allowed_total"), metric(&proxy, "denied_total")), (3, 2));
        assert_eq!(metric(&proxy, by_limit), 2);
        assert_eq!(metric(&proxy, "near_limit_total"), 1, "only the last one leaves under a fifth");
        assert_eq!(metric(&proxy, "errors_total"), 0);
    }
}

#[test]
fn a_dropped_worker_sends_what_it_has_counted() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({})));
    admitted(&mut worker, &[], 5);
    drop(worker);
    assert_eq!((metric(&proxy, "allowed_total"), metric(&proxy, "denied_total")), (3, 2));
}

#[test]
fn admitted_responses_carry_the_limits_if_configured() {
    for (mode, expected) in [
        ("NONE", "200 []"),
        ("DENIED", "200 []"),
        ("ALL", r#"200 [ratelimit-policy: \"a\";q=3;w=1, ratelimit: \"a\";r=2;t=1]"#),
    ] {
        let proxy = Proxy::new();
        let document = with(limited(json!({})), "rateLimitHeaders", json!(mode));
        let mut worker = start(&proxy, document);
        assert_eq!(exchange(&proxy, &mut worker, &[], OK).client(), expected, "{mode}");
    }
}

#[test]
fn explains_a_decision_to_callers_that_may_ask() {
    let proxy = Proxy::new();
    let document = with(
        limited(json!({"key": [{"httpHeaderName": "x-user", "useSourceIp": true}]})),
        "explain",
        json!([{"headers": {"x-debug": {"exact": "1"}}}]),
    );
    let mut worker = start(&proxy, document);
    let ask = [("x-weir-explain", "1"), ("x-debug", "1"), ("x-user", "secret")];
    let client = exchange(&proxy, &mut worker, &ask, OK).client();
    assert_eq!(client, "200 [x-weir-explain: limit=a;remaining=2;reset=1;key=header]");
    assert_eq!(exchange(&proxy, &mut worker, &ask[..1], OK).client(), "200 []");
}

#[test]
fn a_request_that_never_fits_gets_no_time() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, limited(json!({"cost": 4})));
    let stream = worker.request(&[]);
    let reply = worker.end(stream).reply.unwrap();
    assert_eq!(reply.headers.first("retry-after"), None);
}
