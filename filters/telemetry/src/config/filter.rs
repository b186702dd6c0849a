//! `filter`.

use filter_core::HttpMatch;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ExpressionText;

/// Which streams something is about: exactly one of `expression` and `match`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterConfig {
    /// A condition over attributes, as Istio's Telemetry has it.
    pub expression: Option<ExpressionText>,
    /// Matches of the request, of which one must hold; this is cheaper.
    pub r#match: Option<Vec<HttpMatch>>,
}
