//! The types of the configuration document.
//!
//! `http` has `match`, `weight` and `headers` of a VirtualService's `http` entries:
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

/// The configuration document.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Tags by request, at most 1,024 entries. For each tag header, the first entry that matches and
    /// yields a tag decides.
    #[serde(deserialize_with = "misplaced::http_entries")]
    pub http: Vec<Entry>,
    /// Request header that carries the tag. The filter removes it from requests of untrusted clients.
    /// Default: `x-weir-tag`.
    #[schemars(extend("examples" = ["x-weir-tag"]))]
    pub tag_header: Option<TagHeader>,
    /// Requests that may bring their own tag: those that match one of these entries. `[{}]` trusts
    /// every client. Default: none.
    #[schemars(extend("examples" = [[{
        "source": {"principal": {"exact": "spiffe://cluster.local/ns/istio-ingress/sa/gateway"}},
    }]]))]
    pub trust_inbound: Vec<HttpMatch>,
    /// Key of the member of the W3C `baggage` header that also carries the tag of the top-level
    /// `tagHeader`. Default: `baggage` is not used.
    #[schemars(extend("examples" = ["weir-tag"]))]
    pub baggage_key: Option<BaggageKey>,
    /// Header operations for every request and its response. Values can have the placeholders
    /// `%REQ(name)%`, `%CLAIM(a.b)%`, `%PATH(var)%`, `%TAG%`, `%TAG(tag-header)%` and `%RULE%`.
    #[schemars(extend("examples" = [{"response": {"set": {"x-served-by": "%TAG%"}}}]))]
    pub headers: HeaderOperations,
    /// Writes the tag of the top-level `tagHeader` to filter state as well, for
    /// `%FILTER_STATE(wasm.weir.tag:PLAIN)%` in access logs. Default: `false`.
    pub filter_state: bool,
    /// Requests whose tags may be explained. If a request matches one of these entries and has the
    /// header `x-weir-explain: 1`, the response header `x-weir-explain` names tag, rule, key and
    /// weight. Default: none.
    pub explain: Vec<HttpMatch>,
    /// Names of metrics.
    pub metrics: MetricsConfig,
    /// Decides, counts and writes filter state, but changes no headers. Inbound tags of untrusted
    /// clients are then not removed. Default: `false`.
    pub dry_run: bool,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
}

/// The tag for requests that match: at most one of `tag`, `split` and `canary`. Without them, the
/// entry only changes headers, and later entries decide.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// Name in metrics, explanations and `%RULE%`. Default: `http-<index>`.
    #[schemars(extend("examples" = ["checkout"]))]
    pub name: Option<EntryName>,
    /// Conditions, of which one must match. Default: every request matches.
    pub r#match: Vec<HttpMatch>,
    /// Time range in which the entry can match. Default: always.
    pub schedule: Option<Schedule>,
    /// Request header that carries the entry's tag. Entries with different tag headers are
    /// independent. Default: the top-level `tagHeader`.
    #[schemars(extend("examples" = ["x-search-tag"]))]
    pub tag_header: Option<TagHeader>,
    /// Tag, which can have the placeholders `%REQ(name)%`, `%CLAIM(a.b)%` and `%PATH(var)%`; `%%` is a
    /// percent sign. If the expanded text is not a Kubernetes label value, later entries decide.
    #[schemars(extend("examples" = ["v2", "shard-%PATH(tenant)%"]))]
    pub tag: Option<String>,
    /// Tags by weight, 2 to 16.
    #[schemars(extend("examples" = [[
        {"tag": "stable", "weight": 90},
        {"tag": "canary", "weight": 10},
    ]]))]
    pub split: Option<Vec<WeightedTag>>,
    /// Gradual shift from one tag to another.
    pub canary: Option<CanaryConfig>,
    /// Makes the choice of `split` or `canary` sticky: requests with the same key get the same tag, in
    /// every proxy. Needs `name` or `salt`. Default: the choice is random for each request.
    #[schemars(extend("examples" = [{"claim": "sub", "httpCookie": {"name": "weir_id", "ttl": "720h"}}]))]
    pub consistent_hash: Option<ConsistentHash>,
    /// Seed of the sticky choice: entries with the same salt divide the keys in the same way. Default:
    /// `name`.
    #[schemars(extend("examples" = ["2026-q4"]))]
    pub salt: Option<Salt>,
    /// Header operations for requests to which the entry gave a tag or, if it has none, that it
    /// matches. Values can have the placeholders of the top-level `headers`.
    #[schemars(extend("examples" = [{"request": {"set": {"x-rule": "%RULE%"}}}]))]
    pub headers: HeaderOperations,
}

/// A tag and its weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedTag {
    /// Tag: a Kubernetes label value without placeholders.
    pub tag: Tag,
    /// Weight relative to the sum of all weights, 0 to 1,000,000. At least one must be above 0.
    #[schemars(extend("examples" = [90]))]
    pub weight: IntegerWithin<0, 1_000_000>,
}

/// A gradual shift from a baseline tag to a canary tag. The canary's weight at a time is
/// `initialWeight` plus `increment` for each full `interval` since `startsAt`, up to `maxWeight`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryConfig {
    /// Tag of the current version.
    #[schemars(extend("examples" = ["stable"]))]
    pub baseline_tag: Tag,
    /// Tag of the new version; must differ from `baselineTag`.
    #[schemars(extend("examples" = ["canary"]))]
    pub canary_tag: Tag,
    /// Start of the shift; before it, every request gets the baseline.
    pub starts_at: Timestamp,
    /// Weight of the canary at `startsAt` in percent, 0 to 100 in steps of 0.01.
    #[schemars(extend("examples" = [5]))]
    pub initial_weight: Percent<0>,
    /// Increase of the weight after each interval in percent, 0.01 to 100 in steps of 0.01.
    #[schemars(extend("examples" = [5]))]
    pub increment: Percent<1>,
    /// Time between two increases, 10s to 720h.
    #[schemars(extend("examples" = ["300s"]))]
    pub interval: DurationWithin<10_000, MONTH_MS>,
    /// Maximum weight in percent, 0 to 100 in steps of 0.01; 0 rolls the canary back in every proxy.
    /// Default: 100.
    #[schemars(extend("examples" = [50]))]
    #[serde(default)]
    pub max_weight: Option<Percent<0>>,
    /// Guard: if responses to the canary's requests fail more often than this, this pod rolls the
    /// canary back to the baseline. The default of `window` is `interval`, at most 1h. Default: no
    /// guard.
    #[serde(default)]
    pub success_criteria: Option<SuccessCriteria>,
}

const MONTH_MS: u64 = 30 * 24 * 3_600_000;
