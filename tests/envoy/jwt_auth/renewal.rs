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
    keys::{counted, fetching, send, start},
};

/// The minimum `max-age` that jwt-auth honours.
const FRESH: Duration = Duration::from_secs(30);

#[test]
fn an_unchanged_set_is_renewed_before_its_max_age_and_no_request_waits() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.answer_with(&[("etag", "\"one\""), ("cache-control", "public, max-age=30")]);
    let config = fetching(&issuer, &[]);
    let mut rig = start(4, issuer, config)?;
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    let begun = Instant::now();
    while counted(&rig, "jwks_fetch_not_modified_total")? == 0 {
        ensure!(begun.elapsed() < FRESH, "not renewed in time\n{}", rig.envoy.log());
        assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
        thread::sleep(Duration::from_millis(100));
    }
    // Due after 72 to 80 % of 30 s, minus up to a second between the fetch and `begun`.
    assert!(begun.elapsed() > Duration::from_secs(20), "after {:?}", begun.elapsed());
    assert_eq!(rig.issuer.jwks_requests(), 2);
    assert_eq!(counted(&rig, "jwks_fetch_failed_total")?, 0);
    assert_eq!(counted(&rig, "token_cache_flushes_total")?, 0);
    assert_eq!(counted(&rig, "jwks_stale")?, 0);
    assert_eq!(send(&rig, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut rig.envoy)
}
