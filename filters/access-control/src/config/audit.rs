//! The audit log.

use std::fmt;

use filter_core::{IntegerWithin, Redaction, RedactionConfig};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};

/// Lines in the proxy's log about decisions: JSON objects after `audit `, each at most 4 KiB.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Decisions that are logged. Denials always are. Default: `DENY`.
    pub when: AuditWhen,
    /// Fields of the objects, 1 to 32: names of standard fields, and objects for other values.
    /// Default: all standard fields.
    #[schemars(length(min = 1, max = 32))]
    pub fields: Option<Vec<AuditMember>>,
    /// Key of hashed values. Default: a random key per proxy.
    pub redaction: Option<RedactionConfig>,
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

/// A field of an audit line: a standard or a custom one.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum AuditMember {
    /// The name of a standard field.
    Standard(AuditField),
    /// A custom field.
    Custom(CustomField),
}

/// A custom field of an audit line, with values of the request. A repeated header is joined with
/// commas. The field is left out if a value is absent, longer than 1 KiB or not printable ASCII.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomField {
    /// Name: 1 to 64 characters `a-z`, `0-9` and `_`. Required.
    #[schemars(extend("examples" = ["client"]))]
    pub name: String,
    /// Text with the placeholders `%REQ(header)%` and `%CLAIM(a.b)%`. Required.
    #[schemars(extend("examples" = ["%CLAIM(azp)%"]))]
    pub value: String,
    /// Redaction of the value. Headers with credentials require `HASH`. Default: none.
    pub redact: Option<Redaction>,
}

impl<'de> Deserialize<'de> for AuditMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = AuditMember;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a standard field, or an object with name and value")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<AuditMember, E> {
        AuditField::deserialize(StrDeserializer::new(name)).map(AuditMember::Standard)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AuditMember, A::Error> {
        CustomField::deserialize(MapAccessDeserializer::new(map)).map(AuditMember::Custom)
    }
}

/// A standard field of an audit line.
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
    /// Returns the name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Decision => "decision",
            Self::Policy => "policy",
            Self::Rule => "rule",
            Self::Action => "action",
            Self::Principal => "principal",
            Self::RequestPrincipal => "request_principal",
            Self::SourceIp => "source_ip",
            Self::Method => "method",
            Self::Path => "path",
            Self::Host => "host",
            Self::RequestId => "request_id",
        }
    }

    /// All standard fields, in their default order.
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
