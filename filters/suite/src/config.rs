//! The types of the configuration document.

use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration document: a section for each filter, with the document of that filter.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Verifies JSON Web Tokens. Default: the filter is absent, and all requests pass.
    pub jwt_auth: Option<jwt_auth::Config>,
    /// Chooses the version that serves a request. Default: the filter is absent.
    pub routing_tags: Option<routing_tags::Config>,
    /// Counts, times, traces and logs every stream. Default: the filter is absent.
    pub telemetry: Option<telemetry::Config>,
    /// Delays, aborts and corrupts a share of requests. Default: the filter is absent.
    pub fault_injection: Option<fault_injection::Config>,
}
