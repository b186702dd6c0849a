//! Replies to refused requests.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hyper::Method;
use prost::Message;
use serde_json::json;
use tests::client::{Request, Response};

use super::{Fixture, limit};

/// Starts Envoy with a limit that refuses every request after the first one for 20 to 30 minutes.
fn start() -> Result<Fixture> {
    let fixture = Fixture::start(&limit(json!({"name": "all", "requests": 2, "per": "1h"})))?;
    for _ in 0..2 {
        fixture.envoy.http1().get("/")?;
    }
    Ok(fixture)
}

const MAX_SECONDS: u64 = 1_800;

fn seconds(response: &Response) -> Option<u64> {
    response.header("retry-after")?.parse().ok()
}

#[test]
fn http_replies_have_the_requested_format() -> Result<()> {
    let fixture = start()?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let accept = |accept: &str| client.send(Request::get("/").header("accept", accept));
        let json = accept("application/json")?;
        assert_eq!((json.status, json.header("x-envoy-ratelimited")), (429, Some("true")));
        assert_eq!(json.header("content-type"), Some("application/problem+json"));
        let wait = seconds(&json).context("no retry-after")?;
        assert!((MAX_SECONDS - 60..=MAX_SECONDS).contains(&wait), "{wait}");
        let problem = json.json()?;
        let kind = "https://iana.org/assignments/http-problem-types#quota-exceeded";
        assert_eq!((&problem["type"], &problem["status"]), (&json!(kind), &json!(429)));
        assert_eq!(problem["violated-policies"], json!(["all"]));
        let text = accept("text/plain")?;
        assert_eq!((text.status, text.text().as_str()), (429, "local_rate_limited\n"));
        let head = client.send(Request::new(Method::HEAD, "/"))?;
        assert_eq!((head.status, head.body.len()), (429, 0));
        assert_eq!(seconds(&head).map(|wait| wait.abs_diff(MAX_SECONDS) < 60), Some(true));
        let post = Request::new(Method::POST, "/").body(&vec![7; 65_536]);
        assert_eq!(client.send(post)?.status, 429);
    }
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[test]
fn grpc_replies_have_pushback_and_retry_info() -> Result<()> {
    let fixture = start()?;
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((response.status, response.grpc_status()), (200, Some("8")));
    assert!(response.is_trailers_only());
    assert_eq!(response.header("grpc-message"), Some("local_rate_limited"));
    let pushback = response.header("grpc-retry-pushback-ms").context("no pushback")?;
    let pushback: u64 = pushback.parse()?;
    assert!((MAX_SECONDS * 1_000 - 60_000..=MAX_SECONDS * 1_000).contains(&pushback));
    let details = response.header("grpc-status-details-bin").context("no details")?;
    let status = Status::decode(BASE64_STANDARD_NO_PAD.decode(details)?.as_slice())?;
    assert_eq!((status.code, status.message.as_str()), (8, "local_rate_limited"));
    let [detail] = status.details.as_slice() else { panic!("{status:?}") };
    assert_eq!(detail.type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let delay = RetryInfo::decode(detail.value.as_slice())?.retry_delay.context("no delay")?;
    let millis = u64::try_from(delay.seconds)? * 1_000 + u64::try_from(delay.nanos)? / 1_000_000;
    assert!(pushback.abs_diff(millis) <= 1, "{pushback} and {millis}");
    Ok(())
}

#[test]
fn a_grpc_call_that_is_never_admitted_must_not_be_retried() -> Result<()> {
    let config = limit(json!({"name": "all", "requests": 1, "per": "1h", "cost": 2}));
    let fixture = Fixture::start(&config)?;
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!(response.grpc_status(), Some("8"));
    assert_eq!(response.header("grpc-retry-pushback-ms"), Some("-1"));
    assert_eq!(response.header("grpc-status-details-bin"), None);
    assert_eq!(response.header("retry-after"), None);
    Ok(())
}

#[test]
fn the_reply_of_the_configuration_replaces_the_default() -> Result<()> {
    let headers = json!({"response": {"set": {"retry-after": "7", "x-limit": "all"}}});
    let reply = json!({"httpStatus": 503, "body": {"string": "busy"}, "headers": headers});
    let config = limit(json!({"name": "all", "requests": 1, "per": "1h", "reply": reply}));
    let fixture = Fixture::start(&config)?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        client.get("/")?;
        let response = client.get("/")?;
        assert_eq!((response.status, response.text().as_str()), (503, "busy"));
        assert_eq!(seconds(&response), Some(7));
        assert_eq!(response.header("x-limit"), Some("all"));
    }
    let response = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((response.grpc_status(), response.header("x-limit")), (Some("8"), Some("all")));
    Ok(())
}

#[test]
fn responses_carry_all_limits_if_configured() -> Result<()> {
    let config = json!({"rateLimitHeaders": "ALL", "limits": [
        {"name": "second", "requests": 50, "per": "1s", "burst": 10},
        {"name": "hour", "requests": 3, "per": "1h", "window": "SLIDING"},
    ]});
    let fixture = Fixture::start(&config)?;
    let policy = r#""second";q=50;w=1, "hour";q=3;w=3600"#;
    for (status, remaining) in [(200, "2"), (200, "1"), (200, "0"), (429, "0")] {
        let response = fixture.envoy.http1().get("/")?;
        assert_eq!(response.status, status);
        let state = response.header("ratelimit").context("no state")?;
        assert!(state.contains(&format!(r#""hour";r={remaining};t="#)), "{state}");
        if status == 200 {
            assert_eq!(response.header("ratelimit-policy"), Some(policy));
        }
    }
    Ok(())
}
