//! Generated policies and requests, decided as by Envoy's own RBAC filter with the configuration
//! that Istio generates.

use std::env;

use anyhow::{Result, ensure};
use filter_core::Generator;
use hyper::Method;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    upstream::Upstream,
};

use super::filter;

mod generated;
mod translated;

/// Environment variable that replaces the seed.
const SEED: &str = "WEIR_SEED";
/// Number of documents, each with the same number of requests.
const DOCUMENTS: usize = 10;
/// Number of requests for each document.
const REQUESTS: usize = 40;

/// A generated request.
struct Case {
    request: Request,
    /// `true` if the filter must decide as Envoy does; otherwise it may be stricter.
    is_plain: bool,
}

#[test]
fn decides_as_the_native_filter() -> Result<()> {
    let hop = Hop { manager: Vec::new(), ranges: &["remoteIpBlocks"] };
    compare(DOCUMENTS, &hop)
}

/// The address of the client is that of its connection, or the last or last but one of
/// `x-forwarded-for`, as with `numTrustedProxies` 0 to 2 of a gateway in Istio.
#[test]
fn decides_as_the_native_filter_behind_trusted_proxies() -> Result<()> {
    for trusted in 0..3 {
        let manager = vec![
            ("use_remote_address".to_owned(), json!(true)),
            ("xff_num_trusted_hops".to_owned(), json!(trusted)),
        ];
        // Behind a proxy, Envoy shows the filter the client's address alone, not the proxy's.
        let all: &[&str] = &["remoteIpBlocks", "ipBlocks"];
        let ranges = if trusted == 0 { all } else { all.split_at(1).0 };
        compare(DOCUMENTS / 2, &Hop { manager, ranges })?;
    }
    Ok(())
}

/// How the proxy finds the address of a client.
struct Hop {
    /// Fields of the connection manager.
    manager: Vec<(String, Value)>,
    /// Fields of address ranges that the filter must decide as Envoy does.
    ranges: &'static [&'static str],
}

fn compare(documents: usize, hop: &Hop) -> Result<()> {
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    eprintln!("{SEED}={seed}");
    let mut generator = Generator::new(seed);
    let app = Upstream::start()?;
    let start = |filters| {
        let options = EnvoyOptions::new(app.address(), filters);
        Envoy::start(EnvoyOptions { manager: hop.manager.clone(), ..options })
    };
    let first = generated::document(&mut generator, hop.ranges);
    let mut ours = start(vec![filter(&first)])?;
    let mut native = start(translated::filters(&first))?;
    let (mut allowed, mut stricter) = (0_usize, 0_usize);
    let mut document = first;
    for number in 0..documents {
        if number > 0 {
            document = generated::document(&mut generator, hop.ranges);
            ours.reconfigure(&[filter(&document)])?;
            native.reconfigure(&translated::filters(&document))?;
        }
        for _ in 0..REQUESTS {
            let case = generated::request(&mut generator);
            let is_http2 = generator.bits().is_multiple_of(2);
            let send = |envoy: &Envoy| {
                let client = if is_http2 { envoy.http2() } else { envoy.http1() };
                Ok::<_, anyhow::Error>(client.send(case.request.clone())?.status)
            };
            let (found, expected) = (send(&ours)?, send(&native)?);
            let context = || format!("{document}\n{:?}", case.request);
            ensure!(found == expected || found == 403, "{found}, not {expected}: {}", context());
            ensure!(found == expected || !case.is_plain, "stricter than Envoy: {}", context());
            allowed = allowed.saturating_add(usize::from(found == 200));
            stricter = stricter.saturating_add(usize::from(found != expected));
        }
    }
    let total = documents.saturating_mul(REQUESTS);
    eprintln!("{allowed} of {total} requests are allowed, {stricter} only by Envoy");
    let most = total.saturating_sub(total / 10);
    ensure!((total / 10..most).contains(&allowed), "{allowed} of {total} are allowed");
    ensure!(stricter < total / 5, "{stricter} of {total} are denied only here");
    Ok(())
}
