//! The configuration document: what an operator writes, without behaviour.
//!
//! `http` has the entries of a VirtualService:
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/>.

use filter_core::{
    ConsistentHash, DurationWithin, EntryName, HeaderOperations, HttpMatch, IntegerWithin,
    MetricsConfig, Salt, Schedule, SuccessCriteria, Timestamp, misplaced,
};
use schemars::JsonSchema;
use serde::Deserialize;

mod values;

pub(crate) use crate::config::values::EXPLAIN;
pub use crate::config::values::{BaggageKey, Percent, TagHeader};
use crate::tag::Tag;

/// The whole document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// What is decided, in order; at most 1,024 entries.
    #[serde(deserialize_with = "misplaced::http_entries")]
    pub http: Vec<Entry>,
    /// Where tags go; `x-weir-tag` if absent.
    pub tag_header: Option<TagHeader>,
    /// Whose requests may bring their own tag; empty means nobody's.
    pub trust_inbound: Vec<HttpMatch>,
    /// The member of `baggage` that carries the tag on.
    pub baggage_key: Option<BaggageKey>,
    /// What is done to headers after deciding.
    pub headers: HeaderOperations,
    /// Whether the tag is also written to filter state.
    pub filter_state: bool,
    /// Who may ask why; empty means nobody.
    pub explain: Vec<HttpMatch>,
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
}

/// One entry of `http`: at most one of `tag`, `split` and `canary`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// What metrics and explanations call it; `http-<index>` if absent.
    pub name: Option<EntryName>,
    /// Which requests it is about; empty means all.
    pub r#match: Vec<HttpMatch>,
    /// When it is in force; always if absent.
    pub schedule: Option<Schedule>,
    /// Where its tag goes; the top-level header if absent.
    pub tag_header: Option<TagHeader>,
    /// A tag, which may hold placeholders.
    pub tag: Option<String>,
    /// Tags by weight.
    pub split: Option<Vec<WeightedTag>>,
    /// Two tags, of which the second takes over step by step.
    pub canary: Option<CanaryConfig>,
    /// What keeps a user with one tag; absent, every request is on its own.
    pub consistent_hash: Option<ConsistentHash>,
    /// What tells this entry's assignments from those of others; its name if absent.
    pub salt: Option<Salt>,
    /// What is done to headers when it decides, or has nothing to decide.
    pub headers: HeaderOperations,
}

/// One entry of `split`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedTag {
    /// The tag, literal.
    pub tag: Tag,
    /// Its share, which is this over the sum of all.
    pub weight: IntegerWithin<0, 1_000_000>,
}

/// A ramp from one tag to another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryConfig {
    /// What is served so far.
    pub baseline_tag: Tag,
    /// What takes over.
    pub canary_tag: Tag,
    /// When the ramp begins.
    pub starts_at: Timestamp,
    /// The canary's share at the start.
    pub initial_weight: Percent<0>,
    /// What each step adds.
    pub increment: Percent<1>,
    /// How long a step takes.
    pub interval: DurationWithin<10_000, MONTH_MS>,
    /// Where the ramp stops; 100 if absent, 0 takes everyone back.
    #[serde(default)]
    pub max_weight: Option<Percent<0>>,
    /// What takes everyone back at once.
    #[serde(default)]
    pub success_criteria: Option<SuccessCriteria>,
}

const MONTH_MS: u64 = 30 * 24 * 3_600_000;
