//! A rule of a policy.

use filter_core::{HttpMatch, Schedule, StringMatch};
use schemars::JsonSchema;
use serde::Deserialize;

/// A rule: one of its sources, one of its operations and all of its conditions must match.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RuleConfig {
    /// Name in metrics, logs and replies. Default: `rule-<index>`.
    pub name: Option<String>,
    /// Sources, of which one must match. Default: every source.
    pub from: Option<Vec<From>>,
    /// Operations, of which one must match. Default: every operation.
    pub to: Option<Vec<To>>,
    /// Conditions, which all must match. Default: none.
    pub when: Option<Vec<ConditionConfig>>,
    /// Further conditions, of which one must match. Default: none.
    pub r#match: Vec<HttpMatch>,
    /// Time range of the rule. Default: always.
    pub schedule: Option<Schedule>,
}

/// An entry of `from`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct From {
    /// The source.
    pub source: Option<SourceConfig>,
}

/// An entry of `to`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct To {
    /// The operation.
    pub operation: Option<OperationConfig>,
}

/// The source of a request: one value of each list must match, and none of the `not` lists.
///
/// Texts match exactly, by prefix (`abc*`), by suffix (`*abc`) or by presence (`*`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Identities of certificates, such as `cluster.local/ns/shop/sa/web`.
    pub principals: Vec<String>,
    /// Identities of certificates that must not match.
    pub not_principals: Vec<String>,
    /// Issuers and subjects of verified tokens, such as `https://idp.example/alice`.
    pub request_principals: Vec<String>,
    /// Issuers and subjects that must not match.
    pub not_request_principals: Vec<String>,
    /// Namespaces of certificates.
    pub namespaces: Vec<String>,
    /// Namespaces that must not match.
    pub not_namespaces: Vec<String>,
    /// Service accounts of certificates, `<namespace>/<name>` or `<name>`, without wildcards; at
    /// most 16.
    pub service_accounts: Vec<String>,
    /// Service accounts that must not match.
    pub not_service_accounts: Vec<String>,
    /// Trust domains of certificates, such as `cluster.local`.
    pub trust_domains: Vec<String>,
    /// Trust domains that must not match.
    pub not_trust_domains: Vec<String>,
    /// Addresses of the peer, unsure behind `x-forwarded-for`.
    pub ip_blocks: Vec<String>,
    /// Addresses of the peer that must not match.
    pub not_ip_blocks: Vec<String>,
    /// Addresses of the client, according to `numTrustedProxies`.
    pub remote_ip_blocks: Vec<String>,
    /// Addresses of the client that must not match.
    pub not_remote_ip_blocks: Vec<String>,
    /// Names of `lists` of which one must contain the address of the client.
    pub remote_ip_lists: Vec<String>,
    /// Names of `lists` that must not contain it.
    pub not_remote_ip_lists: Vec<String>,
}

/// The operation of a request: one value of each list must match, and none of the `not` lists.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OperationConfig {
    /// Hosts, without regard to case.
    pub hosts: Vec<String>,
    /// Hosts that must not match.
    pub not_hosts: Vec<String>,
    /// Ports, 1 to 65535.
    pub ports: Vec<String>,
    /// Ports that must not match.
    pub not_ports: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Methods that must not match.
    pub not_methods: Vec<String>,
    /// Paths without the query; `{*}` is one segment and `{**}` the rest.
    pub paths: Vec<String>,
    /// Paths that must not match.
    pub not_paths: Vec<String>,
}

/// A condition on an attribute: one of `values` must match, and none of `notValues`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConditionConfig {
    /// Attribute, such as `request.headers[x-user]` or `request.auth.claims[groups]`.
    pub key: String,
    /// Values.
    pub values: Vec<String>,
    /// Values that must not match.
    pub not_values: Vec<String>,
    /// Names of `lists` of which one must contain the value.
    pub in_lists: Vec<String>,
    /// A further match of the value.
    pub r#match: Option<StringMatch>,
}
