//! What is traced: the `tracing` of Istio's Telemetry.

use std::collections::BTreeMap;

use filter_core::{HeaderName, IntegerWithin, Percentage, Shown};
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
    /// The listeners that it is for.
    pub r#match: EntryMatch,
    /// At most one provider; the first one if absent.
    pub providers: Vec<ProviderRef>,
    /// The share of new traces that is reported; nothing if absent.
    pub random_sampling_percentage: Option<SamplingPercentage>,
    /// Shares of some new traces: the first whose filter holds stands in place of the share above.
    pub sampling: Vec<SamplingConfig>,
    /// Whether no span is made.
    pub disable_span_reporting: bool,
    /// Whether the caller's context is kept from the application.
    pub disable_context_propagation: bool,
    /// Whether Istio's names of the workload are said of the resource; they are if absent.
    pub enable_istio_tags: Option<bool>,
    /// Further attributes, and changes to those that are there.
    pub custom_tags: BTreeMap<String, TagConfig>,
    /// Only `false`: the id of a request decides nothing.
    pub use_request_id_for_trace_sampling: Option<AlwaysFalse>,
    /// What is made of a caller's context.
    pub remote_context: RemoteContext,
    /// Whether B3 is read where there is no `traceparent`.
    #[serde(rename = "acceptB3")]
    pub accept_b3: bool,
    /// The most spans of a worker in a second; 1,000 if absent.
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

/// A share of some new traces.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplingConfig {
    /// Which requests; only what is known of a request can be asked for.
    pub filter: FilterConfig,
    /// The share of them that is reported.
    pub percentage: Percentage,
}

/// What is made of a caller's context.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemoteContext {
    /// Its trace goes on.
    #[default]
    Trust,
    /// A new trace begins, whose first span links to it.
    Restart,
}

/// An attribute of spans: exactly one source of its value, or a change of one that is there anyway.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TagConfig {
    /// A fixed text.
    pub literal: Option<LiteralConfig>,
    /// A variable of the virtual machine (`vmConfig.env`).
    pub environment: Option<EnvironmentConfig>,
    /// A header of the request.
    pub header: Option<HeaderTagConfig>,
    /// What an expression gives.
    pub expression: Option<ExpressionConfig>,
    /// `REMOVE`, under the name of an attribute that is there anyway.
    pub operation: Option<TagRemoval>,
    /// How the value is made harmless.
    pub redact: Option<Redaction>,
    /// Refused: an expression does it.
    #[serde(deserialize_with = "formatter")]
    pub formatter: (),
}

/// A fixed text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiteralConfig {
    /// The text.
    pub value: String,
}

/// A variable of the virtual machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Its name.
    pub name: String,
    /// What stands for it where it is absent.
    #[serde(default)]
    pub default_value: Option<String>,
}

/// A header of the request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderTagConfig {
    /// Its name.
    pub name: HeaderName,
    /// What stands for it where it is absent.
    #[serde(default)]
    pub default_value: Option<String>,
}

/// An expression.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpressionConfig {
    /// Its text.
    pub value: ExpressionText,
}

/// The one thing that can be done to an attribute that is there anyway.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagRemoval {
    /// It is left out.
    Remove,
}

/// A percentage in steps of 0.01.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "f64",
    title = "percentage in steps of 0.01",
    extend("minimum" = 0, "maximum" = 100)
)]
pub struct SamplingPercentage(u32);

/// The short form of a sampling percentage: a number from 0 to 1, rounded to 0.0001.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "f64", extend("minimum" = 0, "maximum" = 1))]
pub struct SampleRate(SamplingPercentage);

/// `false`, and nothing else.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "bool", extend("const" = false))]
pub struct AlwaysFalse;

impl SamplingPercentage {
    /// Returns the share in millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0.saturating_mul(100)
    }
}

impl SampleRate {
    /// Returns the percentage that it stands for.
    #[must_use]
    pub const fn percentage(self) -> SamplingPercentage {
        self.0
    }
}

/// Takes `number` of `whole` in steps of a ten-thousandth.
fn steps(number: f64, whole: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^4")]
    let steps = (number / whole * 10_000.0).round() as u32;
    steps
}

impl<'de> Deserialize<'de> for SamplingPercentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Written numbers are decimal: what is nearest to a step is that step.
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
                let rule = "must be false: the id of a request decides nothing here";
                Err(D::Error::custom(format_args!("{rule}, {}", Shown(&other))))
            }
        }
    }
}

fn formatter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let hint = "must not be given, use expression: %REQ(x-user)% is request.headers['x-user']";
    did_you_mean::refuse(deserializer, hint)
}

#[cfg(test)]
mod tests;
