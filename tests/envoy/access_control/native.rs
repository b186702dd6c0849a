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
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    eprintln!("{SEED}={seed}");
    let mut generator = Generator::new(seed);
    let app = Upstream::start()?;
    let start = |filters| Envoy::start(EnvoyOptions::new(app.address(), filters));
    let first = generated::document(&mut generator);
    let mut ours = start(vec![filter(&first)])?;
    let mut native = start(translated::filters(&first))?;
    let (mut allowed, mut stricter) = (0_usize, 0_usize);
    let mut document = first;
    for number in 0..DOCUMENTS {
        if number > 0 {
            document = generated::document(&mut generator);
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
    let total = DOCUMENTS.saturating_mul(REQUESTS);
    eprintln!("{allowed} of {total} requests are allowed, {stricter} only by Envoy");
    ensure!((total / 10..total / 10 * 9).contains(&allowed), "{allowed} of {total} are allowed");
    ensure!(stricter < total / 5, "{stricter} of {total} are denied only here");
    Ok(())
}
