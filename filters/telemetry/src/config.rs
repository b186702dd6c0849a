//! The configuration document: what an operator writes, without behaviour.
//!
//! `metrics`, `tracing` and `accessLogging` have the fields of Istio's Telemetry, and
//! `extensionProviders` those of MeshConfig:
//! <https://istio.io/latest/docs/reference/config/telemetry/>.

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
mod redaction;
mod response_headers;
mod slos;
mod values;

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
    redaction::{Redaction, RedactionConfig, RedactionKey},
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

/// The whole document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
#[schemars(transform = alias("sampleRate", "sample_rate"))]
pub struct Config {
    /// Which spans are made.
    pub tracing: Option<OneOrMany<TracingConfig>>,
    /// Which streams are logged.
    pub access_logging: Option<OneOrMany<AccessLogConfig>>,
    /// How values are hashed.
    pub redaction: Option<RedactionConfig>,
    /// Where telemetry is sent.
    pub extension_providers: Option<Vec<ProviderConfig>>,
    /// The short form of one provider.
    pub endpoint: Option<Endpoint>,
    /// The short form of the first entry's percentage, as a number from 0 to 1.
    #[serde(alias = "sample_rate")]
    pub sample_rate: Option<SampleRate>,
    /// Metrics of the traffic; the standard ones if absent.
    pub metrics: Option<OneOrMany<MetricsConfig>>,
    /// Objectives.
    pub slos: Vec<SloConfig>,
    /// What an error is, in place of the server's errors.
    pub error_when: Option<ExpressionText>,
    /// Which paths are which operation.
    pub operations: Vec<OperationConfig>,
    /// What is done to a path before it is matched.
    pub path_normalization: PathNormalization,
    /// What callers are told about their request.
    pub response_headers: Option<ResponseHeadersConfig>,
    /// Whether the operation is left in filter state, for native access logs.
    pub filter_state: bool,
    /// Whether everything is measured but no header is written.
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
