//! The `fault` of an entry.

use filter_core::{DurationWithin, HeaderOperations, IntegerWithin, Percentage};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _, de::IgnoredAny};

use super::{
    HOUR_MS,
    values::{BodyText, Empty, GrpcMessage, GrpcStatusName, Number, WholeMillis},
};

/// What is done to the share of requests that each part names; at least one part.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultConfig {
    /// The stream is held for a while.
    pub delay: Option<DelayConfig>,
    /// The stream is answered or reset.
    pub abort: Option<AbortConfig>,
    /// The upstream's response is changed.
    pub response: Option<ResponseConfig>,
    /// The response's body is slowed down.
    pub response_rate_limit: Option<RateConfig>,
    /// How the draws of several parts combine.
    pub draw: DrawConfig,
}

/// How the draws of several parts combine.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DrawConfig {
    /// Each part draws separately, as in Istio: with two parts at 20 %, 4 % of the requests get
    /// both.
    #[default]
    Independent,
    /// One draw decides for all parts: with two parts at 20 %, the same 20 % of the requests get
    /// both; with 5 % and 20 %, the 5 % are among the 20 %.
    Shared,
}

/// A hold; exactly one of the fields that end in `Delay`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DelayConfig {
    /// How many requests; absent, none.
    pub percentage: Option<Percentage>,
    /// The same in Istio's deprecated form.
    pub percent: Option<Number>,
    /// The same length each time.
    pub fixed_delay: Option<WholeMillis<1, HOUR_MS>>,
    /// Any length between two, each as likely.
    pub uniform_delay: Option<UniformDelay>,
    /// Lengths around a mean.
    pub normal_delay: Option<NormalDelay>,
    /// The mean of lengths that are mostly short.
    pub exponential_delay: Option<DurationWithin<1, HOUR_MS>>,
    /// Lengths with a long tail.
    pub pareto_delay: Option<ParetoDelay>,
    /// Lengths as they were measured.
    pub percentile_delay: Option<Vec<PercentileDelay>>,
    /// The caller names the length.
    pub header_delay: Option<Empty>,
    /// What is held.
    pub phase: PhaseConfig,
}

/// The side of the exchange on which a fault acts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhaseConfig {
    /// Before the upstream sees the request.
    #[default]
    Request,
    /// After the upstream has answered.
    Response,
}

/// Any length from `min` to `max`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformDelay {
    /// The shortest.
    pub min: DurationWithin<0, HOUR_MS>,
    /// The longest.
    pub max: DurationWithin<0, HOUR_MS>,
}

/// Lengths of a normal distribution; below zero they count as zero.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalDelay {
    /// The mean.
    pub mean: DurationWithin<0, HOUR_MS>,
    /// The standard deviation.
    pub stddev: DurationWithin<0, HOUR_MS>,
}

/// Lengths of a Pareto distribution.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoDelay {
    /// The shortest.
    pub scale: DurationWithin<1, HOUR_MS>,
    /// How quickly longer ones get rarer; above 0, at most 100.
    pub shape: Number,
}

/// The longest of a share of delays.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentileDelay {
    /// The share in percent.
    pub percentile: Number,
    /// The longest of that share.
    pub delay: DurationWithin<0, HOUR_MS>,
}

/// An early end; exactly one of `httpStatus`, `grpcStatus`, `headerAbort` and `reset`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AbortConfig {
    /// How many requests; absent, none.
    pub percentage: Option<Percentage>,
    /// The status of the reply.
    pub http_status: Option<IntegerWithin<200, 599>>,
    /// The gRPC status of the reply.
    pub grpc_status: Option<GrpcStatusName>,
    /// The caller names the status.
    pub header_abort: Option<Empty>,
    /// The stream is reset.
    pub reset: Option<Empty>,
    /// Whether the upstream has done its work before.
    pub phase: PhaseConfig,
    /// The reply's body; `fault filter abort` if absent.
    pub body: Option<BodyText>,
    /// Headers of the reply: `response.set` and `response.add`.
    pub headers: HeaderOperations,
    /// What a gRPC client is told; the body if absent.
    pub grpc_message: Option<GrpcMessage>,
    #[serde(deserialize_with = "percent_is_not_istios")]
    percent: (),
    #[serde(deserialize_with = "http2_error_cannot_be_chosen")]
    http2_error: (),
}

/// Changes to the upstream's response; at least one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResponseConfig {
    /// How many requests; absent, none.
    pub percentage: Option<Percentage>,
    /// Another status.
    pub http_status: Option<IntegerWithin<200, 599>>,
    /// Other headers: `response` alone.
    pub headers: HeaderOperations,
    /// Another body.
    pub body: Option<BodyText>,
    /// How many bytes of the body stay.
    pub truncate_after: Option<IntegerWithin<0, GIB>>,
    /// How many bytes of the body pass before the stream is reset.
    pub reset_after: Option<IntegerWithin<0, GIB>>,
}

const GIB: u64 = 1 << 30;

/// A slow body; exactly one of `fixedLimit` and `headerLimit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RateConfig {
    /// How many requests; absent, none.
    pub percentage: Option<Percentage>,
    /// The same rate each time.
    pub fixed_limit: Option<FixedRate>,
    /// The caller names the rate.
    pub header_limit: Option<Empty>,
}

/// A rate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedRate {
    /// KiB a second.
    pub limit_kbps: IntegerWithin<1, 1_048_576>,
}

fn percent_is_not_istios<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(
        "must not be given: aborts have no such field: use percentage: {value: 1}",
    ))
}

fn http2_error_cannot_be_chosen<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom("must not be given: a filter cannot choose the error code: use reset: {}"))
}
