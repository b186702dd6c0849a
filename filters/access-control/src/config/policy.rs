//! A policy.

use std::collections::BTreeMap;

use filter_core::{Percentage, Schedule, misplaced};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReplyConfig, RuleConfig, pasted};

/// A policy: an AuthorizationPolicy document, or its `name`, `action` and `rules`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// `security.istio.io/v1` or `security.istio.io/v1beta1`.
    pub api_version: Option<String>,
    /// `AuthorizationPolicy`.
    pub kind: Option<String>,
    /// Name, namespace and annotations of a document.
    pub metadata: Option<Metadata>,
    /// Action and rules of a document.
    pub spec: Option<SpecConfig>,
    /// Status of a document, as `kubectl` prints it; ignored.
    #[schemars(with = "serde_json::Value")]
    pub status: serde::de::IgnoredAny,
    /// Name in metrics, logs and replies: 1 to 253 characters `A-Z`, `a-z`, `0-9`, `.`, `_` and
    /// `-`. Default: `policy-<index>`.
    #[schemars(extend("examples" = ["blocked"]))]
    pub name: Option<String>,
    /// Effect on requests that a rule matches. Default: `ALLOW`.
    pub action: Option<Action>,
    /// Rules, at most 512, of which one must match. Default: no request matches.
    #[schemars(length(max = 512))]
    pub rules: Option<Vec<RuleConfig>>,
    /// Decides, but has no effect on requests. Default: `false`.
    pub dry_run: bool,
    /// Percentage of the clients to which the denials of a DENY policy apply, sticky by principal
    /// or address. Default: 100.
    pub enforced: Option<Percentage>,
    /// Time range of the policy. `rampUp` grows `enforced` from 0. Default: always.
    pub schedule: Option<Schedule>,
    /// Reply to requests that a DENY policy denies. Default: the top-level `reply`.
    pub reply: Option<ReplyConfig>,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(alias = "target_ref", deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(alias = "target_refs", deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "pasted::custom")]
    provider: (),
}

/// The metadata of a document, of which the name, the namespace and the annotation
/// `istio.io/dry-run` are used.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = {}))]
pub struct Metadata {
    /// Name of the policy.
    pub name: Option<String>,
    /// Default namespace of `serviceAccounts`.
    pub namespace: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// The `spec` of an AuthorizationPolicy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SpecConfig {
    /// Effect on requests that a rule matches. Default: `ALLOW`.
    pub action: Option<Action>,
    /// Rules, at most 512, of which one must match. Default: no request matches.
    #[schemars(length(max = 512))]
    pub rules: Option<Vec<RuleConfig>>,
    #[serde(deserialize_with = "misplaced::in_wasm_plugin")]
    selector: (),
    #[serde(alias = "target_ref", deserialize_with = "misplaced::in_wasm_plugin")]
    target_ref: (),
    #[serde(alias = "target_refs", deserialize_with = "misplaced::in_wasm_plugin")]
    target_refs: (),
    #[serde(deserialize_with = "pasted::custom")]
    provider: (),
}

/// The effect of a policy.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Allows requests; if there is an ALLOW policy, all others are denied.
    #[default]
    Allow,
    /// Denies requests, also those that an ALLOW policy allows.
    Deny,
    /// Marks requests for the audit log.
    Audit,
}
