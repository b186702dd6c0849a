//! Changes of the configuration.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use anyhow::{Result, anyhow};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, envoy::Envoy, suite, upstream::Upstream};

use super::{FILTER, Fixture, rule, trusting, with};

#[test]
fn rejects_an_invalid_configuration_and_keeps_the_last_valid_one() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let good = rule(&fixture.issuer);
    let bad: [(Value, &str); 5] = [
        (json!({}), "jwtRules"),
        (json!({"jwtRules": []}), "jwtRules"),
        (json!({"jwtRules": [with(good.clone(), "issuers", json!("x"))]}), "jwtRules[0].issuers"),
        (json!({"jwtRules": [with(good.clone(), "audiences", json!(7))]}), "jwtRules[0].audiences"),
        (json!({"jwtRules": [good.clone(), with(good, "jwks", json!("{}"))]}), "jwtRules[1].jwks"),
    ];
    for (config, path) in bad {
        let log = fixture.envoy.expect_rejection(&[Filter::new(FILTER, config.clone())])?;
        let path = suite::path(FILTER, path);
        assert!(log.contains(&path), "{config}: no {path} in\n{log}");
        let request = Request::get("/").bearer(&token);
        assert_eq!(fixture.envoy.http1().send(request)?.status, 200, "after {config}");
        let request = Request::get("/").bearer("a.b.c");
        assert_eq!(fixture.envoy.http1().send(request)?.status, 401, "after {config}");
    }
    Ok(())
}

#[test]
fn reconfiguration_under_load_fails_no_request() -> Result<()> {
    let mut fixture = Fixture::start_with(2, trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let client = fixture.envoy.http1();
    let done = AtomicBool::new(false);
    let served = AtomicUsize::new(0);
    thread::scope(|scope| {
        let load = scope.spawn(|| -> Result<()> {
            while !done.load(Ordering::Relaxed) {
                let response = client.send(Request::get("/").bearer(&token))?;
                assert_eq!(response.status, 200, "{}", response.text());
                served.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let changed = (0..3).try_for_each(|index| {
            let header = json!([{"header": format!("x-user-{index}"), "claim": "sub"}]);
            let rule = with(rule(&fixture.issuer), "outputClaimToHeaders", header);
            fixture.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])
        });
        done.store(true, Ordering::Relaxed);
        load.join().map_err(|_| anyhow!("a request failed"))??;
        changed
    })?;
    assert!(served.load(Ordering::Relaxed) > 0);
    let last = fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert!(last.text().contains("x-user-2"), "{}", last.text());
    Ok(())
}

#[test]
fn refuses_tokens_of_removed_keys() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
    let others = json!({"keys": [fixture.issuer.keys().jwk(Algorithm::RS256)]}).to_string();
    let rule = with(rule(&fixture.issuer), "jwks", json!(others));
    fixture.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])?;
    let response = fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert_eq!(response.status, 401);
    assert!(response.text().contains("Jwks doesn't have key"), "{}", response.text());
    Ok(())
}

#[test]
fn envoy_does_not_start_with_an_empty_configuration() -> Result<()> {
    let app = Upstream::start()?;
    let filter = Filter::new(FILTER, json!({}));
    let options = tests::bootstrap::EnvoyOptions::new(app.address(), vec![filter]);
    let Err(error) = Envoy::start(options) else {
        return Err(anyhow!("Envoy accepted an empty configuration"));
    };
    assert!(format!("{error:#}").contains("jwtRules"), "{error:#}");
    Ok(())
}
