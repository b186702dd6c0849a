//! Counters.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::client::Request;

use super::{Rig, trusting, with};

#[test]
fn outcomes_are_counted_by_all_workers_together() -> Result<()> {
    let rig = Rig::start_with(4, trusting)?;
    let good = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    let old = with(rig.issuer.claims(), "exp", json!(1));
    let expired = rig.issuer.token(Algorithm::ES256, &old)?;
    let client = rig.envoy.http1();
    for _ in 0..5 {
        client.send(Request::get("/").bearer(&good))?;
        client.get("/")?;
        client.send(Request::get("/").bearer(&expired))?;
    }
    let stats = rig.envoy.stats()?;
    for (name, wanted) in [
        ("allowed_total", 10),
        ("allowed_without_token_total", 5),
        ("denied_total", 5),
        ("denied_expired_total", 5),
        ("denied_bad_signature_total", 0),
        ("host_crypto_errors_total", 0),
    ] {
        let name = format!("wasmcustom.weir_jwt_auth_{name}");
        assert_eq!(stats.value(&name), wanted, "{name}: {:?}", stats.holding("weir_jwt_auth"));
    }
    Ok(())
}

#[test]
fn the_proxy_checks_the_signatures_it_can() -> Result<()> {
    let rig = Rig::start(trusting)?;
    let verified = |by: &str| -> Result<u64> {
        Ok(rig.envoy.stats()?.value(&format!("wasmcustom.weir_jwt_auth_verify_{by}_total")))
    };
    for (algorithm, by) in [
        (Algorithm::RS256, "host"),
        (Algorithm::RS384, "host"),
        (Algorithm::RS512, "host"),
        (Algorithm::ES256, "host"),
        (Algorithm::ES384, "host"),
        (Algorithm::PS256, "pure"),
        (Algorithm::EdDSA, "pure"),
    ] {
        let before = verified(by)?;
        let token = rig.issuer.token(algorithm, &rig.issuer.claims())?;
        assert_eq!(rig.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
        assert_eq!(verified(by)?, before.saturating_add(1), "{algorithm:?} by {by}");
    }
    Ok(())
}

#[test]
fn names_are_clean_in_prometheus() -> Result<()> {
    let rig = Rig::start(trusting)?;
    rig.envoy.http1().get("/")?;
    let text = rig.envoy.admin().get("/stats/prometheus")?.text();
    let line = "weir_jwt_auth_allowed_without_token_total{} 1";
    assert!(text.lines().any(|sample| sample == line), "{text}");
    Ok(())
}
