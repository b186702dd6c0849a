//! The services as Envoy's own rate-limit filter sees them.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    rate_limit_service::{
        Behaviour, Code, FakeRateLimitService, Limit, LimitadorService, Limits, RateLimitHeaders,
        RateLimitResponse, RatelimitService, Unit, cluster,
    },
    upstream::Upstream,
};

use super::DOMAIN;

/// Starts Envoy with its own filter, which limits by the header `x-user` and responds with 500 if
/// the service fails.
fn start(app: &Upstream, service: SocketAddr) -> Result<Envoy> {
    let kind = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";
    let grpc = json!({"envoy_grpc": {"cluster_name": "limits"}});
    let filter = json!({"name": "envoy.filters.http.ratelimit", "typed_config": {
        "@type": kind,
        "domain": DOMAIN,
        "timeout": "1s",
        "failure_mode_deny": true,
        "rate_limit_service": {"grpc_service": grpc, "transport_api_version": "V3"},
    }});
    let action = json!({"request_headers": {"header_name": "x-user", "descriptor_key": "user"}});
    let route = json!({"cluster": "app", "rate_limits": [{"actions": [action]}]});
    let mut options = EnvoyOptions::new(app.address(), vec![Filter::native(filter)]);
    options.routes = vec![json!({"match": {"prefix": "/"}, "route": route})];
    options.clusters = vec![cluster("limits", service)];
    Envoy::start(options)
}

fn status(envoy: &Envoy) -> Result<u16> {
    Ok(envoy.http1().send(Request::get("/").header("x-user", "ada"))?.status)
}

#[test]
fn envoy_obeys_real_services() -> Result<()> {
    let app = Upstream::start()?;
    let limits = Limits::new(DOMAIN).limit(Limit::new(2, Unit::Year).any("user"));
    let ratelimit = RatelimitService::start(&limits)?;
    let limitador = LimitadorService::start(&limits, RateLimitHeaders::DraftVersion03)?;
    for address in [ratelimit.address(), limitador.address()] {
        let envoy = start(&app, address)?;
        assert_eq!([status(&envoy)?, status(&envoy)?, status(&envoy)?], [200, 200, 429]);
    }
    Ok(())
}

#[test]
fn envoy_obeys_the_fake_service() -> Result<()> {
    let app = Upstream::start()?;
    let service = FakeRateLimitService::start(Behaviour::ok())?;
    let envoy = start(&app, service.address())?;
    let rejected = RateLimitResponse::new(Code::OverLimit).status(0, None).body("slow down");
    let ok = RateLimitResponse::new(Code::Ok).status(3, None);
    let cases = [
        (Behaviour::ok(), 200),
        (Behaviour::unknown(), 200),
        (Behaviour::Answer(rejected.response_header("x-limit", "2")), 429),
        (Behaviour::ok().after(Duration::from_millis(100)), 200),
        (Behaviour::huge(1_000_000), 200),
        (Behaviour::Error(14, "no room".to_owned()), 500),
        (Behaviour::Http(503), 500),
        (Behaviour::garbage(b"\xff\xff"), 500),
        (Behaviour::truncated(&ok, 6), 500),
        (Behaviour::Stall(vec![0, 0]), 500),
        (Behaviour::Hang, 500),
        (Behaviour::Reset, 500),
        (Behaviour::Close, 500),
        (Behaviour::ok(), 200),
    ];
    for (behaviour, expected) in cases {
        service.set_behaviour(behaviour.clone());
        assert_eq!(status(&envoy)?, expected, "{:.80}", format!("{behaviour:?}"));
    }
    let calls = service.calls();
    assert_eq!(calls.len(), 14);
    assert!(calls.iter().all(|call| call.request == super::request("ada")), "{calls:?}");
    Ok(())
}
