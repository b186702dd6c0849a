//! The counters and gauges of the filter: a closed set, nothing from a request among them.

use crate::denial::Reason;

/// Names a counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Requests let through.
    Allowed,
    /// Requests let through without any token.
    AllowedWithoutToken,
    /// Requests let through although their token failed.
    AllowedWithFailedToken,
    /// Requests refused.
    Denied,
    /// Requests refused for this reason.
    DeniedFor(Reason),
    /// Requests that would have been refused but for `dryRun`.
    DryRunDenied,
    /// CORS preflights let through without a token.
    CorsPreflightBypassed,
    /// Tokens that only `clockSkew` admitted.
    ClockSkewUsed,
    /// Output headers left out because the claim did not fit.
    OutputsSkipped,
    /// Signatures checked by the proxy.
    VerifyHost,
    /// Signatures checked in pure Rust.
    VerifyPure,
    /// Checks that the proxy did not answer.
    HostCryptoErrors,
    /// Tokens refused before all fitting keys were tried.
    KeyChecksLimited,
    /// Tokens found in the cache as good.
    TokenCacheHits,
    /// Tokens not found in the cache.
    TokenCacheMisses,
    /// Tokens found in the cache as badly signed.
    TokenCacheNegativeHits,
    /// Cache entries given up for others.
    TokenCacheEvictions,
    /// Documents whose change made cached tokens void.
    TokenCacheFlushes,
    /// Requests let through without identity because no keys were there yet.
    AllowedColdStart,
    /// Key sets and deny lists fetched.
    JwksFetchSuccess,
    /// Fetches answered by "not modified".
    JwksFetchNotModified,
    /// Fetches of key sets that failed.
    JwksFetchFailed,
    /// Fetches made because a token named an unknown key.
    JwksRefetchUnknownKid,
    /// Tokens with an unknown key for which no fetch was allowed.
    JwksRefetchLimited,
    /// Keys left out of fetched key sets.
    JwksKeysIgnored,
    /// Fetches of deny lists that failed.
    RevocationFetchFailed,
}

/// The labels with `metrics.labels`, as Istio's `extraStatTags` lists them.
pub const STAT_TAGS: [&str; 2] = ["provider", "reason"];

const PREFIX: &str = "weir_jwt_auth_";

impl Metric {
    /// Lists every counter but those per reason.
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

    /// How many counters there are.
    pub const COUNT: usize = Self::PLAIN.len() + Reason::ALL.len();

    /// The gauge of how many algorithms the proxy serves.
    pub const HOST_CRYPTO_GAUGE: &str = "weir_jwt_auth_host_crypto";
    /// The gauge of requests that wait for keys.
    pub const HELD_REQUESTS_GAUGE: &str = "weir_jwt_auth_held_requests";
    /// The gauge of the age of the oldest key set, in seconds.
    pub const JWKS_AGE_GAUGE: &str = "weir_jwt_auth_jwks_age_seconds";
    /// The gauge of how many key sets are past their freshness.
    pub const JWKS_STALE_GAUGE: &str = "weir_jwt_auth_jwks_stale";
    /// The histogram of how long fetches take, in milliseconds.
    pub const JWKS_FETCH_HISTOGRAM: &str = "weir_jwt_auth_jwks_fetch_ms";
    /// The histogram of how long requests waited for keys, in milliseconds.
    pub const HELD_HISTOGRAM: &str = "weir_jwt_auth_held_ms";

    /// Iterates over all counters, in the order of [`Metric::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.into_iter().chain(Reason::ALL.into_iter().map(Self::DeniedFor))
    }

    /// Returns the place of the counter among [`Metric::all`].
    pub fn index(self) -> usize {
        Self::all().position(|metric| metric == self).unwrap_or_default()
    }

    /// Returns the counter's name, or nothing if it is not kept.
    ///
    /// With `labels` the reason is a label of one counter, in the form that Istio's
    /// `extraStatTags` reads, and the sum is not kept beside it.
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

    /// Returns the counter's name with the provider as a label, for what is counted per source.
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

/// Returns the name of a gauge or histogram with the provider as a label.
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
    fn names_are_unique_and_clean() {
        let names: BTreeSet<_> = Metric::all().filter_map(|metric| metric.name(false)).collect();
        assert_eq!(names.len(), Metric::COUNT);
        let clean = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(clean), "{names:?}");
    }

    #[test]
    fn labels_fold_the_reasons_into_one_counter() {
        assert_eq!(
            Metric::DeniedFor(Reason::Expired).name(true).unwrap(),
            "weir_jwt_auth_denied_total.reason=.=expired;.;"
        );
        assert_eq!(Metric::Denied.name(true), None);
    }

    #[test]
    fn indices_follow_the_order() {
        assert!(Metric::all().enumerate().all(|(place, metric)| metric.index() == place));
    }
}
