//! `filter`: selects streams.

use filter_core::HttpMatch;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ExpressionText;

/// Selects streams by exactly one of `expression` and `match`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterConfig {
    /// Boolean expression over attributes, as in Istio's Telemetry.
    #[schemars(extend("examples" = ["response.code >= 400 || request.duration > duration('1s')"]))]
    pub expression: Option<ExpressionText>,
    /// Request matches, at least one of which must hold. Cheaper than an expression.
    pub r#match: Option<Vec<HttpMatch>>,
}
