//! `metrics`: the block of Istio's Telemetry, and fields of our own.

use std::{collections::BTreeMap, iter};

use filter_core::{IntegerWithin, Shown};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{
    Dimension, ExpressionText, FilterConfig, LabelConfig, LabelName, MetricName, Mode, ShortName,
    did_you_mean,
};
use crate::signals::metrics::{MetricKind, StandardMetric};

/// One entry of `metrics`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Only `prometheus`: metrics leave through Envoy's stats.
    pub providers: Vec<MetricsProvider>,
    /// Changes of metrics, applied in order.
    pub overrides: Vec<Override>,
    /// Whether metric names carry labels. Default: `true` if an override or a definition sets a
    /// label.
    pub labels: Option<bool>,
    /// What names begin with; `weir_telemetry` if absent.
    pub prefix: Option<ShortName>,
    /// Metrics of the document's own.
    pub definitions: Option<Vec<Definition>>,
    /// Combinations of labels per metric; 1,000 if absent, 250 for histograms.
    pub max_series: Option<IntegerWithin<1, 10_000>>,
    /// Values per open label; 100 if absent.
    pub max_values: Option<IntegerWithin<1, 1_000>>,
    /// Bytes of a value; 64 if absent.
    pub max_value_bytes: Option<IntegerWithin<8, 128>>,
    #[serde(deserialize_with = "tcp_only")]
    reporting_interval: (),
    #[serde(deserialize_with = "did_you_mean::in_override")]
    tag_overrides: (),
    #[serde(deserialize_with = "did_you_mean::in_override")]
    r#match: (),
    #[serde(deserialize_with = "did_you_mean::in_override")]
    disabled: (),
}

/// Where metrics go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsProvider {
    /// The name of the provider.
    #[serde(deserialize_with = "prometheus")]
    #[schemars(with = "String", extend("const" = "prometheus"))]
    #[expect(dead_code, reason = "there is one")]
    name: (),
}

/// A change of one metric or of all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Override {
    /// Which metrics, on which side; all if absent.
    pub r#match: MetricSelector,
    /// Whether the metric is neither defined nor computed.
    pub disabled: Option<bool>,
    /// Labels to add, change or remove.
    pub tag_overrides: BTreeMap<LabelName, LabelConfig>,
    #[serde(deserialize_with = "nested")]
    overrides: (),
    #[serde(deserialize_with = "did_you_mean::in_match")]
    mode: (),
    #[serde(alias = "customMetric", deserialize_with = "did_you_mean::in_match")]
    metric: (),
}

/// Istio's `MetricSelector`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricSelector {
    /// A standard metric; all if absent.
    pub metric: Option<MetricChoice>,
    /// A definition of the document, by its name.
    pub custom_metric: Option<MetricName>,
    /// On which side.
    pub mode: Mode,
}

/// A standard metric, or all of them.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = metric_names()))]
pub enum MetricChoice {
    /// All but those that count messages.
    All,
    /// One.
    One(StandardMetric),
}

/// A metric of the document's own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// The name behind the prefix.
    pub name: MetricName,
    /// What kind of metric it is.
    #[serde(default)]
    pub r#type: DefinitionType,
    /// The number that is added, recorded or set; 1 if absent.
    #[serde(default)]
    pub value: Option<ExpressionText>,
    /// Which streams; all if absent.
    #[serde(default)]
    pub filter: Option<FilterConfig>,
    /// Its labels.
    #[serde(default)]
    pub dimensions: BTreeMap<LabelName, Dimension>,
}

/// The kind of a definition, in Istio's words.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefinitionType {
    /// A number that only grows.
    #[default]
    Counter,
    /// A distribution of numbers.
    Histogram,
    /// The last number that any worker has set.
    Gauge,
}

impl DefinitionType {
    /// Returns the proxy's kind.
    #[must_use]
    pub const fn kind(self) -> MetricKind {
        match self {
            Self::Counter => MetricKind::Counter,
            Self::Histogram => MetricKind::Histogram,
            Self::Gauge => MetricKind::Gauge,
        }
    }
}

fn metric_names() -> Vec<&'static str> {
    iter::once("ALL_METRICS").chain(StandardMetric::ALL.map(StandardMetric::istio_name)).collect()
}

impl<'de> Deserialize<'de> for MetricChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().unwrap_or_default();
        if text == "ALL_METRICS" {
            return Ok(Self::All);
        }
        if text.starts_with("TCP_") {
            let rule = "must be a metric of HTTP: an HTTP filter sees no TCP connection";
            return Err(D::Error::custom(format_args!("{rule}, {}", Shown(&value))));
        }
        let known = StandardMetric::ALL.into_iter().find(|metric| metric.istio_name() == text);
        known.map(Self::One).ok_or_else(|| {
            let names = metric_names().join(" ");
            D::Error::custom(format_args!("must be one of {names}, {}", Shown(&value)))
        })
    }
}

fn prometheus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.as_str() == Some("prometheus") {
        return Ok(());
    }
    let rule = "must be prometheus: metrics leave through Envoy's stats only";
    Err(D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}

fn tcp_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    did_you_mean::refuse(deserializer, "must not be given, Istio uses it for TCP only")
}

fn nested<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let hint = "must not stand inside an override, it is a field of the entry around it";
    did_you_mean::refuse(deserializer, hint)
}
