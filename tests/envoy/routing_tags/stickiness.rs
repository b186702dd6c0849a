//! A user keeps a version across workers, proxies and steps of a ramp.

use anyhow::{Context, Result};
use filter_core::rendezvous;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request};

use super::{FILTER, Fixture, TAG, received};

fn frontend(canary: u32, hash: Value) -> Value {
    json!({"http": [{
        "name": "frontend",
        "split": [{"tag": "stable", "weight": 100_u32.saturating_sub(canary)}, {"tag": "canary", "weight": canary}],
        "consistentHash": hash,
    }]})
}

#[test]
fn a_key_gets_the_same_tag_in_every_worker_and_proxy() -> Result<()> {
    let config = frontend(30, json!({"httpHeaderName": "x-user"}));
    let start = || Fixture::start_with(4, vec![Filter::new(FILTER, config.clone())]);
    let (first, second) = (start()?, start()?);
    for user in 0..100 {
        let user = format!("user-{user}");
        let variants = [("stable", 70), ("canary", 30)];
        let chosen = rendezvous("frontend", user.as_bytes(), variants).context("no tag")?;
        let expected = variants[chosen].0;
        for fixture in [&first, &first, &first, &second, &second] {
            let tags = fixture.tags(Request::get("/").header("x-user", &user))?;
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
    fn load(&mut self, fixture: &Fixture) -> Result<String> {
        let request = self
            .cookie
            .iter()
            .fold(Request::get("/"), |request, pair| request.header("cookie", pair));
        let response = fixture.send(request)?;
        if let Some(cookie) = response.header("set-cookie") {
            assert!(self.cookie.is_none(), "issued again: {cookie}");
            assert!(cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let received = tests::upstream::Received::from_response(&response)?;
        Ok(received.header(TAG).concat())
    }
}

#[test]
fn a_browser_keeps_its_version_and_moves_once_in_a_ramp() -> Result<()> {
    let cookie = json!({"httpCookie": {"name": "weir_id", "path": "/", "ttl": "1h"}});
    let config = |canary| vec![Filter::new(FILTER, frontend(canary, cookie.clone()))];
    let mut fixture = Fixture::start_with(4, config(10))?;
    let mut browser = Browser::default();
    let first = browser.load(&fixture)?;
    for _ in 0..1_000 {
        assert_eq!(browser.load(&fixture)?, first);
    }
    let mut browsers: Vec<_> = (0..60).map(|_| (Browser::default(), String::new())).collect();
    for canary in [10, 20, 30, 40, 50] {
        fixture.envoy.reconfigure(&config(canary))?;
        for (browser, before) in &mut browsers {
            let now = browser.load(&fixture)?;
            assert!(now == *before || *before != "canary", "left the canary at {canary} %");
            *before = now;
        }
    }
    let inside = browsers.iter().filter(|(_, tag)| tag == "canary").count();
    assert!((15..45).contains(&inside), "{inside} of 60 at 50 %");
    fixture.counts(&[("cookies_issued_total", 61)])
}

#[test]
fn hashes_by_the_source_address() -> Result<()> {
    let fixture = Fixture::start(frontend(50, json!({"useSourceIp": true})))?;
    let chosen = rendezvous("frontend", b"127.0.0.1", [("stable", 50), ("canary", 50)]);
    let expected = ["stable", "canary"][chosen.context("no tag")?];
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        // An address claimed by the client is ignored.
        let request = Request::get("/").header("x-forwarded-for", "192.0.2.1");
        assert_eq!(received(client, request)?.header(TAG), [expected]);
    }
    Ok(())
}

#[test]
fn requests_without_a_key_are_split_by_weight() -> Result<()> {
    let fixture = Fixture::start(frontend(10, json!({"httpHeaderName": "x-user"})))?;
    for _ in 0..600 {
        fixture.send(Request::get("/"))?;
    }
    let canary = fixture.canary.count();
    // Five standard deviations.
    assert!((24..97).contains(&canary), "{canary} of 600 at 10 %");
    let canary = u64::try_from(canary)?;
    fixture.counts(&[("unkeyed_total", 600), ("rule_frontend_tag_canary_total", canary)])
}
