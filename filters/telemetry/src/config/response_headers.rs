//! `responseHeaders`: headers with the duration and ids of a request.

use filter_core::EditableHeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::FilterConfig;

/// Headers to add to responses; at least one of `serverTiming`, `traceId` and `requestId`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResponseHeadersConfig {
    /// Requests whose responses get the headers. Default: all.
    pub filter: Option<FilterConfig>,
    /// Adds `server-timing` with the time until the response in milliseconds. Default: `false`.
    pub server_timing: bool,
    /// Header for the trace id, such as `x-trace-id`. Default: none.
    pub trace_id: Option<EditableHeaderName>,
    /// Adds `x-request-id` with Envoy's request id. Default: `false`.
    pub request_id: bool,
}
