//! Renewal of key sets before they expire.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use jsonwebtoken::Algorithm;
use tests::identity_provider::IdentityProvider;

use super::{
    assert_no_trap,
    key_fetching::{assert_stat, fetching, send, start, stat},
};

/// The minimum `max-age` that jwt-auth honours.
const FRESH: Duration = Duration::from_secs(30);

#[test]
fn renews_an_unchanged_set_before_max_age_without_waiting() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.set_response_headers(&[("etag", "\"one\""), ("cache-control", "public, max-age=30")]);
    let config = fetching(&issuer, &[]);
    let mut fixture = start(4, issuer, config)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    let started = Instant::now();
    while stat(&fixture, "jwks_fetch_not_modified_total")? == 0 {
        ensure!(started.elapsed() < FRESH, "not renewed in time\n{}", fixture.envoy.log());
        assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
        thread::sleep(Duration::from_millis(100));
    }
    // Due after 72 to 80 % of 30 s, minus up to a second between the fetch and `begun`.
    assert!(started.elapsed() > Duration::from_secs(20), "after {:?}", started.elapsed());
    assert_eq!(fixture.issuer.jwks_requests(), 2);
    assert_stat(&fixture, "jwks_fetch_failed_total", 0)?;
    assert_stat(&fixture, "token_cache_flushes_total", 0)?;
    assert_stat(&fixture, "jwks_stale", 0)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut fixture.envoy)
}
