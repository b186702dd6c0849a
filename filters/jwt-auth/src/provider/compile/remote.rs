//! Compilation of fetched keys and deny lists.

use std::{rc::Rc, time::Duration};

use filter_core::{
    ClusterRef, InvalidClusterRef, Warning,
    remote::{Endpoint, cluster_for},
};

use super::{CompileState, headers};
use crate::{
    compile_context::CompileContext,
    config::{ColdStart, IssuerConfig, JwksFetchConfig, JwtRule, OnUnavailable, RevocationConfig},
    key_source::{FetchHeaders, FetchSpec, Freshness, Kind, Origin, SourceSpec},
    provider::{DenyList, Keys},
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);
const DEFAULT_REFETCH_INTERVAL: Duration = Duration::from_secs(10);
const MIN_REFETCH_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_KEYS_STALE: Duration = Duration::from_secs(24 * 3_600);
const DEFAULT_LIST_STALE: Duration = Duration::from_secs(3_600);
const DEFAULT_REFRESH: Duration = Duration::from_secs(60);
const MIN_REFRESH: Duration = Duration::from_secs(5);
const KEYS_FRESHNESS: Freshness = Freshness {
    default: Duration::from_secs(300),
    min: Duration::from_secs(30),
    max: Duration::from_secs(3_600),
};
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// A configured cluster.
type NamedCluster = Result<Option<ClusterRef>, InvalidClusterRef>;

/// Compiles the keys of an entry without `jwks` and `keys`.
pub(super) fn keys(
    rule: &JwtRule,
    provider: &Rc<str>,
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> Keys {
    let fetch = rule.jwks_fetch.clone().unwrap_or_default();
    let refetch_interval =
        fetch.unknown_kid_interval.map_or(DEFAULT_REFETCH_INTERVAL, |pause| pause.get());
    if !refetch_interval.is_zero() && refetch_interval < MIN_REFETCH_INTERVAL {
        let text = "must be 0s or between 1s and 1h";
        state.errors.add(format!("{path}.jwksFetch.unknownKidInterval"), text);
    }
    if fetch.cold_start == ColdStart::Allow {
        let text = "without keys, requests with an unverified token pass";
        state.warnings.push(Warning::new(format_args!("{path}.jwksFetch.coldStart"), text));
    }
    let Some((origin, field)) = origin(rule, path, state) else { return Keys::Remote(usize::MAX) };
    let endpoint = match &origin {
        Origin::Url(endpoint) | Origin::Discovered { document: endpoint, .. } => endpoint,
    };
    let at = format!("{path}.jwksFetch");
    let field = format!("{path}.{field}");
    let cluster = cluster(fetch.named_cluster(), endpoint, &at, &field, state);
    let headers = headers::compile(&fetch, &format!("{at}.headers"), context, state);
    let index = state.sources.len();
    state.sources.push(SourceSpec {
        provider: Rc::clone(provider),
        kind: Kind::Keys,
        fetch: FetchSpec {
            headers,
            ..fetch_of_keys(rule, &fetch, origin, cluster, refetch_interval)
        },
        cold_start: fetch.cold_start,
        max_pause: fetch.max_pause.map_or(DEFAULT_PAUSE, |pause| pause.get()),
    });
    Keys::Remote(index)
}

fn fetch_of_keys(
    rule: &JwtRule,
    fetch: &JwksFetchConfig,
    origin: Origin,
    cluster: Rc<str>,
    refetch_interval: Duration,
) -> FetchSpec {
    let default = fetch.cache_duration.map_or(KEYS_FRESHNESS.default, |fresh| fresh.get());
    let max = KEYS_FRESHNESS.max.max(default);
    FetchSpec {
        origin,
        cluster,
        headers: FetchHeaders::default(),
        timeout: rule.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.get()),
        freshness: Freshness { default, max, ..KEYS_FRESHNESS },
        stale_if_error: fetch.stale_if_error.map_or(DEFAULT_KEYS_STALE, |stale| stale.get()),
        refetch_interval,
    }
}

/// Returns the location of the keys, and the field that determines it.
fn origin(rule: &JwtRule, path: &str, state: &mut CompileState) -> Option<(Origin, &'static str)> {
    if let Some(url) = &rule.jwks_uri {
        return Some((Origin::Url(url.endpoint().clone()), "jwksUri"));
    }
    let Some(IssuerConfig::Exact(issuer)) = &rule.issuer else {
        let text = "must have jwksUri, jwks or keys, or an exact issuer to discover keys from";
        state.errors.add(path, text);
        return None;
    };
    let issuer = issuer.as_str();
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let document = Endpoint::parse(&format!("{base}{DISCOVERY_PATH}"));
    let Some(document) = document.filter(|_| !issuer.contains('?')) else {
        let text = "must be an http or https URL to discover keys from; otherwise set jwksUri, \
                    jwks or keys";
        state.errors.add(format!("{path}.issuer"), text);
        return None;
    };
    Some((Origin::Discovered { issuer: issuer.into(), document }, "issuer"))
}

/// Returns the configured cluster, or that of the URL's host; empty after an error.
fn cluster(
    named: NamedCluster,
    endpoint: &Endpoint,
    at: &str,
    field: &str,
    state: &mut CompileState,
) -> Rc<str> {
    cluster_for(endpoint, named, at, field, &mut state.errors).unwrap_or_else(|| "".into())
}

/// Compiles the fetched deny list of an entry.
pub(super) fn deny_list(
    rule: &JwtRule,
    revocation: &RevocationConfig,
    provider: &Rc<str>,
    path: &str,
    state: &mut CompileState,
) -> Option<DenyList> {
    let at = format!("{path}.revocation");
    let Some(url) = &revocation.uri else {
        check_without_uri(revocation, &at, state);
        return None;
    };
    let endpoint = url.endpoint().clone();
    let named = revocation.named_cluster();
    let cluster = cluster(named, &endpoint, &at, &format!("{at}.uri"), state);
    let refresh = revocation.refresh_interval.map_or(DEFAULT_REFRESH, |pause| pause.get());
    let fetch = rule.jwks_fetch.clone().unwrap_or_default();
    if revocation.on_unavailable == OnUnavailable::Allow {
        let text = "without a list, revoked tokens pass";
        state.warnings.push(Warning::new(format_args!("{at}.onUnavailable"), text));
    }
    let spec = SourceSpec {
        provider: Rc::clone(provider),
        kind: Kind::DenyList,
        fetch: FetchSpec {
            origin: Origin::Url(endpoint),
            cluster,
            headers: FetchHeaders::default(),
            timeout: rule.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.get()),
            freshness: Freshness { default: refresh, min: MIN_REFRESH, max: refresh },
            stale_if_error: revocation
                .stale_if_error
                .map_or(DEFAULT_LIST_STALE, |stale| stale.get()),
            refetch_interval: Duration::ZERO,
        },
        cold_start: fetch.cold_start,
        max_pause: fetch.max_pause.map_or(DEFAULT_PAUSE, |pause| pause.get()),
    };
    let source = state.sources.len();
    state.sources.push(spec);
    Some(DenyList { source, on_unavailable: revocation.on_unavailable })
}

fn check_without_uri(revocation: &RevocationConfig, at: &str, state: &mut CompileState) {
    if revocation.jti.is_none() {
        state.errors.add(at, "must have jti or uri");
    }
    let is_fetch_configured = revocation.service.is_some()
        || revocation.port.is_some()
        || revocation.subset.is_some()
        || revocation.cluster.is_some()
        || revocation.refresh_interval.is_some()
        || revocation.stale_if_error.is_some();
    if is_fetch_configured {
        let text = "is required with service, port, subset, cluster, refreshInterval or \
                    staleIfError";
        state.errors.add(format!("{at}.uri"), text);
    }
}
