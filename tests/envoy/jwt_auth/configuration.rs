//! Changes of the configuration.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use anyhow::{Result, anyhow};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, envoy::Envoy, upstream::Upstream};

use super::{FILTER, Rig, rule, trusting, with};

#[test]
fn a_bad_one_is_refused_with_its_paths_and_the_last_good_one_serves() -> Result<()> {
    let mut rig = Rig::start(trusting)?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    let good = rule(&rig.issuer);
    let bad: [(Value, &str); 5] = [
        (json!({}), "jwtRules"),
        (json!({"jwtRules": []}), "jwtRules"),
        (json!({"jwtRules": [with(good.clone(), "issuers", json!("x"))]}), "jwtRules[0].issuers"),
        (json!({"jwtRules": [with(good.clone(), "audiences", json!(7))]}), "jwtRules[0].audiences"),
        (json!({"jwtRules": [good.clone(), with(good, "jwks", json!("{}"))]}), "jwtRules[1].jwks"),
    ];
    for (config, path) in bad {
        let log = rig.envoy.refuses(&[Filter::new(FILTER, config.clone())])?;
        assert!(log.contains(path), "{config}: no {path} in\n{log}");
        let request = Request::get("/").bearer(&token);
        assert_eq!(rig.envoy.http1().send(request)?.status, 200, "after {config}");
        let request = Request::get("/").bearer("a.b.c");
        assert_eq!(rig.envoy.http1().send(request)?.status, 401, "after {config}");
    }
    Ok(())
}

#[test]
fn a_change_under_load_fails_no_request() -> Result<()> {
    let mut rig = Rig::start_with(2, trusting)?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    let client = rig.envoy.http1();
    let done = AtomicBool::new(false);
    let served = AtomicUsize::new(0);
    thread::scope(|scope| {
        let load = scope.spawn(|| -> Result<()> {
            while !done.load(Ordering::Relaxed) {
                let answer = client.send(Request::get("/").bearer(&token))?;
                assert_eq!(answer.status, 200, "{}", answer.text());
                served.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let changed = (0..3).try_for_each(|turn| {
            let header = json!([{"header": format!("x-user-{turn}"), "claim": "sub"}]);
            let rule = with(rule(&rig.issuer), "outputClaimToHeaders", header);
            rig.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])
        });
        done.store(true, Ordering::Relaxed);
        load.join().map_err(|_| anyhow!("a request failed"))??;
        changed
    })?;
    assert!(served.load(Ordering::Relaxed) > 0);
    let last = rig.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert!(last.text().contains("x-user-2"), "{}", last.text());
    Ok(())
}

#[test]
fn withdrawn_keys_admit_nobody() -> Result<()> {
    let mut rig = Rig::start(trusting)?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    assert_eq!(rig.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
    let others = json!({"keys": [rig.issuer.keys().jwk(Algorithm::RS256)]}).to_string();
    let rule = with(rule(&rig.issuer), "jwks", json!(others));
    rig.envoy.reconfigure(&[Filter::new(FILTER, json!({"jwtRules": [rule]}))])?;
    let answer = rig.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("Jwks doesn't have key"), "{}", answer.text());
    Ok(())
}

#[test]
fn envoy_does_not_start_without_one() -> Result<()> {
    let app = Upstream::start()?;
    let filter = Filter::new(FILTER, json!({}));
    let setup = tests::bootstrap::Setup::new(app.address(), vec![filter]);
    let Err(error) = Envoy::start(setup) else {
        return Err(anyhow!("Envoy accepted an empty configuration"));
    };
    assert!(format!("{error:#}").contains("jwtRules"), "{error:#}");
    Ok(())
}
