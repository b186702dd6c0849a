//! `tracing`: traces, as in Istio's Telemetry.

use std::collections::BTreeMap;

use filter_core::{HeaderName, IntegerWithin, Percentage, Shown, misplaced};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{
    ExpressionText, FilterConfig, Redaction, did_you_mean,
    entry::{EntryMatch, ProviderRef},
};

/// One entry of `tracing`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TracingConfig {
    /// Listeners that the entry applies to. Default: all.
    pub r#match: EntryMatch,
    /// Name of a provider from `extensionProviders`, at most one. Default: the first provider.
    /// Without any provider, trace ids are propagated but no spans are built.
    pub providers: Vec<ProviderRef>,
    /// Percentage of new traces to sample, 0 to 100 in steps of 0.01. Default: 0. For existing
    /// traces, the caller decides.
    pub random_sampling_percentage: Option<SamplingPercentage>,
    /// Other percentages for selected new traces, at most 32. The first entry whose filter matches
    /// replaces `randomSamplingPercentage`.
    pub sampling: Vec<SamplingConfig>,
    /// Builds no spans. Propagation and sampling continue. Default: `false`.
    pub disable_span_reporting: bool,
    /// Removes the trace context from requests after reading it. Default: `false`.
    pub disable_context_propagation: bool,
    /// Whether to add Istio's names of the workload to the resource attributes. Default: `true`.
    pub enable_istio_tags: Option<bool>,
    /// Span attributes to add, change or remove by name, at most 32.
    pub custom_tags: BTreeMap<String, TagConfig>,
    /// Must be `false`, because request ids are not used for sampling.
    pub use_request_id_for_trace_sampling: Option<AlwaysFalse>,
    /// Handling of the caller's trace context. Default: `TRUST`.
    pub remote_context: RemoteContext,
    /// Reads B3 headers if the request has no valid `traceparent`. Only W3C headers are written.
    /// Default: `false`.
    #[serde(rename = "acceptB3")]
    pub accept_b3: bool,
    /// Maximum spans per second and worker, 1 to 100,000. Over the limit, a caller's context is
    /// passed on unchanged and new traces are not sampled. Default: 1,000.
    pub max_spans_per_second: Option<IntegerWithin<1, 100_000>>,
    #[serde(deserialize_with = "did_you_mean::in_match")]
    mode: (),
    #[serde(deserialize_with = "did_you_mean::providers")]
    provider: (),
    #[serde(deserialize_with = "did_you_mean::custom_tags")]
    tags: (),
    #[serde(alias = "samplingPercentage", deserialize_with = "did_you_mean::percentage")]
    percentage: (),
}

/// A percentage for selected new traces.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplingConfig {
    /// Requests that the percentage applies to. Only attributes of the request are available.
    pub filter: FilterConfig,
    /// Percentage of these traces to sample.
    pub percentage: Percentage,
}

/// The handling of a caller's trace context.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemoteContext {
    /// Continue the caller's trace, with its sampling decision.
    #[default]
    Trust,
    /// Start a new trace whose first span links to the caller's.
    Restart,
}

/// A span attribute: exactly one of `literal`, `environment`, `header` and `expression`. A built-in
/// attribute can have `operation` or `redact` alone instead.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TagConfig {
    /// A constant text.
    pub literal: Option<LiteralConfig>,
    /// An environment variable (`vmConfig.env` of the WasmPlugin).
    pub environment: Option<EnvironmentConfig>,
    /// A request header.
    pub header: Option<HeaderTagConfig>,
    /// The value of an expression at the end of the stream.
    pub expression: Option<ExpressionConfig>,
    /// `REMOVE` leaves a built-in attribute out.
    pub operation: Option<TagRemoval>,
    /// Redaction of the value. A credential or an identity requires `HASH`. Default: none.
    pub redact: Option<Redaction>,
    /// Not supported: use `expression`.
    #[serde(deserialize_with = "formatter")]
    pub formatter: (),
}

/// A constant text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiteralConfig {
    /// The text of the attribute.
    pub value: String,
}

/// An environment variable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Name of the variable.
    pub name: String,
    /// Value if the variable is not set. Default: the attribute is left out.
    #[serde(default)]
    pub default_value: Option<String>,
}

/// A request header.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderTagConfig {
    /// Name of the header.
    pub name: HeaderName,
    /// Value if the header is missing. Default: the attribute is left out.
    #[serde(default)]
    pub default_value: Option<String>,
}

/// An expression.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpressionConfig {
    /// The text of the expression.
    #[schemars(extend("examples" = ["request.headers['x-tenant']"]))]
    pub value: ExpressionText,
}

/// A change to a built-in attribute.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagRemoval {
    /// Leave the attribute out.
    Remove,
}

/// A percentage in steps of 0.01.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "f64",
    title = "percentage in steps of 0.01",
    extend("minimum" = 0, "maximum" = 100, "examples" = [10, 0.5])
)]
pub struct SamplingPercentage(u32);

/// A sampling percentage as a fraction from 0 to 1, rounded to 0.0001.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "f64", extend("minimum" = 0, "maximum" = 1, "examples" = [0.1]))]
pub struct SampleRate(SamplingPercentage);

/// The value `false`.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "bool", extend("const" = false))]
pub struct AlwaysFalse;

impl SamplingPercentage {
    /// Returns the percentage in parts per million.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0.saturating_mul(100)
    }
}

impl SampleRate {
    /// Returns the fraction as a percentage.
    #[must_use]
    pub const fn percentage(self) -> SamplingPercentage {
        self.0
    }
}

/// Returns `number / whole` in ten-thousandths.
fn steps(number: f64, whole: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^4")]
    let steps = (number / whole * 10_000.0).round() as u32;
    steps
}

impl<'de> Deserialize<'de> for SamplingPercentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Decimal numbers are rarely exact as `f64`, so the nearest step counts.
        let is_step = |percent: &f64| {
            let scaled = percent * 100.0;
            (0.0..=100.0).contains(percent) && (scaled - scaled.round()).abs() < 1e-6
        };
        let percent = value.as_f64().filter(is_step);
        percent.map(|percent| Self(steps(percent, 100.0))).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be from 0 to 100 in steps of 0.01, {}",
                Shown(&value)
            ))
        })
    }
}

impl<'de> Deserialize<'de> for SampleRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let rate = value.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
        rate.map(|rate| Self(SamplingPercentage(steps(rate, 1.0)))).ok_or_else(|| {
            D::Error::custom(format_args!("must be a number from 0 to 1, {}", Shown(&value)))
        })
    }
}

impl<'de> Deserialize<'de> for AlwaysFalse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(false) => Ok(Self),
            other => {
                let rule = "must be false: request ids are not used for sampling";
                Err(D::Error::custom(format_args!("{rule}, {}", Shown(&other))))
            }
        }
    }
}

fn formatter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let message =
        "must not be given: use expression, where %REQ(x-user)% is request.headers['x-user']";
    misplaced::refuse(deserializer, message)
}

#[cfg(test)]
mod tests;
