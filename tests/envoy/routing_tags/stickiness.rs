//! A user keeps a version across workers, proxies and steps of a ramp.

use anyhow::{Context, Result};
use filter_core::rendezvous;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request};

use super::{FILTER, Rig, TAG, seen};

fn frontend(canary: u32, hash: Value) -> Value {
    json!({"http": [{
        "name": "frontend",
        "split": [{"tag": "stable", "weight": 100_u32.saturating_sub(canary)}, {"tag": "canary", "weight": canary}],
        "consistentHash": hash,
    }]})
}

#[test]
fn every_worker_and_every_proxy_gives_a_key_the_same_tag() -> Result<()> {
    let config = frontend(30, json!({"httpHeaderName": "x-user"}));
    let start = || Rig::start_with(4, vec![Filter::new(FILTER, config.clone())]);
    let (one, other) = (start()?, start()?);
    for user in 0..100 {
        let user = format!("user-{user}");
        let variants = [("stable", 70), ("canary", 30)];
        let chosen = rendezvous("frontend", user.as_bytes(), variants).context("no tag")?;
        let expected = variants[chosen].0;
        for rig in [&one, &one, &one, &other, &other] {
            let tags = rig.tags(Request::get("/").header("x-user", &user))?;
            assert_eq!(tags, [expected], "{user}");
        }
    }
    Ok(())
}

/// A browser that keeps one cookie.
#[derive(Default)]
struct Browser {
    cookie: Option<String>,
}

impl Browser {
    /// Loads a page and returns the tag of the request.
    fn load(&mut self, rig: &Rig) -> Result<String> {
        let request =
            self.cookie.iter().fold(Request::get("/"), |request, pair| request.header("cookie", pair));
        let answer = rig.send(request)?;
        if let Some(cookie) = answer.header("set-cookie") {
            assert!(self.cookie.is_none(), "issued again: {cookie}");
            assert!(cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let seen = tests::upstream::Received::from_response(&answer)?;
        Ok(seen.header(TAG).concat())
    }
}

#[test]
fn a_browser_stays_with_its_version_and_a_ramp_moves_it_once() -> Result<()> {
    let cookie = json!({"httpCookie": {"name": "weir_id", "path": "/", "ttl": "1h"}});
    let config = |canary| vec![Filter::new(FILTER, frontend(canary, cookie.clone()))];
    let mut rig = Rig::start_with(4, config(10))?;
    let mut browser = Browser::default();
    let first = browser.load(&rig)?;
    for _ in 0..1_000 {
        assert_eq!(browser.load(&rig)?, first);
    }
    let mut browsers: Vec<_> = (0..60).map(|_| (Browser::default(), String::new())).collect();
    for canary in [10, 20, 30, 40, 50] {
        rig.envoy.reconfigure(&config(canary))?;
        for (browser, before) in &mut browsers {
            let now = browser.load(&rig)?;
            assert!(now == *before || *before != "canary", "left the canary at {canary} %");
            *before = now;
        }
    }
    let inside = browsers.iter().filter(|(_, tag)| tag == "canary").count();
    assert!((15..45).contains(&inside), "{inside} of 60 at 50 %");
    rig.counts(&[("cookies_issued_total", 61)])
}

#[test]
fn the_address_is_a_key() -> Result<()> {
    let rig = Rig::start(frontend(50, json!({"useSourceIp": true})))?;
    let chosen = rendezvous("frontend", b"127.0.0.1", [("stable", 50), ("canary", 50)]);
    let expected = ["stable", "canary"][chosen.context("no tag")?];
    for client in [rig.envoy.http1(), rig.envoy.http2()] {
        // An address claimed by the client is ignored.
        let request = Request::get("/").header("x-forwarded-for", "192.0.2.1");
        assert_eq!(seen(client, request)?.header(TAG), [expected]);
    }
    Ok(())
}

#[test]
fn requests_without_a_key_are_spread_by_weight() -> Result<()> {
    let rig = Rig::start(frontend(10, json!({"httpHeaderName": "x-user"})))?;
    for _ in 0..600 {
        rig.send(Request::get("/"))?;
    }
    let canary = rig.canary.count();
    // Five standard deviations.
    assert!((24..97).contains(&canary), "{canary} of 600 at 10 %");
    let canary = u64::try_from(canary)?;
    rig.counts(&[("unkeyed_total", 600), ("rule_frontend_tag_canary_total", canary)])
}
