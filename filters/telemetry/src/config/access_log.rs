//! `accessLogging`: access logs, as in Istio's Telemetry.

use std::{collections::BTreeMap, fmt};

use filter_core::{DurationWithin, IntegerWithin, Percentage, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::{
    ExpressionText, FilterConfig, Redaction, TagOperation, did_you_mean,
    entry::{EntryMatch, ProviderRef},
};

/// One entry of `accessLogging`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessLogConfig {
    /// Listeners that the entry applies to. Default: all.
    pub r#match: EntryMatch,
    /// Destination, at most one: `envoy` (the proxy's own log) or a name from `extensionProviders`.
    /// Default: `envoy`.
    pub providers: Vec<ProviderRef>,
    /// Turns the entry off. Default: `false`.
    pub disabled: bool,
    /// Streams to log. Default: all.
    pub filter: Option<FilterConfig>,
    /// Percentage of these streams to log, chosen at random. Default: 100.
    pub percentage: Option<Percentage>,
    /// Streams that are logged regardless of `percentage`. They must still match `filter`.
    pub always: AlwaysConfig,
    /// Maximum lines per second and worker, 1 to 10,000. Streams logged because of `always` have a
    /// separate limit of the same size. Default: 100.
    pub max_per_second: Option<IntegerWithin<1, 10_000>>,
    /// Fields to add, change or remove by name, at most 64.
    pub fields: BTreeMap<FieldName, FieldConfig>,
    /// Level of the lines in the proxy's own log. Default: `WARN`.
    pub level: Option<Level>,
    #[serde(deserialize_with = "did_you_mean::in_match")]
    mode: (),
    #[serde(deserialize_with = "did_you_mean::providers")]
    provider: (),
    #[serde(alias = "format", deserialize_with = "did_you_mean::log_format")]
    log_format: (),
}

/// Streams that are logged regardless of `percentage`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AlwaysConfig {
    /// Whether to log all errors. Default: `true`.
    pub errors: Option<bool>,
    /// Log all streams with a longer duration, 1ms to 1h. Default: none.
    pub slower_than: Option<DurationWithin<1, HOUR_MS>>,
}

/// A change to one field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FieldConfig {
    /// `UPSERT` adds or changes the field, `REMOVE` leaves it out. Default: `UPSERT`.
    pub operation: Option<TagOperation>,
    /// Expression for the value. Literal text needs quotes: `"'production'"`. Required unless the
    /// field is a standard field.
    #[schemars(extend("examples" = ["request.headers['x-tenant']", "'production'"]))]
    pub value: Option<ExpressionText>,
    /// Redaction of the value. A credential or an identity requires `HASH`. Default: none.
    pub redact: Option<Redaction>,
}

/// The level of a line in the proxy's log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Hidden by the default log level of Istio's proxies.
    Info,
    /// Shown by the default log level of Istio's proxies.
    #[default]
    Warn,
}

/// The name of a field: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ -",
    extend("pattern" = "^[A-Za-z0-9._-]{1,64}$", "examples" = ["user_agent", "tenant"])
)]
pub struct FieldName(String);

const HOUR_MS: u64 = 3_600_000;

impl FieldName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_valid = |name: &str| (1..=64).contains(&name.len()) && name.bytes().all(is_allowed);
        text(deserializer, "1 to 64 of A-Z a-z 0-9 . _ -", is_valid).map(Self)
    }
}
