//! A limit.

use filter_core::{
    BodyText, ClaimPath, DurationWithin, GrpcStatusName, HeaderName, HeaderOperations,
    IntegerWithin, Percentage, UtcOffset, schema::alias,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    cost::CostConfig,
    key::KeyConfig,
    pasted,
    service::DescriptorEntry,
    values::{LimitName, MAX_UNITS, StatusPattern},
};

/// A second in milliseconds.
const SECOND_MS: u64 = 1_000;
/// Thirty days in milliseconds.
const MONTH_MS: u64 = 720 * 3_600_000;

/// A limit: exactly one of `requests`, `tokenBucket`, `concurrent` and `ref`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = alias("tokenBucket", "token_bucket"))]
pub struct LimitConfig {
    /// Name, unique among all limits: 1 to 63 characters `a-z`, `0-9` and `-`. A new configuration
    /// that keeps `name`, `window` and `key` keeps the counts. Default: `<entry>-<index>`.
    pub name: Option<LimitName>,
    /// Number of units in each `per`, 1 to 1,000,000.
    #[schemars(extend("examples" = [100]))]
    pub requests: Option<IntegerWithin<1, MAX_UNITS>>,
    /// Time in which `requests` units become available, 1s to 720h.
    #[schemars(extend("examples" = ["60s"]))]
    pub per: Option<DurationWithin<SECOND_MS, MONTH_MS>>,
    /// Rate and burst with the field names of Envoy's `token_bucket`.
    #[serde(alias = "token_bucket")]
    pub token_bucket: Option<TokenBucketConfig>,
    /// Maximum number of concurrent requests, 1 to 1,000,000, each from its arrival to the end of
    /// its stream.
    #[schemars(extend("examples" = [50]))]
    pub concurrent: Option<IntegerWithin<1, MAX_UNITS>>,
    /// Name of another limit whose counts this one shares. Only `cost`, `charge`, `reserve`, `wait`
    /// and `enforced` can be given with it.
    pub r#ref: Option<LimitName>,
    /// Capacity of a `TOKEN_BUCKET` in units, 1 to 1,000,000. Default: `requests`.
    #[schemars(extend("examples" = [20]))]
    pub burst: Option<IntegerWithin<1, MAX_UNITS>>,
    /// Kind of window. Default: `TOKEN_BUCKET`.
    pub window: WindowConfig,
    /// Offset of the local time from UTC; a `FIXED` window of a day begins at local midnight.
    /// Default: UTC.
    pub utc_offset: Option<UtcOffset>,
    /// Components of the key, at most 4: each combination of their values has its own count.
    /// Default: one count for all requests.
    #[schemars(length(max = 4))]
    pub key: Vec<KeyConfig>,
    /// Treatment of requests that lack a component of the key. Default: `SHARE`.
    pub on_missing_key: MissingKeyConfig,
    /// Number of keys that can be in use at the same time, 16 to 262,144. Default: 10,000.
    pub max_keys: Option<IntegerWithin<16, 262_144>>,
    /// Units of a request: 0 to 1,000,000, or an object that reads them from the request. Default:
    /// 1.
    pub cost: Option<CostConfig>,
    /// Takes units at the response instead of the request, and only if the response matches.
    pub charge: Option<ChargeConfig>,
    /// Reads `requests` from the verified token, for limits by plan.
    pub requests_from: Option<RequestsFrom>,
    /// Share of the units that this limit leaves to others with the same counts. Default: 0.
    pub reserve: Option<Percentage>,
    /// Holds a request over a `TOKEN_BUCKET` limit until its turn instead of refusing it, for at
    /// most this time, 4ms to 30s. Default: the request is refused.
    #[schemars(extend("examples" = ["500ms"]))]
    pub wait: Option<DurationWithin<4, 30_000>>,
    /// Percentage of the requests over the limit that are refused, sticky by key. With 0, the limit
    /// is a dry run. Default: 100.
    pub enforced: Option<Percentage>,
    /// Owner of the counts. Default: `POD`.
    pub scope: Scope,
    /// Entries that identify the count in the rate-limit service, at most 16, with `scope: GLOBAL`.
    /// Default: `limit` with the name, and an entry for each component of the key.
    #[schemars(length(max = 16))]
    pub descriptor: Vec<DescriptorEntry>,
    /// Number of pods among which `requests` and `burst` are divided, 1 to 10,000; quotients are
    /// rounded up. Default: 1.
    #[schemars(extend("examples" = [3]))]
    pub replicas: Option<IntegerWithin<1, 10_000>>,
    /// Reply to refused requests. Default: status 429 with problem details (RFC 9457).
    pub reply: Option<ReplyConfig>,
    #[serde(
        rename = "time_window",
        alias = "timeWindow",
        alias = "window_size",
        alias = "unit",
        alias = "period",
        alias = "interval",
        deserialize_with = "pasted::per_instead"
    )]
    time_window: (),
    #[serde(
        alias = "limit",
        alias = "rate",
        alias = "rate_limit",
        alias = "requests_per_unit",
        alias = "requestsPerUnit",
        alias = "second",
        alias = "minute",
        alias = "hour",
        alias = "day",
        deserialize_with = "pasted::requests_instead"
    )]
    count: (),
    #[serde(alias = "max_conn", deserialize_with = "pasted::concurrent_instead")]
    conn: (),
    #[serde(deserialize_with = "pasted::no_delay")]
    nodelay: (),
    #[serde(deserialize_with = "pasted::wait_instead")]
    delay: (),
    #[serde(
        rename = "window_type",
        alias = "windowType",
        deserialize_with = "pasted::window_instead"
    )]
    window_type: (),
    #[serde(deserialize_with = "pasted::scope_instead")]
    policy: (),
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
        alias = "actions",
        alias = "entries",
        deserialize_with = "pasted::limits_instead"
    )]
    descriptors: (),
    #[serde(
        rename = "key_type",
        alias = "limit_by",
        alias = "zone",
        deserialize_with = "pasted::key_instead"
    )]
    key_type: (),
    #[serde(
        rename = "rejected_code",
        alias = "rejected_msg",
        alias = "error_code",
        alias = "status",
        deserialize_with = "pasted::limit_reply_instead"
    )]
    rejected_code: (),
}

/// The kind of window.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WindowConfig {
    /// Units become available continuously, up to `burst`.
    #[default]
    TokenBucket,
    /// At most `requests` in any interval of `per`.
    Sliding,
    /// At most `requests` between two multiples of `per` on the wall clock, as in quotas of plans.
    Fixed,
}

/// The treatment of requests that lack a component of the key.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MissingKeyConfig {
    /// All of them share one count.
    #[default]
    Share,
    /// They are not limited.
    Skip,
    /// They are refused.
    Deny,
}

/// The owner of the counts of a limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// Each pod counts.
    #[default]
    Pod,
    /// The rate-limit service counts, for all pods.
    Global,
}

/// A token bucket with the field names of Envoy.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(
    transform = alias("maxTokens", "max_tokens"),
    transform = alias("tokensPerFill", "tokens_per_fill"),
    transform = alias("fillInterval", "fill_interval"),
    extend("examples" = [{"maxTokens": 100, "tokensPerFill": 10, "fillInterval": "1s"}])
)]
pub struct TokenBucketConfig {
    /// Capacity of the bucket in units, 1 to 1,000,000.
    #[serde(alias = "max_tokens")]
    pub max_tokens: IntegerWithin<1, MAX_UNITS>,
    /// Units that are added in each `fillInterval`, 1 to 1,000,000. Default: 1.
    #[serde(alias = "tokens_per_fill", default)]
    pub tokens_per_fill: Option<IntegerWithin<1, MAX_UNITS>>,
    /// Time in which `tokensPerFill` units are added, 50ms to 720h.
    #[serde(alias = "fill_interval")]
    pub fill_interval: DurationWithin<50, MONTH_MS>,
}

/// Units that are taken at the response.
///
/// A request passes while at least one unit is left.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"status": ["401", "5xx"]}, {"responseHeader": "x-llm-tokens"}]))]
pub struct ChargeConfig {
    /// Status codes, such as `401` or `5xx`. Default: any, unless `grpcStatus` is given.
    pub status: Vec<StatusPattern>,
    /// gRPC statuses, from the headers or the trailers. Default: any, unless `status` is given.
    pub grpc_status: Vec<GrpcStatusName>,
    /// Response header with the number of units. Default: 1 unit.
    #[schemars(extend("examples" = ["x-llm-tokens"]))]
    pub response_header: Option<HeaderName>,
    /// Maximum of the number in `responseHeader`, 1 to 1,000,000. Default: 1,000,000.
    pub max: Option<IntegerWithin<1, MAX_UNITS>>,
}

/// A rate that is read from the verified token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"claim": "requests_per_minute", "default": 60, "max": 6000}]))]
pub struct RequestsFrom {
    /// Path of the claim with the number of requests.
    pub claim: ClaimPath,
    /// Number of requests if the claim has none, 1 to 1,000,000. Default: `requests`.
    #[serde(default)]
    pub default: Option<IntegerWithin<1, MAX_UNITS>>,
    /// Maximum of the number, 1 to 1,000,000. Default: 1,000,000.
    #[serde(default)]
    pub max: Option<IntegerWithin<1, MAX_UNITS>>,
}

/// The reply to a refused request.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"httpStatus": 503, "body": {"string": "busy"}}]))]
pub struct ReplyConfig {
    /// HTTP status, 400 to 599. Default: 429.
    pub http_status: Option<IntegerWithin<400, 599>>,
    /// Headers of the reply: only `response.set` and `response.add`.
    pub headers: HeaderOperations,
    /// Body, at most 64 KiB. Default: problem details.
    pub body: Option<BodyText>,
}
