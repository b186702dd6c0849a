//! The configuration document.
//!
//! `metrics`, `tracing` and `accessLogging` have the fields of Istio's Telemetry, and
//! `extensionProviders` those of MeshConfig.
//!
//! <https://istio.io/latest/docs/reference/config/telemetry/>

use filter_core::{PathNormalization, misplaced, schema::alias};
use schemars::JsonSchema;
use serde::Deserialize;

pub mod entry;
pub mod providers;
pub mod tracing;

mod access_log;
mod did_you_mean;
mod expression;
mod filter;
mod label;
mod metrics;
mod operations;
mod response_headers;
mod slos;
mod values;

pub use filter_core::{Redaction, RedactionConfig, RedactionKey};

pub use crate::config::{
    access_log::{AccessLogConfig, AlwaysConfig, FieldConfig, FieldName, Level},
    entry::{EntryMatch, Mode, ProviderRef},
    expression::ExpressionText,
    filter::FilterConfig,
    label::{Buckets, Dimension, Extract, LabelConfig, TagOperation},
    metrics::{
        Definition, DefinitionType, MetricChoice, MetricSelector, MetricsConfig, MetricsProvider,
        Override,
    },
    operations::OperationConfig,
    response_headers::ResponseHeadersConfig,
    slos::SloConfig,
    values::{
        HostPattern, LabelName, MethodName, MetricName, Objective, OneOrMany, OperationName,
        ShortName,
    },
};

use self::{
    providers::{Endpoint, ProviderConfig},
    tracing::{SampleRate, TracingConfig},
};

/// The configuration of the filter.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
#[schemars(transform = alias("sampleRate", "sample_rate"))]
pub struct Config {
    /// Tracing: sampling, context propagation and spans. One entry or a list of 1 to 4. The first
    /// entry that matches a listener applies. Default: no tracing, unless `endpoint` is given.
    pub tracing: Option<OneOrMany<TracingConfig>>,
    /// Access logs. One entry or a list of 1 to 8. Each entry that matches a listener writes its
    /// own log. Default: no access log.
    pub access_logging: Option<OneOrMany<AccessLogConfig>>,
    /// Key of hashed values (`redact: HASH`). Default: a random key per proxy.
    pub redaction: Option<RedactionConfig>,
    /// Collectors to export to, 1 to 4. Not allowed with `endpoint`.
    pub extension_providers: Option<Vec<ProviderConfig>>,
    /// Short form of a single provider: `host:port` of a collector that accepts OTLP, over HTTP on
    /// port 4318 and over gRPC on any other.
    pub endpoint: Option<Endpoint>,
    /// Short form of `randomSamplingPercentage` in the first entry of `tracing`, as a fraction from
    /// 0 to 1.
    #[serde(alias = "sample_rate")]
    pub sample_rate: Option<SampleRate>,
    /// Metrics. One entry or a list of 1 to 8, applied in order. Default: the standard metrics
    /// without labels.
    pub metrics: Option<OneOrMany<MetricsConfig>>,
    /// Service level objectives, at most 64. Each counts its streams and the good ones.
    pub slos: Vec<SloConfig>,
    /// Expression that marks a stream as an error. Default: status 500 or above, a server-side gRPC
    /// status, or an incomplete response.
    #[schemars(extend("examples" = ["response.code >= 500"]))]
    pub error_when: Option<ExpressionText>,
    /// Operations, at most 4,096. Each request gets the name of the most specific match, or
    /// `other`.
    pub operations: Vec<OperationConfig>,
    /// Path normalization before path templates and matches are evaluated. Default: `NONE`.
    pub path_normalization: PathNormalization,
    /// Headers to add to responses. Default: none.
    pub response_headers: Option<ResponseHeadersConfig>,
    /// Writes the operation to filter state, for Envoy's own access logs
    /// (`%FILTER_STATE(wasm.weir.operation:PLAIN)%`). Default: `false`.
    pub filter_state: bool,
    /// Measures only, without changing any header. Default: `false`.
    pub dry_run: bool,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "did_you_mean::tracing")]
    traces: (),
    #[serde(deserialize_with = "did_you_mean::access_logging")]
    access_logs: (),
    #[serde(deserialize_with = "did_you_mean::access_logging")]
    logging: (),
    #[serde(deserialize_with = "did_you_mean::extension_providers")]
    providers: (),
    #[serde(alias = "sampling_rate", deserialize_with = "did_you_mean::sample_rate")]
    sampling_rate: (),
    #[serde(deserialize_with = "did_you_mean::default_providers")]
    default_providers: (),
    #[serde(alias = "meshConfig", deserialize_with = "did_you_mean::wrapper")]
    spec: (),
    #[serde(deserialize_with = "did_you_mean::envelope")]
    api_version: (),
    #[serde(deserialize_with = "did_you_mean::envelope")]
    kind: (),
    #[serde(deserialize_with = "did_you_mean::envelope")]
    metadata: (),
}

#[cfg(test)]
mod tests;
