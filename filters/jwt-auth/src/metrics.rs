//! Counters, gauges and histograms: a closed set without values from requests.

use crate::denial::Reason;

/// A counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Admitted requests.
    Allowed,
    /// Requests admitted without a token.
    AllowedWithoutToken,
    /// Requests admitted although their token failed.
    AllowedWithFailedToken,
    /// Denied requests.
    Denied,
    /// Requests denied for this reason.
    DeniedFor(Reason),
    /// Requests that are only admitted because of `dryRun`.
    DryRunDenied,
    /// CORS preflights admitted without a token.
    CorsPreflightBypassed,
    /// Tokens that are only valid because of `clockSkew`.
    ClockSkewUsed,
    /// Output headers left out, or set to their default, because the claim did not fit.
    OutputsSkipped,
    /// Signature checks by the proxy.
    VerifyHost,
    /// Signature checks in pure Rust.
    VerifyPure,
    /// Signature checks that the proxy failed to answer.
    HostCryptoErrors,
    /// Tokens refused before all matching keys were tried.
    KeyChecksLimited,
    /// Tokens found in the cache as valid.
    TokenCacheHits,
    /// Tokens not found in the cache.
    TokenCacheMisses,
    /// Tokens found in the cache with an invalid signature.
    TokenCacheNegativeHits,
    /// Live cache entries evicted for others.
    TokenCacheEvictions,
    /// Changes of key sets, which invalidate cached tokens.
    TokenCacheFlushes,
    /// Requests admitted with an unchecked token before the first key set.
    AllowedColdStart,
    /// Successful fetches of key sets.
    JwksFetchSuccess,
    /// Fetches of key sets answered with status 304.
    JwksFetchNotModified,
    /// Failed fetches of key sets.
    JwksFetchFailed,
    /// Fetches for unknown keys.
    JwksRefetchUnknownKid,
    /// Tokens with an unknown key for which no fetch was allowed.
    JwksRefetchLimited,
    /// Ignored keys of fetched key sets.
    JwksKeysIgnored,
    /// Failed fetches of deny lists.
    RevocationFetchFailed,
}

/// The names of the labels with `metrics.labels`, to list in Istio's `extraStatTags`.
pub const STAT_TAGS: [&str; 2] = ["provider", "reason"];

const PREFIX: &str = "weir_jwt_auth_";

impl Metric {
    /// All counters except those per reason.
    const PLAIN: [Self; 25] = [
        Self::Allowed,
        Self::AllowedWithoutToken,
        Self::AllowedWithFailedToken,
        Self::Denied,
        Self::DryRunDenied,
        Self::CorsPreflightBypassed,
        Self::ClockSkewUsed,
        Self::OutputsSkipped,
        Self::VerifyHost,
        Self::VerifyPure,
        Self::HostCryptoErrors,
        Self::KeyChecksLimited,
        Self::TokenCacheHits,
        Self::TokenCacheMisses,
        Self::TokenCacheNegativeHits,
        Self::TokenCacheEvictions,
        Self::TokenCacheFlushes,
        Self::AllowedColdStart,
        Self::JwksFetchSuccess,
        Self::JwksFetchNotModified,
        Self::JwksFetchFailed,
        Self::JwksRefetchUnknownKid,
        Self::JwksRefetchLimited,
        Self::JwksKeysIgnored,
        Self::RevocationFetchFailed,
    ];

    /// The number of counters.
    pub const COUNT: usize = Self::PLAIN.len() + Reason::ALL.len();

    /// The gauge of the number of algorithms that the proxy verifies.
    pub const HOST_CRYPTO_GAUGE: &str = "weir_jwt_auth_host_crypto";
    /// The gauge of waiting requests.
    pub const HELD_REQUESTS_GAUGE: &str = "weir_jwt_auth_held_requests";
    /// The gauge of the age of the oldest key set, in seconds.
    pub const JWKS_AGE_GAUGE: &str = "weir_jwt_auth_jwks_age_seconds";
    /// The gauge of the number of stale key sets.
    pub const JWKS_STALE_GAUGE: &str = "weir_jwt_auth_jwks_stale";
    /// The histogram of the duration of fetches, in milliseconds.
    pub const JWKS_FETCH_HISTOGRAM: &str = "weir_jwt_auth_jwks_fetch_ms";
    /// The histogram of the wait of requests, in milliseconds.
    pub const HELD_HISTOGRAM: &str = "weir_jwt_auth_held_ms";

    /// Iterates over all counters, in the order of [`Metric::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.into_iter().chain(Reason::ALL.into_iter().map(Self::DeniedFor))
    }

    /// Returns the index of the counter in [`Metric::all`].
    pub fn index(self) -> usize {
        Self::all().position(|metric| metric == self).unwrap_or_default()
    }

    /// Returns the name of the counter; `None` if it is not exported.
    ///
    /// With `labels` the reason is a label of one counter, in the form of Istio's `extraStatTags`,
    /// and the total is not exported.
    pub fn name(self, labels: bool) -> Option<String> {
        match self {
            Self::DeniedFor(reason) if labels => {
                Some(format!("{PREFIX}denied_total.reason=.={};.;", reason.word()))
            }
            Self::DeniedFor(reason) => Some(format!("{PREFIX}denied_{}_total", reason.word())),
            Self::Denied if labels => None,
            plain => Some(format!("{PREFIX}{}_total", plain.word())),
        }
    }

    /// Returns the name of a counter of fetches, with the provider as a label.
    pub fn name_for(self, provider: &str) -> String {
        of_provider(&format!("{PREFIX}{}_total", self.word()), provider)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::AllowedWithoutToken => "allowed_without_token",
            Self::AllowedWithFailedToken => "allowed_with_failed_token",
            Self::Denied | Self::DeniedFor(_) => "denied",
            Self::DryRunDenied => "dry_run_denied",
            Self::CorsPreflightBypassed => "cors_preflight_bypassed",
            Self::ClockSkewUsed => "clock_skew_used",
            Self::OutputsSkipped => "outputs_skipped",
            Self::VerifyHost => "verify_host",
            Self::VerifyPure => "verify_pure",
            Self::HostCryptoErrors => "host_crypto_errors",
            Self::KeyChecksLimited => "key_checks_limited",
            Self::TokenCacheHits => "token_cache_hits",
            Self::TokenCacheMisses => "token_cache_misses",
            Self::TokenCacheNegativeHits => "token_cache_negative_hits",
            Self::TokenCacheEvictions => "token_cache_evictions",
            Self::TokenCacheFlushes => "token_cache_flushes",
            Self::AllowedColdStart => "allowed_cold_start",
            Self::JwksFetchSuccess => "jwks_fetch_success",
            Self::JwksFetchNotModified => "jwks_fetch_not_modified",
            Self::JwksFetchFailed => "jwks_fetch_failed",
            Self::JwksRefetchUnknownKid => "jwks_refetch_unknown_kid",
            Self::JwksRefetchLimited => "jwks_refetch_limited",
            Self::JwksKeysIgnored => "jwks_keys_ignored",
            Self::RevocationFetchFailed => "revocation_fetch_failed",
        }
    }
}

/// Returns the name of a metric with the provider as a label.
pub(crate) fn of_provider(name: &str, provider: &str) -> String {
    format!("{name}.provider=.={provider};.;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = Metric::all().filter_map(|metric| metric.name(false)).collect();
        assert_eq!(names.len(), Metric::COUNT);
        let is_clean = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(is_clean), "{names:?}");
    }

    #[test]
    fn labels_merge_the_reasons_into_one_counter() {
        assert_eq!(
            Metric::DeniedFor(Reason::Expired).name(true).unwrap(),
            "weir_jwt_auth_denied_total.reason=.=expired;.;"
        );
        assert_eq!(Metric::Denied.name(true), None);
    }

    #[test]
    fn indices_follow_the_order() {
        assert!(Metric::all().enumerate().all(|(index, metric)| metric.index() == index));
    }
}
