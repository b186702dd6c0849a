//! Answers of the service.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tests::{
    client::Request,
    rate_limit_service::{Behaviour, Code, FakeRateLimitService, RateLimitResponse},
};

use super::{admits, global, start};

#[test]
fn exact_calls_for_every_request_and_forwards_the_headers() -> Result<()> {
    let answer = RateLimitResponse::new(Code::Ok)
        .request_header("x-plan", "gold")
        .response_header("x-ratelimit-remaining", "4");
    let service = FakeRateLimitService::start(Behaviour::Answer(answer))?;
    let (envoy, app) = start(service.address(), &global("EXACT", &json!({})), 1)?;
    let client = envoy.http1();
    for _ in 0..3 {
        let response = client.send(Request::get("/").header("x-user", "alice"))?;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-ratelimit-remaining"), Some("4"));
    }
    assert_eq!(app.received()[0].header("x-plan"), ["gold"]);
    let calls = service.calls();
    assert_eq!(calls.len(), 3);
    let request = &calls[0].request;
    assert_eq!((request.domain.as_str(), request.hits_addend), ("shop", 1));
    let entries = &request.descriptors[0].entries;
    let entries: Vec<_> = entries.iter().map(|entry| (&*entry.key, &*entry.value)).collect();
    assert_eq!(entries, [("limit", "user"), ("header", "alice")]);
    Ok(())
}

#[test]
fn over_limit_refuses_with_the_body_of_the_service() -> Result<()> {
    let answer = RateLimitResponse::new(Code::OverLimit)
        .status(0, Some(Duration::from_secs(90)))
        .response_header("x-limited-by", "service")
        .body("slow down");
    let service = FakeRateLimitService::start(Behaviour::Answer(answer))?;
    let (envoy, app) = start(service.address(), &global("EXACT", &json!({})), 1)?;
    let refused = envoy.http1().send(Request::get("/").header("x-user", "alice"))?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("90"));
    assert_eq!(refused.header("ratelimit"), Some(r#""user";r=0;t=90"#));
    assert_eq!(refused.header("x-limited-by"), Some("service"));
    assert_eq!(refused.text(), "slow down");
    assert_eq!(app.count(), 0);
    Ok(())
}

#[test]
fn unknown_admits() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::unknown())?;
    for mode in ["EXACT", "BATCHED"] {
        let (envoy, _app) = start(service.address(), &global(mode, &json!({})), 1)?;
        assert_eq!(envoy.http1().get("/")?.status, 200, "{mode}");
    }
    Ok(())
}

#[test]
fn batched_buys_units_for_steady_traffic() -> Result<()> {
    let service = FakeRateLimitService::start(admits(100_000, Duration::from_secs(3_600)))?;
    let (envoy, app) = start(service.address(), &global("BATCHED", &json!({})), 1)?;
    let client = envoy.http1();
    for _ in 0..500 {
        assert_eq!(client.send(Request::get("/").header("x-user", "alice"))?.status, 200);
    }
    assert_eq!(app.count(), 500);
    let bought: u32 = service.calls().iter().map(|call| call.request.hits_addend).sum();
    assert!(bought >= 500, "{bought}: more requests than units");
    assert!(service.count() < 100, "{} calls", service.count());
    Ok(())
}
