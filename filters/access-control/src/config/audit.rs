//! The audit log.

use filter_core::IntegerWithin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lines in the proxy's log about decisions: JSON objects after `audit `, each at most 4 KiB.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Decisions that are logged. Denials always are. Default: `DENY`.
    pub when: AuditWhen,
    /// Members of the objects. Default: all of them.
    pub fields: Option<Vec<AuditField>>,
    /// Maximum number of lines of each worker in a second, 1 to 10,000. Default: 100.
    #[schemars(extend("examples" = [100]))]
    pub max_per_second: Option<IntegerWithin<1, 10_000>>,
    /// Level of the lines. Default: `WARN`.
    pub level: AuditLevel,
}

/// The decisions that are logged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AuditWhen {
    /// Denials, also those that do not happen.
    #[default]
    Deny,
    /// Denials, and requests that an AUDIT policy matches.
    Audited,
    /// All decisions.
    All,
}

/// The level of a line.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AuditLevel {
    /// `info`
    Info,
    /// `warn`
    #[default]
    Warn,
}

/// A member of an audit line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditField {
    /// Time of the request, in RFC 3339.
    Time,
    /// `ALLOW` or `DENY`.
    Decision,
    /// Policy that decided, or that audits the request.
    Policy,
    /// Its rule.
    Rule,
    /// Action of the policy.
    Action,
    /// Identity in the client's certificate.
    Principal,
    /// Issuer and subject of the verified token.
    RequestPrincipal,
    /// Address of the client.
    SourceIp,
    /// Method.
    Method,
    /// Path without its query.
    Path,
    /// Host.
    Host,
    /// The header `x-request-id`.
    RequestId,
}

impl AuditField {
    /// All members, in their order.
    pub const ALL: [Self; 12] = [
        Self::Time,
        Self::Decision,
        Self::Policy,
        Self::Rule,
        Self::Action,
        Self::Principal,
        Self::RequestPrincipal,
        Self::SourceIp,
        Self::Method,
        Self::Path,
        Self::Host,
        Self::RequestId,
    ];
}
