//! The types of the configuration document.
//!
//! Policies have the fields of Istio's AuthorizationPolicy, and more.

use std::collections::BTreeMap;

use filter_core::{
    BodyText, HeaderOperations, HttpMatch, IntegerWithin, MetricsConfig, PathNormalization,
    Percentage, ProblemConfig, misplaced,
};
use schemars::JsonSchema;
use serde::Deserialize;

mod audit;
mod list;
mod pasted;
mod policy;
mod rule;
mod test_case;

pub use crate::config::{
    audit::{AuditConfig, AuditField, AuditLevel, AuditMember, AuditWhen, CustomField},
    list::{ListConfig, OnUnavailable},
    policy::{Action, Metadata, PolicyConfig, SpecConfig},
    rule::{ConditionConfig, From, OperationConfig, RuleConfig, SourceConfig, To},
    test_case::{Expected, TestCase, TestRequest},
};

/// The configuration document: `policies`, or `action` and `rules` of a single policy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Policies, at most 256, as AuthorizationPolicy documents or in short form.
    #[schemars(length(max = 256))]
    pub policies: Vec<PolicyConfig>,
    /// Action of a single policy, instead of `policies`.
    pub action: Option<Action>,
    /// Rules of a single policy, instead of `policies`.
    pub rules: Option<Vec<RuleConfig>>,
    /// Lists by name. All `ips` and `values` have at most 100,000 entries together, and at most 16
    /// lists have a `uri`. Default: none.
    pub lists: BTreeMap<String, ListConfig>,
    /// Tests, at most 256. If one fails, the configuration is refused.
    #[schemars(length(max = 256))]
    pub tests: Vec<TestCase>,
    /// Lines in the proxy's log about decisions. Default: none.
    pub audit: Option<AuditConfig>,
    /// Names of the mesh's trust domain, at most 64: `trustDomain` and `trustDomainAliases` of
    /// Istio's MeshConfig. An identity under one of these names, or under `cluster.local`, matches
    /// under each of them, and so does a trust domain that is one of them. Default: none.
    #[schemars(length(max = 64), extend("examples" = [["td.example"]]))]
    pub trust_domain_aliases: Vec<String>,
    /// Percentage of the clients that are denied if no ALLOW policy matches, sticky by principal or
    /// address; others pass. Default: 100.
    pub enforced: Option<Percentage>,
    /// Status if no ALLOW policy matches and the request has neither a certificate nor a verified
    /// token: 401, with `www-authenticate: Bearer`, or 403. Default: 403.
    #[schemars(extend("enum" = [401, 403]))]
    pub unauthenticated_status: Option<IntegerWithin<401, 403>>,
    /// Reply to denied requests. Default: status 403 with problem details (RFC 9457).
    pub reply: Option<ReplyConfig>,
    /// Requests that may ask for an explanation. If a request matches one of these entries and has
    /// the header `x-weir-explain: 1`, the response header `x-weir-explain` names the policy and
    /// rule that decided, or the closest rule and its failed fields. Default: none.
    pub explain: MatchList,
    /// Normalization of the path before it is matched, as in Istio's MeshConfig. In a mesh, Istio
    /// has already normalized the path. Default: `NONE`.
    pub path_normalization: PathNormalization,
    /// Error responses.
    pub problem: ProblemConfig,
    /// Names of metrics.
    pub metrics: MetricsConfig,
    /// Decides, counts and logs, but denies no requests. Default: `false`.
    pub dry_run: bool,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(alias = "target_ref", deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(alias = "target_refs", deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "pasted::custom")]
    provider: (),
}

/// A reply to denied requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReplyConfig {
    /// HTTP status, 300 to 599. Default: 403.
    #[schemars(extend("examples" = [404]))]
    pub http_status: Option<IntegerWithin<300, 599>>,
    /// Headers: only `response.set` and `response.add`.
    pub headers: HeaderOperations,
    /// Body. Default: problem details.
    pub body: Option<BodyText>,
}

/// A list of conditions of which one must match.
pub type MatchList = Vec<HttpMatch>;
