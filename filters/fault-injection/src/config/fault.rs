//! The `fault` of an entry.

use filter_core::{
    BodyText, DurationWithin, GrpcStatusName, HeaderOperations, IntegerWithin, Percentage,
    misplaced,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    HOUR_MS,
    values::{Empty, GrpcMessage, Number, WholeMillis},
};

/// Faults, each with its own percentage of requests: at least one of `delay`, `abort`, `response` and
/// `responseRateLimit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultConfig {
    /// Delay of the request or the response.
    pub delay: Option<DelayConfig>,
    /// Early end of the request: a local reply or a reset.
    pub abort: Option<AbortConfig>,
    /// Changes to the response of the upstream.
    pub response: Option<ResponseConfig>,
    /// Rate limit of the response body.
    pub response_rate_limit: Option<RateConfig>,
    /// Correlation of the random draws. Default: `INDEPENDENT`.
    pub draw: DrawConfig,
}

/// The correlation of the draws of `delay`, `abort`, `response` and `responseRateLimit`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DrawConfig {
    /// Each fault draws separately, as in Istio: with two faults at 20 %, 4 % of the requests get
    /// both.
    #[default]
    Independent,
    /// All faults share one draw: with two faults at 20 %, the same 20 % of the requests get both;
    /// with 5 % and 20 %, the 5 % are among the 20 %.
    Shared,
}

/// A delay: exactly one of the fields that end in `Delay`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DelayConfig {
    /// Percentage of requests that are delayed. Default: 0.
    pub percentage: Option<Percentage>,
    /// Percentage as a number, 0 or 0.0001 to 100. Deprecated in Istio: use `percentage`.
    #[schemars(extend("examples" = [10]))]
    pub percent: Option<Number>,
    /// Constant delay in whole milliseconds, 1ms to 1h.
    #[schemars(extend("examples" = ["5s"]))]
    pub fixed_delay: Option<WholeMillis<1, HOUR_MS>>,
    /// Uniform distribution.
    pub uniform_delay: Option<UniformDelay>,
    /// Normal distribution.
    pub normal_delay: Option<NormalDelay>,
    /// Exponential distribution with this mean, 1ms to 1h, at most `maxDelay`.
    #[schemars(extend("examples" = ["400ms"]))]
    pub exponential_delay: Option<DurationWithin<1, HOUR_MS>>,
    /// Pareto distribution, which has a long tail.
    pub pareto_delay: Option<ParetoDelay>,
    /// Measured distribution: 2 to 32 percentiles in ascending order, of which the last is 100.
    /// Delays between two percentiles are interpolated linearly, starting with 0ms at percentile 0.
    #[schemars(extend("examples" = [[
        {"percentile": 50, "delay": "20ms"},
        {"percentile": 100, "delay": "2s"},
    ]]))]
    pub percentile_delay: Option<Vec<PercentileDelay>>,
    /// The request header `x-envoy-fault-delay-request` sets the delay in milliseconds, up to
    /// `maxDelay`. `x-envoy-fault-delay-request-percentage` can lower the percentage. Needs a `match`
    /// that restricts the clients.
    #[schemars(extend("examples" = [{}]))]
    pub header_delay: Option<Empty>,
    /// Message to delay. Default: `REQUEST`.
    pub phase: PhaseConfig,
}

/// The point in a stream at which a fault is injected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhaseConfig {
    /// Before the request is forwarded.
    #[default]
    Request,
    /// After the upstream has responded.
    Response,
}

/// A uniform distribution: every delay from `min` to `max` is equally likely.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformDelay {
    /// Minimum, 0s to 1h, below `max` and at most `maxDelay`.
    #[schemars(extend("examples" = ["100ms"]))]
    pub min: DurationWithin<0, HOUR_MS>,
    /// Maximum, 0s to 1h.
    #[schemars(extend("examples" = ["500ms"]))]
    pub max: DurationWithin<0, HOUR_MS>,
}

/// A normal distribution; negative delays become zero.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalDelay {
    /// Mean, 0s to 1h, at most `maxDelay`.
    #[schemars(extend("examples" = ["1s"]))]
    pub mean: DurationWithin<0, HOUR_MS>,
    /// Standard deviation, 0s to 1h.
    #[schemars(extend("examples" = ["100ms"]))]
    pub stddev: DurationWithin<0, HOUR_MS>,
}

/// A Pareto distribution.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoDelay {
    /// Minimum delay, 1ms to 1h, at most `maxDelay`.
    #[schemars(extend("examples" = ["100ms"]))]
    pub scale: DurationWithin<1, HOUR_MS>,
    /// Shape parameter, above 0 and at most 100. The larger it is, the shorter is the tail.
    #[schemars(extend("examples" = [1.5]))]
    pub shape: Number,
}

/// One point of a measured distribution.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentileDelay {
    /// Percentage of delays that are at most `delay`: above 0 and at most 100.
    #[schemars(extend("examples" = [99.9]))]
    pub percentile: Number,
    /// Delay at this percentile, 0s to 1h, at most `maxDelay`.
    #[schemars(extend("examples" = ["1s"]))]
    pub delay: DurationWithin<0, HOUR_MS>,
}

/// An abort: exactly one of `httpStatus`, `grpcStatus`, `headerAbort` and `reset`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AbortConfig {
    /// Percentage of requests that are aborted. Default: 0.
    pub percentage: Option<Percentage>,
    /// HTTP status of the reply, 200 to 599. gRPC clients get the gRPC status that Envoy maps it to.
    #[schemars(extend("examples" = [503]))]
    pub http_status: Option<IntegerWithin<200, 599>>,
    /// gRPC status of the reply by name; the HTTP status is 200.
    #[schemars(extend("examples" = ["UNAVAILABLE"]))]
    pub grpc_status: Option<GrpcStatusName>,
    /// The request header `x-envoy-fault-abort-request` (200 to 599) or
    /// `x-envoy-fault-abort-grpc-request` (0 to 16) sets the status; the first takes precedence.
    /// `x-envoy-fault-abort-request-percentage` can lower the percentage. Needs a `match` that
    /// restricts the clients.
    #[schemars(extend("examples" = [{}]))]
    pub header_abort: Option<Empty>,
    /// Resets the stream without a reply.
    #[schemars(extend("examples" = [{}]))]
    pub reset: Option<Empty>,
    /// Point of the abort; with `RESPONSE`, the upstream has already handled the request. Default:
    /// `REQUEST`.
    pub phase: PhaseConfig,
    /// Body of the reply, at most 64 KiB. Default: `fault filter abort`.
    #[schemars(extend("examples" = [{"string": "try again later"}]))]
    pub body: Option<BodyText>,
    /// Headers of the reply: only `response.set` and `response.add`.
    #[schemars(extend("examples" = [{"response": {"set": {"retry-after": "3"}}}]))]
    pub headers: HeaderOperations,
    /// Message for gRPC clients: at most 1,024 bytes of printable ASCII. Default: the body.
    pub grpc_message: Option<GrpcMessage>,
    #[serde(deserialize_with = "refuse_percent")]
    percent: (),
    #[serde(deserialize_with = "refuse_http2_error")]
    http2_error: (),
}

/// Changes to the response of the upstream: at least one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResponseConfig {
    /// Percentage of responses that are changed. Default: 0.
    pub percentage: Option<Percentage>,
    /// New status, 200 to 599. Default: unchanged.
    #[schemars(extend("examples" = [500]))]
    pub http_status: Option<IntegerWithin<200, 599>>,
    /// Changes to the headers: only `response`.
    #[schemars(extend("examples" = [{"response": {"remove": ["etag"]}}]))]
    pub headers: HeaderOperations,
    /// New body, at most 64 KiB. At most one of `body`, `truncateAfter` and `resetAfter`. Default:
    /// unchanged.
    pub body: Option<BodyText>,
    /// Cuts the body off after this many bytes, 0 to 1,073,741,824.
    #[schemars(extend("examples" = [1024]))]
    pub truncate_after: Option<IntegerWithin<0, GIB>>,
    /// Resets the stream after this many bytes of the body, 0 to 1,073,741,824.
    #[schemars(extend("examples" = [1024]))]
    pub reset_after: Option<IntegerWithin<0, GIB>>,
}

const GIB: u64 = 1 << 30;

/// A rate limit of the response body: exactly one of `fixedLimit` and `headerLimit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RateConfig {
    /// Percentage of responses that are slowed down. Default: 0.
    pub percentage: Option<Percentage>,
    /// Constant rate.
    pub fixed_limit: Option<FixedRate>,
    /// The request header `x-envoy-fault-throughput-response` sets the rate in KiB per second.
    /// `x-envoy-fault-throughput-response-percentage` can lower the percentage. Needs a `match` that
    /// restricts the clients.
    #[schemars(extend("examples" = [{}]))]
    pub header_limit: Option<Empty>,
}

/// A constant rate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedRate {
    /// KiB per second, 1 to 1,048,576.
    #[schemars(extend("examples" = [64]))]
    pub limit_kbps: IntegerWithin<1, 1_048_576>,
}

fn refuse_percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    misplaced::refuse(deserializer, "must not be given: use percentage, such as {value: 1}")
}

fn refuse_http2_error<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    misplaced::refuse(
        deserializer,
        "must not be given: a filter cannot set the error code, use reset: {}",
    )
}
