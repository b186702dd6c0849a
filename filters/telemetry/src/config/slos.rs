//! `slos`: objectives, counted as good streams of all.

use filter_core::DurationWithin;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ExpressionText, FilterConfig, ShortName, values::Objective};

/// One entry of `slos`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SloConfig {
    /// What it is called.
    pub name: ShortName,
    /// Which streams it is about; all if absent.
    #[serde(default)]
    pub filter: Option<FilterConfig>,
    /// How long a good stream may take.
    #[serde(default)]
    pub latency: Option<DurationWithin<1, 3_600_000>>,
    /// What a bad stream is, in place of the document's `errorWhen`.
    #[serde(default)]
    pub error_when: Option<ExpressionText>,
    /// The share of good streams that is aimed at, in percent; for alert rules only.
    #[serde(default)]
    pub objective: Option<Objective>,
}
