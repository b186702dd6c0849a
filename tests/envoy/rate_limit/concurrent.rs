//! Limits on concurrent requests: a stream frees its slot however it ends.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{bootstrap::EnvoyOptions, client::Request, envoy::Envoy, process::wait_until};

use super::{
    TIMEOUT,
    connections::{End, HOLD, HoldingApp, Pending},
    filter, limit, options, wait_for,
};

/// The gauge of the limit `all` of the plugin with the shipped name.
const ACTIVE: &str = "active_rate-limit_all";
const WORKERS: u32 = 4;

/// Envoy with a limit on concurrent requests, and an application that holds them.
struct Held {
    envoy: Envoy,
    app: HoldingApp,
}

impl Held {
    fn start(config: &Value, change: impl FnOnce(EnvoyOptions) -> EnvoyOptions) -> Result<Self> {
        let app = HoldingApp::start()?;
        let options = options(app.address(), vec![filter(config)]);
        let envoy = Envoy::start(change(EnvoyOptions { concurrency: WORKERS, ..options }))?;
        Ok(Self { envoy, app })
    }

    fn send(&self, headers: &str, count: usize) -> Result<Vec<Pending>> {
        Pending::send_all(self.envoy.address(), HOLD, headers, count)
    }

    /// Sends requests until the application holds this many of them.
    fn hold(&self, headers: &str, count: usize) -> Result<Vec<Pending>> {
        (0..count).map(|_| self.hold_one(headers)).collect()
    }

    fn hold_one(&self, headers: &str) -> Result<Pending> {
        let send = || Pending::send(self.envoy.address(), HOLD, headers);
        let expected = self.app.held().saturating_add(1);
        let mut pending = send()?;
        wait_until("holding", TIMEOUT, || {
            // The slot of a stream is free only after its client has the whole response.
            if pending.is_answered()? {
                pending = send()?;
            }
            Ok(self.app.held() >= expected)
        })?;
        Ok(pending)
    }

    /// Returns the status of a request that the application does not hold.
    fn status(&self, user: &str) -> Result<u16> {
        Ok(self.envoy.http1().send(Request::get("/").header("x-user", user))?.status)
    }

    /// Waits until this many concurrent requests of a user are admitted.
    fn wait_for_slots(&self, user: &str, slots: usize) -> Result<()> {
        wait_until("slots", TIMEOUT, || {
            self.app.hold_again();
            let pending = self.send(&format!("x-user: {user}\r\n"), slots)?;
            self.app.end(End::Respond);
            let mut statuses = pending.into_iter().map(Pending::status);
            Ok(statuses.all(|status| status == 200))
        })
    }
}

/// Returns a limit of 5 concurrent requests.
fn five() -> Value {
    limit(json!({"name": "all", "concurrent": 5}))
}

/// Returns a limit of 5 concurrent requests for each user.
fn five_each() -> Value {
    let key = json!([{"httpHeaderName": "x-user"}]);
    limit(json!({"name": "each", "concurrent": 5, "key": key}))
}

#[test]
fn all_workers_share_the_limit() -> Result<()> {
    let held = Held::start(&five(), |options| options)?;
    for round in 0..3 {
        held.app.hold_again();
        let admitted = held.hold("", 5)?;
        let refused = held.send("", 20)?.into_iter().map(Pending::status);
        assert!(refused.into_iter().all(|status| status == 429));
        wait_for(&held.envoy, ACTIVE, 5)?;
        held.app.end(End::Respond);
        assert!(admitted.into_iter().all(|pending| pending.status() == 200));
        wait_for(&held.envoy, ACTIVE, 0)?;
        assert_eq!(held.app.held(), 5 * (round + 1));
    }
    let response = {
        held.app.hold_again();
        let _admitted = held.hold("", 5)?;
        held.envoy.http1().get("/")?
    };
    assert_eq!(response.header("retry-after"), Some("1"));
    let policy = r#""all";q=5;qu="concurrent-requests""#;
    assert_eq!(response.header("ratelimit-policy"), Some(policy));
    wait_for(&held.envoy, ACTIVE, 0)
}

/// Ends held requests in every way, each followed by `check`.
fn end_in_every_way(held: &Held, user: &str, check: impl Fn() -> Result<()>) -> Result<()> {
    let header = format!("x-user: {user}\r\n");
    held.app.hold_again();
    drop(held.hold(&header, 5)?);
    check()?;
    held.app.hold_again();
    let reset = held.hold(&header, 5)?;
    held.app.end(End::Reset);
    assert!(reset.into_iter().all(|pending| pending.status() == 503));
    check()?;
    held.app.hold_again();
    let late = held.hold(&format!("{header}x-envoy-upstream-rq-timeout-ms: 300\r\n"), 5)?;
    assert!(late.into_iter().all(|pending| pending.status() == 504));
    check()
}

#[test]
fn aborts_resets_and_timeouts_free_slots() -> Result<()> {
    let held = Held::start(&five(), |options| options)?;
    end_in_every_way(&held, "a", || wait_for(&held.envoy, ACTIVE, 0))?;
    held.wait_for_slots("a", 5)
}

#[test]
fn aborts_resets_and_timeouts_free_slots_of_keys() -> Result<()> {
    let held = Held::start(&five_each(), |options| options)?;
    let other = held.hold("x-user: other\r\n", 5)?;
    end_in_every_way(&held, "a", || held.wait_for_slots("a", 5))?;
    drop(other);
    held.app.hold_again();
    let _pending = held.hold("x-user: a\r\n", 5)?;
    assert_eq!((held.status("a")?, held.status("b")?), (429, 200));
    Ok(())
}

#[test]
fn counts_in_shared_data_where_the_proxy_rejects_the_gauge() -> Result<()> {
    let rejected = json!({"stats_matcher": {"exclusion_list": {"patterns": [
        {"prefix": "wasmcustom.weir_rate_limit_active"}]}}});
    let held =
        Held::start(&five(), |options| EnvoyOptions { stats_config: Some(rejected), ..options })?;
    let _pending = held.hold("", 5)?;
    assert_eq!(held.status("a")?, 429);
    assert!(held.envoy.stats()?.matching(ACTIVE).is_empty());
    held.app.end(End::Reset);
    end_in_every_way(&held, "a", || held.wait_for_slots("a", 5))
}

#[test]
fn a_new_configuration_counts_open_streams() -> Result<()> {
    for (config, larger) in [(five(), 7), (five_each(), 7)] {
        let mut held = Held::start(&config, |options| options)?;
        let admitted = held.hold("x-user: a\r\n", 5)?;
        let mut changed = config.clone();
        changed["limits"][0]["concurrent"] = json!(larger);
        held.envoy.reconfigure(&[filter(&changed)])?;
        let more = held.hold("x-user: a\r\n", 2)?;
        assert_eq!(held.status("a")?, 429, "{config}");
        held.envoy.reconfigure(&[filter(&config)])?;
        assert_eq!(held.status("a")?, 429, "{config}");
        held.app.end(End::Respond);
        assert!(more.into_iter().all(|pending| pending.status() == 200));
        drop(admitted);
        held.wait_for_slots("a", 5)?;
    }
    Ok(())
}
