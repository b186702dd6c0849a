//! Scenarios that together make every host call of the filter, except those for the rate-limit
//! service.

use filter_host::memory::Proxy;

use super::{
    exchange::{Fate, OK, Response, exchange},
    ms,
    outcome::Outcome,
    start,
};

/// A limit with a key and one without; the fourth request is over the first one.
const KEYED: &str = r#"{"rateLimitHeaders": "ALL", "explain": [{"headers": {"x-debug": {}}}],
    "limits": [
        {"name": "user", "requests": 2, "per": "1h", "key": [{"httpHeaderName": "x-user"}], "maxKeys": 16},
        {"name": "address", "requests": 10, "per": "1h", "window": "FIXED", "key": [{"useSourceIp": true}], "maxKeys": 16},
        {"name": "pod", "requests": 10, "per": "1h", "window": "SLIDING"}]}"#;

/// A key that must be present.
const DENY: &str = r#"{"limits": [
    {"name": "user", "requests": 2, "per": "1h", "key": [{"httpHeaderName": "x-user"}], "maxKeys": 16,
        "onMissingKey": "DENY"}]}"#;

/// Concurrent requests, with and without a key.
const CONCURRENT: &str = r#"{"limits": [
    {"name": "slots", "concurrent": 1},
    {"name": "user", "concurrent": 1, "key": [{"httpHeaderName": "x-user"}], "maxKeys": 16}]}"#;

/// A bucket that holds requests.
const SHAPED: &str = r#"{"limits": [
    {"name": "a", "tokenBucket": {"maxTokens": 1, "fillInterval": "100ms"}, "wait": "1s"}]}"#;

/// Units that are taken at the response.
const CHARGED: &str = r#"{"limits": [
    {"name": "logins", "requests": 1, "per": "1h", "window": "FIXED", "charge": {"status": ["401"]}},
    {"name": "calls", "requests": 1, "per": "1h", "window": "FIXED", "charge": {
        "grpcStatus": ["INTERNAL"], "responseHeader": "x-tokens"}}]}"#;

const FAILED: Response = Response { headers: &[(":status", "401")], trailers: &[] };
const GRPC_FAILED: Response = Response {
    headers: &[(":status", "200"), ("x-tokens", "5")],
    trailers: &[("grpc-status", "13")],
};

/// Three requests of a user, of which the last one is refused.
pub(super) fn keyed(proxy: &Proxy) -> Outcome {
    proxy.set_property("source.address", b"10.0.0.1:80");
    let mut worker = start(proxy, KEYED);
    let headers = [("x-user", "a"), ("x-debug", "1"), ("x-weir-explain", "1"), (":method", "GET")];
    let fates =
        ["first", "second", "third"].map(|name| (name, exchange(proxy, &mut worker, &headers, OK)));
    drop(worker);
    Outcome::new(proxy, fates.into())
}

/// A request with a key, and one without.
pub(super) fn deny(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, DENY);
    let fates = vec![
        ("keyed", exchange(proxy, &mut worker, &[("x-user", "a")], OK)),
        ("missing", exchange(proxy, &mut worker, &[], OK)),
    ];
    drop(worker);
    Outcome::new(proxy, fates)
}

/// A request while another one is active, and one after it.
pub(super) fn concurrent(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, CONCURRENT);
    let user = [("x-user", "a")];
    let active = worker.request(&user);
    let refused = exchange(proxy, &mut worker, &user, OK);
    let stream = worker.end(active);
    let is_forwarded = stream.is_forwarded();
    let active = Fate { stream, is_forwarded, hangs: false, millis: 0 };
    let later = exchange(proxy, &mut worker, &user, OK);
    drop(worker);
    Outcome::new(proxy, vec![("active", active), ("refused", refused), ("later", later)])
}

/// Requests that are held; the client of one leaves.
pub(super) fn shaped(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, SHAPED);
    let first = exchange(proxy, &mut worker, &[], OK);
    let held = exchange(proxy, &mut worker, &[], OK);
    let left = worker.request(&[]);
    let stream = worker.leave(left);
    let is_forwarded = stream.is_forwarded();
    let left = Fate { stream, is_forwarded, hangs: false, millis: 0 };
    worker.advance(ms(2_000));
    let later = exchange(proxy, &mut worker, &[], OK);
    drop(worker);
    Outcome::new(proxy, vec![("first", first), ("held", held), ("left", left), ("later", later)])
}

/// Responses that are charged, and the refusals that follow.
pub(super) fn charged(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, CHARGED);
    let fates = vec![
        ("grpc", exchange(proxy, &mut worker, &[], GRPC_FAILED)),
        ("refused", exchange(proxy, &mut worker, &[], OK)),
    ];
    drop(worker);
    let mut worker = start(proxy, CHARGED.replace("calls", "other").as_str());
    let login = exchange(proxy, &mut worker, &[], FAILED);
    let denied = exchange(proxy, &mut worker, &[], OK);
    drop(worker);
    let fates = fates.into_iter().chain([("login", login), ("denied", denied)]);
    Outcome::new(proxy, fates.collect())
}
