//! Counters.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{client::Request, process::wait_until};

use super::{Fixture, trusting, with};

#[test]
fn counters_sum_over_all_workers() -> Result<()> {
    let fixture = Fixture::start_with(4, trusting)?;
    let good = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let old = with(fixture.issuer.claims(), "exp", json!(1));
    let expired = fixture.issuer.token(Algorithm::ES256, &old)?;
    let client = fixture.envoy.http1();
    for _ in 0..5 {
        client.send(Request::get("/").bearer(&good))?;
        client.get("/")?;
        client.send(Request::get("/").bearer(&expired))?;
    }
    let expected = [
        ("allowed_total", 10),
        ("allowed_without_token_total", 5),
        ("denied_total", 5),
        ("denied_expired_total", 5),
        ("denied_bad_signature_total", 0),
        ("host_crypto_errors_total", 0),
    ];
    let name = |name: &str| format!("wasmcustom.weir_jwt_auth_{name}");
    let expected: Vec<_> = expected.iter().map(|(stat, value)| (name(stat), *value)).collect();
    fixture.envoy.wait_for_stats(&expected)
}

#[test]
fn host_verifies_the_algorithms_it_supports() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let mut verified = BTreeMap::from([("host", 0), ("pure", 0)]);
    for (algorithm, by) in [
        (Algorithm::RS256, "host"),
        (Algorithm::RS384, "host"),
        (Algorithm::RS512, "host"),
        (Algorithm::ES256, "host"),
        (Algorithm::ES384, "host"),
        (Algorithm::PS256, "pure"),
        (Algorithm::EdDSA, "pure"),
    ] {
        let token = fixture.issuer.token(algorithm, &fixture.issuer.claims())?;
        assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
        verified.entry(by).and_modify(|count| *count += 1);
    }
    let name = |by: &str| format!("wasmcustom.weir_jwt_auth_verify_{by}_total");
    let expected: Vec<_> = verified.into_iter().map(|(by, count)| (name(by), count)).collect();
    fixture.envoy.wait_for_stats(&expected)
}

#[test]
fn exports_plain_prometheus_names() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    fixture.envoy.http1().get("/")?;
    let line = "weir_jwt_auth_allowed_without_token_total{} 1";
    wait_until("exporting the counter", Duration::from_secs(10), || {
        let text = fixture.envoy.admin().get("/stats/prometheus")?.text();
        Ok(text.lines().any(|sample| sample == line))
    })
}
