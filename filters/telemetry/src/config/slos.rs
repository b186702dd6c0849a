//! `slos`: service level objectives, measured as the ratio of good streams to all.

use filter_core::DurationWithin;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ExpressionText, FilterConfig, ShortName, values::Objective};

/// One entry of `slos`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SloConfig {
    /// Name of the objective, unique in the document.
    pub name: ShortName,
    /// Streams that the objective covers. Default: all. Streams that the client aborted are never
    /// covered.
    #[serde(default)]
    pub filter: Option<FilterConfig>,
    /// Maximum duration of a good stream, 1ms to 1h. Default: unlimited. It does not apply to
    /// WebSocket and CONNECT.
    #[serde(default)]
    pub latency: Option<DurationWithin<1, 3_600_000>>,
    /// Expression that marks a stream as bad. Default: `errorWhen` of the document.
    #[serde(default)]
    #[schemars(extend("examples" = ["response.code >= 500"]))]
    pub error_when: Option<ExpressionText>,
    /// Target percentage of good streams, 50 to 99.9999. Used only in generated alert rules;
    /// without it, there are none for the objective.
    #[serde(default)]
    pub objective: Option<Objective>,
}
