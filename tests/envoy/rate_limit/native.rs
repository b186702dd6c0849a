//! Clients get the same responses from this filter as from Envoy's local rate limit filter, except
//! for the differences in `differences.rs`.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Client, Request, Response},
    envoy::Envoy,
    upstream::Upstream,
};

use super::{filter, options};

mod differences;

use differences::{KNOWN_DIFFERENCES, assert_known};

/// Maximum delay of a request behind its planned time.
const LATE: Duration = Duration::from_millis(180);
/// Attempts at a sequence on a busy machine.
const ATTEMPTS: usize = 5;

/// Returns Envoy's filter with this token bucket, which allows the same requests in all workers.
fn native(bucket: &Value, more: Value) -> Filter {
    let kind =
        "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
    let all = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    let mut config = json!({
        "@type": kind, "stat_prefix": "native", "token_bucket": bucket,
        "filter_enabled": all, "filter_enforced": all,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
    });
    if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
        config.extend(more);
    }
    Filter::native(json!({"name": "envoy.filters.http.local_ratelimit", "typed_config": config}))
}

/// An Envoy with this filter and one with Envoy's own, before the same application.
struct Pair {
    ours: Envoy,
    native: Envoy,
    _app: Upstream,
}

impl Pair {
    fn start(ours: Value, native: Filter, routes: Vec<Value>) -> Result<Self> {
        let app = Upstream::start()?;
        let start = |filter, routes| {
            Envoy::start(EnvoyOptions { routes, ..options(app.address(), vec![filter]) })
        };
        let ours = start(filter(&ours), Vec::new())?;
        Ok(Self { ours, native: start(native, routes)?, _app: app })
    }

    /// Sends each request at its time after the start, to both at once.
    ///
    /// Returns `None` if a request was late, so that units could have become available meanwhile.
    fn replay(&self, plan: &[(u64, Request)]) -> Result<Option<Vec<[Response; 2]>>> {
        let clients = [&self.ours, &self.native].map(Envoy::http1);
        let clock = Instant::now();
        let mut responses = Vec::new();
        for (at, request) in plan {
            let at = Duration::from_millis(*at);
            thread::sleep(at.saturating_sub(clock.elapsed()));
            let pair = clients.map(|client| client.send(request.clone()));
            if clock.elapsed().saturating_sub(at) > LATE {
                return Ok(None);
            }
            let [ours, native] = pair;
            responses.push([ours?, native?]);
        }
        Ok(Some(responses))
    }
}

/// Replays the plan with new proxies until no request is late.
fn replay(start: impl Fn() -> Result<Pair>, plan: &[(u64, Request)]) -> Result<Vec<[Response; 2]>> {
    for _ in 0..ATTEMPTS {
        if let Some(responses) = start()?.replay(plan)? {
            return Ok(responses);
        }
    }
    None.context("the machine is too busy")
}

/// Returns a plan that sends this many requests at each time, in milliseconds.
fn plan(arrivals: &[(u64, usize)]) -> Vec<(u64, Request)> {
    let times = arrivals.iter().flat_map(|(at, count)| vec![*at; *count]);
    times.map(|at| (at, Request::get("/"))).collect()
}

/// Returns a bucket with a new token every 500 ms, with the field names of Envoy and of this filter.
fn buckets(max: u32) -> (Value, Value) {
    let native = json!({"max_tokens": max, "tokens_per_fill": 2, "fill_interval": "1s"});
    (
        json!({"limits": [{"name": "all", "token_bucket": native}],
        "rateLimitHeaders": "ALL", "xRatelimitHeaders": true}),
        native,
    )
}

#[test]
fn arrivals_get_the_same_responses_in_the_same_order() -> Result<()> {
    let (ours, bucket) = buckets(4);
    // Tokens become available at 500 ms, 1 s and so on: the arrivals are between those times.
    let arrivals = [(0, 6), (750, 2), (1_250, 2), (2_750, 4), (3_250, 1), (3_750, 3), (6_250, 5)];
    let start = || Pair::start(ours.clone(), native(&bucket, json!({})), Vec::new());
    let responses = replay(start, &plan(&arrivals))?;
    let mut refused = 0_usize;
    for (index, [ours, native]) in responses.iter().enumerate() {
        assert_known(ours, native, &format!("response {index}"));
        refused = refused.saturating_add(usize::from(ours.status == 429));
    }
    let statuses = |side: usize| responses.iter().map(move |pair| pair[side].status);
    assert!(statuses(0).eq(statuses(1)), "{:?}", statuses(0).zip(statuses(1)).collect::<Vec<_>>());
    assert_eq!(refused, 8, "{:?}", statuses(0).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn grpc_calls_get_the_same_status() -> Result<()> {
    for (more, status) in
        [(json!({}), "14"), (json!({"rate_limited_as_resource_exhausted": true}), "8")]
    {
        let (ours, bucket) = buckets(1);
        let proxies = Pair::start(ours, native(&bucket, more), Vec::new())?;
        let call = |client: Client| -> Result<Response> {
            client.send(Request::grpc("/a.B/C"))?;
            client.send(Request::grpc("/a.B/C"))
        };
        let [ours, native] = [&proxies.ours, &proxies.native].map(|envoy| call(envoy.http2()));
        let (ours, native) = (ours?, native?);
        assert!(ours.is_trailers_only() && native.is_trailers_only());
        assert_eq!((ours.grpc_status(), native.grpc_status()), (Some("8"), Some(status)));
        assert_eq!(ours.header("grpc-message"), native.header("grpc-message"));
    }
    Ok(())
}

#[test]
fn a_descriptor_is_a_key() -> Result<()> {
    // Without a match, the large bucket of the listener decides.
    let large = json!({"max_tokens": 1_000, "tokens_per_fill": 1, "fill_interval": "3600s"});
    let small = json!({"max_tokens": 2, "tokens_per_fill": 1, "fill_interval": "3600s"});
    let descriptor = json!({"entries": [{"key": "user"}], "token_bucket": small});
    let actions = json!([{"request_headers": {"header_name": "x-user", "descriptor_key": "user"}}]);
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": "app",
        "rate_limits": [{"actions": actions}]}});
    let ours = json!({"xRatelimitHeaders": true, "limits": [{"name": "user", "token_bucket": small,
        "key": [{"httpHeaderName": "x-user"}], "onMissingKey": "SKIP"}]});
    let native = native(&large, json!({"descriptors": [descriptor]}));
    let proxies = Pair::start(ours, native, vec![route])?;
    let users = ["a", "b", "a", "a", "b", "b", "a", "c", "A", ""];
    for (index, user) in users.iter().enumerate() {
        let request = Request::get("/");
        let request = if user.is_empty() { request } else { request.header("x-user", user) };
        let send = |envoy: &Envoy| envoy.http1().send(request.clone());
        let (ours, native) = (send(&proxies.ours)?, send(&proxies.native)?);
        assert_eq!(ours.status, native.status, "request {index} of {user}");
    }
    Ok(())
}

#[test]
fn every_known_difference_has_a_name() {
    let names: std::collections::BTreeSet<_> =
        KNOWN_DIFFERENCES.iter().map(|difference| difference.header).collect();
    assert_eq!(names.len(), KNOWN_DIFFERENCES.len());
}
