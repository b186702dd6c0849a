//! `metrics`: metrics, as in Istio's Telemetry, with custom metrics and limits.

use std::{collections::BTreeMap, iter};

use filter_core::{IntegerWithin, Shown, misplaced};
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
    /// Must be `prometheus`, because metrics are exported through Envoy's stats.
    pub providers: Vec<MetricsProvider>,
    /// Changes to metrics, applied in order.
    pub overrides: Vec<Override>,
    /// Whether metric names carry labels. Default: `true` if an override or a definition sets a
    /// label. At most one entry may set it.
    pub labels: Option<bool>,
    /// Prefix of metric names. Default: `weir_telemetry`. At most one entry may set it.
    #[schemars(extend("examples" = ["shop"]))]
    pub prefix: Option<ShortName>,
    /// Custom metrics, at most 64. At most one entry may set them.
    pub definitions: Option<Vec<Definition>>,
    /// Maximum series per metric in the whole proxy, 1 to 10,000; further ones are counted in one
    /// overflow series. Default: 1,000, or 250 for histograms. All metrics together have at most
    /// 10,000 series. At most one entry may set it.
    pub max_series: Option<IntegerWithin<1, 10_000>>,
    /// Maximum values in the whole proxy of a label without `map`, `values` or `buckets`, 1 to
    /// 1,000; further ones become `other`. Default: 100. At most one entry may set it.
    pub max_values: Option<IntegerWithin<1, 1_000>>,
    /// Maximum length of a label value in bytes, 8 to 128; longer values are cut. Default: 64. At
    /// most one entry may set it.
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

/// A destination of metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsProvider {
    /// Name of the provider: `prometheus`.
    #[serde(deserialize_with = "prometheus")]
    #[schemars(with = "String", extend("const" = "prometheus"))]
    #[expect(dead_code, reason = "the name is always `prometheus`")]
    name: (),
}

/// A change to one metric or to all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Override {
    /// Metrics and listeners that the override applies to. Default: all.
    pub r#match: MetricSelector,
    /// Whether to turn the metrics off. Default: unchanged.
    pub disabled: Option<bool>,
    /// Labels to add, change or remove by name.
    pub tag_overrides: BTreeMap<LabelName, LabelConfig>,
    #[serde(deserialize_with = "nested")]
    overrides: (),
    #[serde(deserialize_with = "did_you_mean::in_match")]
    mode: (),
    #[serde(alias = "customMetric", deserialize_with = "did_you_mean::in_match")]
    metric: (),
}

/// Selects metrics, as Istio's `MetricSelector` does. At most one of `metric` and `customMetric`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricSelector {
    /// A standard metric. Default: all except the gRPC message counters.
    pub metric: Option<MetricChoice>,
    /// The name of a custom metric from `definitions`.
    pub custom_metric: Option<MetricName>,
    /// Direction of the listeners. Default: `CLIENT_AND_SERVER`.
    pub mode: Mode,
}

/// A standard metric or all.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = metric_names()))]
pub enum MetricChoice {
    /// All except the gRPC message counters.
    All,
    /// One metric.
    One(StandardMetric),
}

/// A custom metric.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// Name without prefix. Counters get the suffix `_total`.
    pub name: MetricName,
    /// Kind of the metric. Default: `COUNTER`.
    #[serde(default)]
    pub r#type: DefinitionType,
    /// Number to add, record or set. Default: 1.
    #[serde(default)]
    #[schemars(extend("examples" = ["int(response.headers['x-order-cents'])"]))]
    pub value: Option<ExpressionText>,
    /// Streams to measure. Default: all.
    #[serde(default)]
    pub filter: Option<FilterConfig>,
    /// Labels by name, at most 10.
    #[serde(default)]
    pub dimensions: BTreeMap<LabelName, Dimension>,
}

/// The kind of a custom metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefinitionType {
    /// A sum that only grows.
    #[default]
    Counter,
    /// A distribution of numbers.
    Histogram,
    /// The latest number set by any worker.
    Gauge,
}

impl DefinitionType {
    /// Returns the corresponding Envoy kind.
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
            let rule = "must be an HTTP metric: this filter does not see TCP connections";
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
    let rule = "must be prometheus: metrics are exported through Envoy's stats only";
    Err(D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}

fn tcp_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    misplaced::refuse(deserializer, "must not be given: Istio uses it for TCP only")
}

fn nested<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    misplaced::refuse(deserializer, "must not be given: it belongs in the entry of metrics")
}
