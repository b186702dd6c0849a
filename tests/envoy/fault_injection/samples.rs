//! The samples in the README work as described.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter, client::Request, identity_provider::IdentityProvider, process::read_text,
    repository,
};

use super::{Fixture, all, filter};

/// Returns the sample whose last entry has this name, without its schedule, which expires one day.
fn sample(name: &str) -> Result<Value> {
    let readme = read_text(&repository::root().join("filters/fault-injection/README.md"))?;
    let blocks = readme.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    for block in blocks {
        let mut config = repository::parse_yaml(block)?;
        let entry = config.get("http").and_then(Value::as_array).and_then(|http| http.last());
        if entry.is_some_and(|entry| entry.get("name") == Some(&json!(name))) {
            config
                .as_object_mut()
                .and_then(|sample| sample.remove("schedule"))
                .context("no schedule")?;
            return Ok(config);
        }
    }
    anyhow::bail!("the README has no sample {name}")
}

/// Returns the sample with all percentages set to 100.
fn certain(name: &str) -> Result<Value> {
    let mut config = sample(name)?;
    let http = config.get_mut("http").and_then(Value::as_array_mut);
    for fault in http.into_iter().flatten().filter_map(|entry| entry.get_mut("fault")) {
        *fault = all(fault.take());
    }
    Ok(config)
}

#[test]
fn pasted_istio_fault_delays_and_aborts() -> Result<()> {
    let fixture = Fixture::start(&certain("checkout_slow")?)?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    let started = Instant::now();
    assert_eq!(fixture.envoy.http1().get("/checkout/1")?.status, 503);
    assert!(started.elapsed() >= Duration::from_secs(5), "{:?}", started.elapsed());
    Ok(())
}

#[test]
fn half_of_calls_get_retry_after() -> Result<()> {
    let fixture = Fixture::start(&sample("retry_test")?)?;
    let mut failed = 0_u32;
    for _ in 0..200 {
        let response = fixture.envoy.http1().get("/")?;
        if response.status == 503 {
            assert_eq!(response.header("retry-after"), Some("3"));
            failed = failed.saturating_add(1);
        }
    }
    assert!((70..130).contains(&failed), "{failed} of 200");
    Ok(())
}

#[test]
fn tail_latency_is_sticky_per_user() -> Result<()> {
    let mut fixture = Fixture::start(&sample("tail_latency")?)?;
    for _ in 0..3 {
        for user in 0..60 {
            let request = Request::get("/search?q=1").header("x-user", user.to_string());
            assert_eq!(fixture.envoy.http1().send(request)?.status, 200);
        }
    }
    let log = fixture.envoy.wait_for_access_log(180)?;
    let faults: Vec<&Value> = log.iter().map(|line| &line["fault"]).collect();
    let rounds: Vec<_> = faults.chunks(60).collect();
    assert!(rounds.iter().all(|round| *round == rounds[0]), "{rounds:?}");
    let slow = rounds[0].iter().filter(|fault| !fault.is_null()).count();
    assert!((1..20).contains(&slow), "{slow} of 60 users");
    Ok(())
}

#[test]
fn a_token_enables_fault_headers_for_testers() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwks = issuer.keys().jwks().to_string();
    let jwt = json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]});
    let chain = vec![Filter::new("jwt-auth", jwt), filter(&sample("testers")?)];
    let fixture = Fixture::start_chain(1, chain)?;
    let mut claims = issuer.claims();
    claims["role"] = json!("chaos");
    let token = issuer.token(Algorithm::ES256, &claims)?;
    let request = Request::get("/").header("x-envoy-fault-abort-request", "429");
    let request = request.header("x-envoy-fault-delay-request", "60");
    assert_eq!(fixture.envoy.http1().send(request.clone())?.status, 200);
    let started = Instant::now();
    assert_eq!(fixture.envoy.http1().send(request.bearer(&token))?.status, 429);
    assert!(started.elapsed() >= Duration::from_millis(60));
    Ok(())
}

#[test]
fn an_order_is_processed_but_its_response_is_lost() -> Result<()> {
    let fixture = Fixture::start(&certain("order_lost")?)?;
    let order = Request::new(Method::POST, "/orders").body(b"a book");
    assert_eq!(fixture.envoy.http1().send(order)?.status, 503);
    assert_eq!(fixture.envoy.http1().get("/orders")?.status, 200, "only POST is affected");
    assert_eq!(fixture.app.count(), 2, "the order did not reach the application");
    Ok(())
}

#[test]
fn health_checks_are_exempt() -> Result<()> {
    let mut fixture = Fixture::start(&certain("everything_slow")?)?;
    assert_eq!(fixture.envoy.http1().get("/healthz/ready")?.status, 200);
    let started = Instant::now();
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(100));
    let log = fixture.envoy.wait_for_access_log(2)?;
    assert_eq!(log[0]["fault"], Value::Null);
    assert!(log[1]["fault"].as_str().is_some_and(|fault| fault.contains("delay=")), "{log:?}");
    Ok(())
}
