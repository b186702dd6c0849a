//! `responseHeaders`: what callers are told about their request.

use filter_core::EditableHeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::FilterConfig;

/// The headers that are added to responses.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResponseHeadersConfig {
    /// Whose requests; every caller's if absent.
    pub filter: Option<FilterConfig>,
    /// Whether `server-timing` tells how long the response took.
    pub server_timing: bool,
    /// The header that tells the trace id.
    pub trace_id: Option<EditableHeaderName>,
    /// Whether `x-request-id` tells Envoy's id of the request.
    pub request_id: bool,
}
