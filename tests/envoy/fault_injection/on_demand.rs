//! Faults requested by callers through `x-envoy-fault-*` headers.

use std::time::{Duration, Instant};

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter, client::Request, identity_provider::IdentityProvider, upstream::Received,
};

use super::{Rig, filter};

const ABORT: &str = "x-envoy-fault-abort-request";
const DELAY: &str = "x-envoy-fault-delay-request";
const RATE: &str = "x-envoy-fault-throughput-response";

/// Returns a configuration that allows any fault by header for requests that match `asker`.
fn on_demand(asker: &Value) -> Value {
    let all = json!({"value": 100});
    json!({"http": [{"name": "testers", "match": [asker], "fault": {
        "delay": {"headerDelay": {}, "percentage": all},
        "abort": {"headerAbort": {}, "percentage": all},
        "responseRateLimit": {"headerLimit": {}, "percentage": all},
    }}]})
}

#[test]
fn only_a_verified_claim_lets_a_caller_ask() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwt = json!({"jwtRules": [{
        "issuer": issuer.issuer(), "jwks": issuer.keys().jwks().to_string(),
    }]});
    let testers = on_demand(&json!({"claims": {"role": {"exact": "chaos"}}}));
    let chain = vec![Filter::new("jwt-auth", jwt), filter(&testers)];
    let rig = Rig::start_chain(1, chain)?;
    let token = |role: &str| {
        let mut claims = issuer.claims();
        claims["role"] = json!(role);
        issuer.token(Algorithm::ES256, &claims)
    };
    let (tester, user) = (token("chaos")?, token("user")?);
    let forged = format!("{}.AAAA", tester.rsplit_once('.').map_or("", |(signed, _)| signed));
    let client = rig.envoy.http1();
    let asked = |status: &str| Request::get("/").header(ABORT, status);
    assert_eq!(client.send(asked("418").bearer(&tester))?.status, 418);
    assert_eq!(client.send(asked("418").bearer(&user))?.status, 200, "another role");
    assert_eq!(client.send(asked("418"))?.status, 200, "no token");
    let claimed = asked("418")
        .header("role", "chaos")
        .header("weir.jwt", "{\"claims\":{\"role\":\"chaos\"}}");
    assert_eq!(client.send(claimed)?.status, 200, "an unverified claim");
    let refused = client.send(asked("418").bearer(&forged))?;
    assert_eq!(refused.status, 401, "jwt-auth denies a forged token first");
    assert_eq!((rig.stat("aborts_total")?, rig.app.count()), (1, 3));
    Ok(())
}

#[test]
fn only_an_address_that_the_match_names_may_ask() -> Result<()> {
    for (range, status) in [("127.0.0.0/8", 418), ("10.0.0.0/8", 200)] {
        let rig = Rig::start(&on_demand(&json!({"source": {"ip": range}})))?;
        let request = Request::get("/").header(ABORT, "418");
        assert_eq!(rig.envoy.http1().send(request)?.status, status, "{range}");
    }
    Ok(())
}

#[test]
fn what_was_asked_for_is_done_and_forwarded() -> Result<()> {
    let rig = Rig::start(&on_demand(&json!({"headers": {"x-tester": {}}})))?;
    let begun = Instant::now();
    let request = Request::get("/").header("x-tester", "1");
    let request = request.header(DELAY, "100").header(RATE, "1").header(ABORT, "99");
    let answer = rig.envoy.http1().send(request)?;
    let took = begun.elapsed();
    assert_eq!(answer.status, 200, "99 is not a status");
    // The delay, then the body at 1 KiB per second.
    let body = Duration::from_secs(u64::try_from(answer.body.len())?) / 1_024;
    let least = Duration::from_millis(100).saturating_add(body);
    assert!(took >= least && took < least.saturating_mul(4), "{took:?}, expected at least {least:?}");
    let received = Received::from_response(&answer)?;
    for (name, value) in [(DELAY, "100"), (RATE, "1"), (ABORT, "99")] {
        assert_eq!(received.header(name), [value], "{name}");
    }
    assert_eq!((rig.stat("delays_total")?, rig.stat("rate_limits_total")?), (1, 1));
    Ok(())
}

#[test]
fn of_a_header_the_first_value_counts() -> Result<()> {
    let rig = Rig::start(&on_demand(&json!({"headers": {"x-tester": {}}})))?;
    for (values, status) in [(["418", "503"], 418), (["x", "503"], 200), (["599", "418"], 599)] {
        let request = Request::get("/").header("x-tester", "1");
        let request = values.iter().fold(request, |request, value| request.header(ABORT, value));
        for client in [rig.envoy.http1(), rig.envoy.http2()] {
            assert_eq!(client.send(request.clone())?.status, status, "{values:?}");
        }
    }
    Ok(())
}
