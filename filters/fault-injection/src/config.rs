//! The types of the configuration document.
//!
//! `http` holds `match` and `fault` of a VirtualService's `http` entries:
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/>. Settings of Envoy's
//! fault filter that Istio does not expose have Envoy's names.

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
    values::{GrpcMessage, MarkHeader, Number, WholeMillis},
};

/// The configuration document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Faults by request, at most 1,024 entries. The first entry that matches a request decides; a
    /// request that matches no entry gets no fault.
    #[serde(deserialize_with = "misplaced::http_entries")]
    pub http: Vec<Entry>,
    /// Time range of all faults, in addition to the `schedule` of each entry. Default: always.
    pub schedule: Option<Schedule>,
    /// Maximum length of random delays and of delays from request headers, 1ms to 1h. `fixedDelay`
    /// is not limited. Default: `30s`.
    #[schemars(extend("examples" = ["30s"]))]
    pub max_delay: Option<DurationWithin<1, HOUR_MS>>,
    /// Maximum number of streams in this pod that a delay or a rate limit holds at once, 1 to
    /// 100,000. At the limit, requests get no fault. Default: 1,000.
    pub max_active_faults: Option<IntegerWithin<1, 100_000>>,
    /// Maximum number of requests in this pod that get a fault each second, 1 to 1,000,000. Default:
    /// no limit.
    pub max_faults_per_second: Option<IntegerWithin<1, 1_000_000>>,
    /// Automatic stop: if requests without a fault fail more often than this, this pod injects no
    /// faults until its configuration changes. The default of `window` is 60s. Default: never stops.
    pub success_criteria: Option<SuccessCriteria>,
    /// Response header that describes the injected faults, for example
    /// `entry=checkout_slow;abort=503;phase=REQUEST`. Default: none.
    #[schemars(extend("examples" = ["x-fault"]))]
    pub mark_header: Option<MarkHeader>,
    /// Normalization of the path before `match`, as in Istio's MeshConfig. In a mesh, Istio has
    /// already normalized the path. Default: `NONE`.
    pub path_normalization: PathNormalization,
    /// Names of metrics.
    pub metrics: MetricsConfig,
    /// Decides, counts and logs, but injects no faults. Default: `false`.
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

/// The faults for requests that match.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// Name in logs, metrics and response code details. Default: `http-<index>`.
    #[schemars(extend("examples" = ["checkout_slow"]))]
    pub name: Option<EntryName>,
    /// Conditions, of which one must match. Default: every request matches.
    pub r#match: Vec<HttpMatch>,
    /// Time range of the faults, within the top-level `schedule`. Default: always.
    pub schedule: Option<Schedule>,
    /// Makes the draws sticky: requests with the same key always get the same faults, in every proxy.
    /// A request without a key draws at random. Needs `name` or `salt`. Default: every request draws
    /// at random.
    pub consistent_hash: Option<ConsistentHash>,
    /// Seed of the sticky draws: entries with the same salt select the same keys. Default: `name`.
    #[schemars(extend("examples" = ["2026-q4"]))]
    pub salt: Option<Salt>,
    /// Faults to inject. Without it, requests that match are exempt.
    pub fault: Option<FaultConfig>,
}

#[cfg(test)]
mod tests;
