//! Faults requested by callers through `x-envoy-fault-*` headers.

use std::time::{Duration, Instant};

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter, client::Request, identity_provider::IdentityProvider, upstream::Received,
};

use super::{Fixture, filter};

const ABORT: &str = "x-envoy-fault-abort-request";
const DELAY: &str = "x-envoy-fault-delay-request";
const RATE: &str = "x-envoy-fault-throughput-response";

/// Returns a configuration that allows any fault by header for requests that match `caller`.
fn on_demand(caller: &Value) -> Value {
    let all = json!({"value": 100});
    json!({"http": [{"name": "testers", "match": [caller], "fault": {
        "delay": {"headerDelay": {}, "percentage": all},
        "abort": {"headerAbort": {}, "percentage": all},
        "responseRateLimit": {"headerLimit": {}, "percentage": all},
    }}]})
}

#[test]
fn only_a_verified_claim_enables_fault_headers() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwt = json!({"jwtRules": [{
        "issuer": issuer.issuer(), "jwks": issuer.keys().jwks().to_string(),
    }]});
    let testers = on_demand(&json!({"claims": {"role": {"exact": "chaos"}}}));
    let chain = vec![Filter::new("jwt-auth", jwt), filter(&testers)];
    let fixture = Fixture::start_chain(1, chain)?;
    let token = |role: &str| {
        let mut claims = issuer.claims();
        claims["role"] = json!(role);
        issuer.token(Algorithm::ES256, &claims)
    };
    let (tester, user) = (token("chaos")?, token("user")?);
    let forged = format!("{}.AAAA", tester.rsplit_once('.').map_or("", |(signed, _)| signed));
    let client = fixture.envoy.http1();
    let abort_request = |status: &str| Request::get("/").header(ABORT, status);
    assert_eq!(client.send(abort_request("418").bearer(&tester))?.status, 418);
    assert_eq!(client.send(abort_request("418").bearer(&user))?.status, 200, "another role");
    assert_eq!(client.send(abort_request("418"))?.status, 200, "no token");
    let claimed = abort_request("418")
        .header("role", "chaos")
        .header("weir.jwt", "{\"claims\":{\"role\":\"chaos\"}}");
    assert_eq!(client.send(claimed)?.status, 200, "an unverified claim");
    let refused = client.send(abort_request("418").bearer(&forged))?;
    assert_eq!(refused.status, 401, "jwt-auth denies a forged token first");
    assert_eq!((fixture.stat("aborts_total")?, fixture.app.count()), (1, 3));
    Ok(())
}

#[test]
fn only_a_matched_address_enables_fault_headers() -> Result<()> {
    for (range, status) in [("127.0.0.0/8", 418), ("10.0.0.0/8", 200)] {
        let fixture = Fixture::start(&on_demand(&json!({"source": {"ip": range}})))?;
        let request = Request::get("/").header(ABORT, "418");
        assert_eq!(fixture.envoy.http1().send(request)?.status, status, "{range}");
    }
    Ok(())
}

#[test]
fn applies_and_forwards_fault_headers() -> Result<()> {
    let fixture = Fixture::start(&on_demand(&json!({"headers": {"x-tester": {}}})))?;
    let started = Instant::now();
    let request = Request::get("/").header("x-tester", "1");
    let request = request.header(DELAY, "100").header(RATE, "1").header(ABORT, "99");
    let response = fixture.envoy.http1().send(request)?;
    let elapsed = started.elapsed();
    assert_eq!(response.status, 200, "99 is not a status");
    // The delay, then the body at 1 KiB per second.
    let body = Duration::from_secs(u64::try_from(response.body.len())?) / 1_024;
    let min = Duration::from_millis(100).saturating_add(body);
    assert!(
        elapsed >= min && elapsed < min.saturating_mul(4),
        "{elapsed:?}, expected at least {min:?}"
    );
    let received = Received::from_response(&response)?;
    for (name, value) in [(DELAY, "100"), (RATE, "1"), (ABORT, "99")] {
        assert_eq!(received.header(name), [value], "{name}");
    }
    assert_eq!((fixture.stat("delays_total")?, fixture.stat("rate_limits_total")?), (1, 1));
    Ok(())
}

#[test]
fn uses_the_first_value_of_a_fault_header() -> Result<()> {
    let fixture = Fixture::start(&on_demand(&json!({"headers": {"x-tester": {}}})))?;
    for (values, status) in [(["418", "503"], 418), (["x", "503"], 200), (["599", "418"], 599)] {
        let request = Request::get("/").header("x-tester", "1");
        let request = values.iter().fold(request, |request, value| request.header(ABORT, value));
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            assert_eq!(client.send(request.clone())?.status, status, "{values:?}");
        }
    }
    Ok(())
}
