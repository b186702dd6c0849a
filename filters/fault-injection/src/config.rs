//! The configuration document: what an operator writes, without behaviour.
//!
//! `http` has the entries of a VirtualService, of which `match` and `fault` stand here:
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/>. Fields that Istio
//! hides have the names of Envoy's fault filter.

use filter_core::{
    ConsistentHash, DurationWithin, EntryName, HttpMatch, IntegerWithin, MetricsConfig,
    PathNormalization, Salt, Schedule, SuccessCriteria, misplaced,
};
use schemars::JsonSchema;
use serde::Deserialize;

mod fault;
mod values;

pub use crate::config::{
    fault::{
        AbortConfig, DelayConfig, DrawConfig, FaultConfig, FixedRate, NormalDelay, ParetoDelay,
        PercentileDelay, PhaseConfig, RateConfig, ResponseConfig, UniformDelay,
    },
    values::{BodyText, GrpcMessage, GrpcStatusName, MarkHeader, Number, WholeMillis},
};

/// The whole document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// What is done to which requests; the first entry that matches decides.
    #[serde(deserialize_with = "misplaced::http_entries")]
    pub http: Vec<Entry>,
    /// What bounds every entry in time.
    pub schedule: Option<Schedule>,
    /// The longest delay that is drawn or asked for; 30 s if absent.
    pub max_delay: Option<DurationWithin<1, HOUR_MS>>,
    /// How many streams may be held at once in this pod; 1,000 if absent.
    pub max_active_faults: Option<IntegerWithin<1, 100_000>>,
    /// How many faults may begin in a second in this pod.
    pub max_faults_per_second: Option<IntegerWithin<1, 1_000_000>>,
    /// When this pod stops by itself.
    pub success_criteria: Option<SuccessCriteria>,
    /// The response header that names the fault.
    pub mark_header: Option<MarkHeader>,
    /// What is done to a path before it is matched.
    pub path_normalization: PathNormalization,
    /// How metrics are named.
    pub metrics: MetricsConfig,
    /// Whether everything is decided and counted but nothing done.
    pub dry_run: bool,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "misplaced::in_virtual_service")]
    hosts: (),
    #[serde(deserialize_with = "misplaced::in_virtual_service")]
    gateways: (),
}

/// An hour in milliseconds.
pub(crate) const HOUR_MS: u64 = 3_600_000;

/// One entry of `http`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// What logs and metrics call it; `http-<index>` if absent.
    pub name: Option<EntryName>,
    /// Which requests it is about; empty means all.
    pub r#match: Vec<HttpMatch>,
    /// When its faults are in force, together with the schedule of the document.
    pub schedule: Option<Schedule>,
    /// Whose requests always meet the same fate; absent, every request is on its own.
    pub consistent_hash: Option<ConsistentHash>,
    /// What tells this entry's draws from those of others; its name if absent.
    pub salt: Option<Salt>,
    /// What is done; absent, the requests are exempt.
    pub fault: Option<FaultConfig>,
}

#[cfg(test)]
mod tests;
