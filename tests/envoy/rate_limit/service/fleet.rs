//! Several Envoys with one service.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{
    client::Request,
    envoy::Envoy,
    rate_limit_service::{
        Limit, LimitadorService, Limits, RateLimitHeaders, RatelimitService, Unit,
    },
    upstream::Upstream,
};

use super::{global, start};

/// Units of each user in an hour.
const UNITS: u32 = 300;

fn limits() -> Limits {
    Limits::new("shop").limit(Limit::new(UNITS, Unit::Hour).entry("limit", "user").any("header"))
}

/// Sends twice the limit of each of two users through three Envoys with two workers each. Returns
/// the number of admitted requests of each user.
fn admitted(service: SocketAddr, mode: &str) -> Result<[u64; 2]> {
    let document = global(mode, &json!({"failureMode": "DENY", "timeout": "2s"}));
    let envoys: Vec<(Envoy, Upstream)> =
        (0..3).map(|_| start(service, &document, 2)).collect::<Result<_>>()?;
    let counts = [const { AtomicU64::new(0) }; 2];
    thread::scope(|scope| {
        let users = ["alice", "bob"].iter().zip(&counts);
        let clients = users.flat_map(|user| envoys.iter().map(move |envoy| (user, envoy)));
        let clients = clients.map(|((user, count), (envoy, _))| {
            scope.spawn(move || -> Result<()> {
                let client = envoy.http1();
                for _ in 0..UNITS * 2 / 3 {
                    let response = client.send(Request::get("/").header("x-user", user))?;
                    match response.status {
                        200 => drop(count.fetch_add(1, Ordering::Relaxed)),
                        429 => {}
                        other => return Err(anyhow!("{user}: {other}")),
                    }
                }
                Ok(())
            })
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
    })?;
    Ok(counts.map(AtomicU64::into_inner))
}

fn check(service: SocketAddr, mode: &str) -> Result<()> {
    for (user, count) in ["alice", "bob"].into_iter().zip(admitted(service, mode)?) {
        assert!(count <= UNITS.into(), "{mode}: {count} of {user}, over the limit");
        // Units that a worker bought and did not use, at most two batches each.
        let most_lost = if mode == "EXACT" { 0 } else { u64::from(UNITS) / 4 };
        assert!(count.saturating_add(most_lost) >= UNITS.into(), "{mode}: {count} of {user}");
    }
    Ok(())
}

#[test]
fn three_envoys_never_exceed_the_limit_of_envoyproxy_ratelimit() -> Result<()> {
    check(RatelimitService::start(&limits())?.address(), "EXACT")?;
    check(RatelimitService::start(&limits())?.address(), "BATCHED")
}

#[test]
fn three_envoys_never_exceed_the_limit_of_limitador() -> Result<()> {
    for headers in [RateLimitHeaders::None, RateLimitHeaders::DraftVersion03] {
        check(LimitadorService::start(&limits(), headers)?.address(), "EXACT")?;
        check(LimitadorService::start(&limits(), headers)?.address(), "BATCHED")?;
    }
    Ok(())
}
