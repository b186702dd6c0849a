//! The types of the configuration document.
//!
//! Istio's API has no rate limits. `match` is that of a VirtualService, a key has the fields of
//! `consistentHash` in a DestinationRule, and `tokenBucket` is Envoy's `token_bucket`.

use filter_core::{
    EntryName, HttpMatch, IntegerWithin, MetricsConfig, PathNormalization, ProblemConfig, Schedule,
    misplaced,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod cost;
mod key;
mod limit;
mod pasted;
mod service;
mod values;

pub(crate) use crate::config::values::MAX_UNITS;
pub use crate::config::{
    cost::{CostConfig, CostFrom},
    key::{KeyConfig, PrefixConfig},
    limit::{
        ChargeConfig, LimitConfig, MissingKeyConfig, ReplyConfig, RequestsFrom, Scope,
        TokenBucketConfig, WindowConfig,
    },
    service::{DescriptorEntry, FailureMode, RateLimitServiceConfig, ServiceMode},
    values::{LimitName, StatusPattern},
};

/// The request header that asks for an explanation, and the response header that contains it.
pub const EXPLAIN: &str = "x-weir-explain";

/// The configuration document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Limits for every request, except those that an entry of `http` exempts; at most 8.
    pub limits: Vec<LimitConfig>,
    /// Limits for some requests, at most 1,024 entries. The first entry that matches decides.
    #[serde(deserialize_with = "misplaced::http_entries")]
    pub http: Vec<Entry>,
    /// Service that counts the limits with `scope: GLOBAL`. Default: none.
    pub rate_limit_service: Option<RateLimitServiceConfig>,
    /// Responses that carry `RateLimit-Policy` and `RateLimit`. Default: `DENIED`.
    pub rate_limit_headers: HeadersConfig,
    /// Adds Envoy's `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset` to the
    /// same responses. Default: `false`.
    pub x_ratelimit_headers: bool,
    /// Maximum number of requests that each worker holds, 1 to 100,000, for `wait` and for the
    /// rate-limit service together. Beyond it, `wait` does not hold requests, and `failureMode`
    /// decides about those for the service. Default: 1,000.
    pub max_waiting: Option<IntegerWithin<1, 100_000>>,
    /// Requests that may ask for an explanation. If an admitted request matches one of these
    /// entries and has the header `x-weir-explain: 1`, the response header `x-weir-explain` has the
    /// limits, the remaining units and the source of the key, but never the key. Default: none.
    pub explain: Vec<HttpMatch>,
    /// Normalization of the path before `match`, as in Istio's MeshConfig. In a mesh, Istio has
    /// already normalized the path. Default: `NONE`.
    pub path_normalization: PathNormalization,
    /// Error responses.
    pub problem: ProblemConfig,
    /// Names of metrics.
    pub metrics: MetricsConfig,
    /// Decides, counts and logs, but refuses and holds no requests. Default: `false`.
    pub dry_run: bool,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "misplaced::in_virtual_service")]
    hosts: (),
    #[serde(deserialize_with = "misplaced::in_virtual_service")]
    gateways: (),
    #[serde(
        rename = "token_bucket",
        alias = "tokenBucket",
        deserialize_with = "pasted::in_a_limit"
    )]
    token_bucket: (),
    #[serde(
        alias = "per",
        alias = "burst",
        alias = "window",
        alias = "concurrent",
        alias = "key",
        alias = "rate",
        alias = "limit",
        alias = "count",
        alias = "time_window",
        deserialize_with = "pasted::in_a_limit"
    )]
    requests: (),
    #[serde(
        rename = "stat_prefix",
        alias = "statPrefix",
        deserialize_with = "pasted::no_stat_prefix"
    )]
    stat_prefix: (),
    #[serde(
        rename = "filter_enabled",
        alias = "filterEnabled",
        alias = "filter_enforced",
        alias = "filterEnforced",
        deserialize_with = "pasted::enforced_instead"
    )]
    filter_enabled: (),
    #[serde(
        alias = "rate_limits",
        alias = "rateLimits",
        deserialize_with = "pasted::limits_instead"
    )]
    descriptors: (),
    #[serde(alias = "timeout", deserialize_with = "pasted::in_the_service")]
    domain: (),
    #[serde(
        rename = "failure_mode_deny",
        alias = "failureModeDeny",
        deserialize_with = "pasted::failure_mode_instead"
    )]
    failure_mode_deny: (),
    #[serde(
        rename = "response_headers_to_add",
        alias = "responseHeadersToAdd",
        alias = "status",
        deserialize_with = "pasted::reply_instead"
    )]
    response_headers_to_add: (),
    #[serde(
        rename = "local_rate_limit_per_downstream_connection",
        alias = "localRateLimitPerDownstreamConnection",
        deserialize_with = "pasted::connection_instead"
    )]
    per_connection: (),
    #[serde(
        rename = "enable_x_ratelimit_headers",
        alias = "enableXRatelimitHeaders",
        deserialize_with = "pasted::x_ratelimit_headers_instead"
    )]
    enable_x_ratelimit_headers: (),
}

/// Limits for requests that match.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// First part of the default names of its limits. Default: `http-<index>`.
    #[schemars(extend("examples" = ["login"]))]
    pub name: Option<EntryName>,
    /// Conditions, of which one must match. Default: every request matches.
    pub r#match: Vec<HttpMatch>,
    /// Time range of the entry. At other times the next entry that matches decides. `rampUp` grows
    /// `enforced` from 0. Default: always.
    pub schedule: Option<Schedule>,
    /// Limits in addition to the top-level ones, of which at most 8 apply together. If empty,
    /// requests that match are exempt from all limits.
    pub limits: Vec<LimitConfig>,
    #[serde(
        alias = "per",
        alias = "burst",
        alias = "window",
        alias = "concurrent",
        alias = "key",
        deserialize_with = "pasted::in_a_limit"
    )]
    requests: (),
    #[serde(alias = "token_bucket", deserialize_with = "pasted::in_a_limit")]
    token_bucket: (),
}

/// The responses that carry `RateLimit-Policy` and `RateLimit`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HeadersConfig {
    /// No response.
    None,
    /// Replies to refused requests.
    #[default]
    Denied,
    /// All responses to limited requests.
    All,
}

#[cfg(test)]
mod tests;
