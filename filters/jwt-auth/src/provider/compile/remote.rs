//! What an entry has fetched.

use std::{rc::Rc, time::Duration};

use filter_core::{ClusterRef, InvalidClusterRef, Warning};

use super::{Notes, headers};
use crate::{
    config::{ColdStart, IssuerConfig, JwksFetchConfig, JwtRule, OnUnavailable, RevocationConfig},
    endpoint::Endpoint,
    environment::Environment,
    key_source::{FetchHeaders, Freshness, Kind, Origin, SourceSpec},
    provider::{DenyList, Keys},
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);
const DEFAULT_EXTRA_INTERVAL: Duration = Duration::from_secs(10);
const SHORTEST_EXTRA_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_KEYS_STALE: Duration = Duration::from_secs(24 * 3_600);
const DEFAULT_LIST_STALE: Duration = Duration::from_secs(3_600);
const DEFAULT_REFRESH: Duration = Duration::from_secs(60);
const SHORTEST_REFRESH: Duration = Duration::from_secs(5);
const KEYS_FRESHNESS: Freshness = Freshness {
    default: Duration::from_secs(300),
    shortest: Duration::from_secs(30),
    longest: Duration::from_secs(3_600),
};
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// Where an entry's cluster is configured, and what its fields say.
type Named = Result<Option<ClusterRef>, InvalidClusterRef>;

/// Compiles the keys of an entry that has none inline.
pub(super) fn keys(
    rule: &JwtRule,
    provider: &Rc<str>,
    path: &str,
    environment: &Environment<'_>,
    notes: &mut Notes,
) -> Keys {
    let fetch = rule.jwks_fetch.clone().unwrap_or_default();
    let extra = fetch.unknown_kid_interval.map_or(DEFAULT_EXTRA_INTERVAL, |pause| pause.get());
    if !extra.is_zero() && extra < SHORTEST_EXTRA_INTERVAL {
        let text = "must be 0s or between 1s and 1h";
        notes.errors.add(format!("{path}.jwksFetch.unknownKidInterval"), text);
    }
    if fetch.cold_start == ColdStart::Allow {
        let text = "without keys, requests with an unverified token pass";
        notes.warnings.push(Warning::new(format_args!("{path}.jwksFetch.coldStart"), text));
    }
    let Some((origin, field)) = origin(rule, path, notes) else { return Keys::Remote(usize::MAX) };
    let endpoint = match &origin {
        Origin::Url(endpoint) | Origin::Discovered { document: endpoint, .. } => endpoint,
    };
    let at = format!("{path}.jwksFetch");
    let field = format!("{path}.{field}");
    let cluster = cluster(fetch.named_cluster(), endpoint, &at, &field, notes);
    let headers = headers::compile(&fetch, &format!("{at}.headers"), environment, notes);
    let index = notes.sources.len();
    let spec = spec_of_keys(rule, &fetch, provider, origin, cluster, extra);
    notes.sources.push(SourceSpec { headers, ..spec });
    Keys::Remote(index)
}

fn spec_of_keys(
    rule: &JwtRule,
    fetch: &JwksFetchConfig,
    provider: &Rc<str>,
    origin: Origin,
    cluster: Rc<str>,
    extra_interval: Duration,
) -> SourceSpec {
    let default = fetch.cache_duration.map_or(KEYS_FRESHNESS.default, |fresh| fresh.get());
    let longest = KEYS_FRESHNESS.longest.max(default);
    SourceSpec {
        provider: Rc::clone(provider),
        kind: Kind::Keys,
        origin,
        cluster,
        headers: FetchHeaders::default(),
        timeout: rule.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.get()),
        freshness: Freshness { default, longest, ..KEYS_FRESHNESS },
        stale_if_error: fetch.stale_if_error.map_or(DEFAULT_KEYS_STALE, |stale| stale.get()),
        extra_interval,
        cold_start: fetch.cold_start,
        max_pause: fetch.max_pause.map_or(DEFAULT_PAUSE, |pause| pause.get()),
    }
}

/// Says where the keys are: at a URL, or where the issuer says.
fn origin(rule: &JwtRule, path: &str, notes: &mut Notes) -> Option<(Origin, &'static str)> {
    if let Some(url) = &rule.jwks_uri {
        return Some((Origin::Url(url.endpoint().clone()), "jwksUri"));
    }
    let Some(IssuerConfig::Exact(issuer)) = &rule.issuer else {
        let text =
            "needs keys: without one issuer to discover them from, set jwksUri, jwks or keys";
        notes.errors.add(path, text);
        return None;
    };
    let issuer = issuer.as_str();
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let document = Endpoint::parse(&format!("{base}{DISCOVERY_PATH}"));
    let Some(document) = document.filter(|_| !issuer.contains('?')) else {
        let text = "is no http or https URL that keys can be discovered from: set jwksUri, jwks or \
                    keys";
        notes.errors.add(format!("{path}.issuer"), text);
        return None;
    };
    Some((Origin::Discovered { issuer: issuer.into(), document }, "issuer"))
}

/// Returns the cluster that is named, or that of the URL's host.
fn cluster(named: Named, endpoint: &Endpoint, at: &str, field: &str, notes: &mut Notes) -> Rc<str> {
    let cluster = match named {
        Err(invalid) => {
            notes.errors.add(format!("{at}.{}", invalid.field()), invalid);
            return "".into();
        }
        Ok(Some(cluster)) => Ok(cluster),
        Ok(None) => endpoint.cluster(),
    };
    let named = cluster.map_err(|_| {
        let text = format!("has a host that no cluster can be named after: set cluster in {at}");
        notes.errors.add(field, text);
    });
    named.map_or_else(|()| "".into(), |cluster| cluster.as_str().into())
}

/// Compiles the deny list that an entry has fetched.
pub(super) fn deny_list(
    rule: &JwtRule,
    revocation: &RevocationConfig,
    provider: &Rc<str>,
    path: &str,
    notes: &mut Notes,
) -> Option<DenyList> {
    let at = format!("{path}.revocation");
    let Some(url) = &revocation.uri else {
        check_without_uri(revocation, &at, notes);
        return None;
    };
    let endpoint = url.endpoint().clone();
    let named = revocation.named_cluster();
    let cluster = cluster(named, &endpoint, &at, &format!("{at}.uri"), notes);
    let refresh = revocation.refresh_interval.map_or(DEFAULT_REFRESH, |pause| pause.get());
    let fetch = rule.jwks_fetch.clone().unwrap_or_default();
    let allows = revocation.on_unavailable == OnUnavailable::Allow;
    if allows {
        let text = "without a list, revoked tokens pass";
        notes.warnings.push(Warning::new(format_args!("{at}.onUnavailable"), text));
    }
    let spec = SourceSpec {
        provider: Rc::clone(provider),
        kind: Kind::DenyList,
        origin: Origin::Url(endpoint),
        cluster,
        headers: FetchHeaders::default(),
        timeout: rule.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.get()),
        freshness: Freshness { default: refresh, shortest: SHORTEST_REFRESH, longest: refresh },
        stale_if_error: revocation.stale_if_error.map_or(DEFAULT_LIST_STALE, |stale| stale.get()),
        extra_interval: Duration::ZERO,
        cold_start: fetch.cold_start,
        max_pause: fetch.max_pause.map_or(DEFAULT_PAUSE, |pause| pause.get()),
    };
    let source = notes.sources.len();
    notes.sources.push(spec);
    Some(DenyList { source, on_unavailable: revocation.on_unavailable })
}

fn check_without_uri(revocation: &RevocationConfig, at: &str, notes: &mut Notes) {
    if revocation.jti.is_none() {
        notes.errors.add(at, "must have jti or uri");
    }
    let stray = revocation.service.is_some()
        || revocation.port.is_some()
        || revocation.subset.is_some()
        || revocation.cluster.is_some()
        || revocation.refresh_interval.is_some()
        || revocation.stale_if_error.is_some();
    if stray {
        notes.errors.add(at, "says how to fetch, which needs uri");
    }
}
