//! What is logged: the `accessLogging` of Istio's Telemetry.

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
    /// The listeners that it is for.
    pub r#match: EntryMatch,
    /// At most one provider; `envoy`, the proxy's own log, if absent.
    pub providers: Vec<ProviderRef>,
    /// Whether the entry logs nothing.
    pub disabled: bool,
    /// Which streams; all if absent.
    pub filter: Option<FilterConfig>,
    /// The share of them that is logged; all if absent.
    pub percentage: Option<Percentage>,
    /// Which of them are logged whatever the share.
    pub always: AlwaysConfig,
    /// The most lines of a worker in a second, and as many again of `always`; 100 if absent.
    pub max_per_second: Option<IntegerWithin<1, 10_000>>,
    /// Changes of the fields.
    pub fields: BTreeMap<FieldName, FieldConfig>,
    /// The level of a line in the proxy's log; `WARN` if absent.
    pub level: Option<Level>,
    #[serde(deserialize_with = "did_you_mean::in_match")]
    mode: (),
    #[serde(deserialize_with = "did_you_mean::providers")]
    provider: (),
    #[serde(alias = "format", deserialize_with = "did_you_mean::log_format")]
    log_format: (),
}

/// Which streams are logged whatever the share.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AlwaysConfig {
    /// Errors; they are if absent.
    pub errors: Option<bool>,
    /// Streams that last longer.
    pub slower_than: Option<DurationWithin<1, HOUR_MS>>,
}

/// A change of one field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FieldConfig {
    /// What is done; the field is added or changed if absent.
    pub operation: Option<TagOperation>,
    /// What the field holds; only a field that is there anyway can do without.
    pub value: Option<ExpressionText>,
    /// How its value is made harmless.
    pub redact: Option<Redaction>,
}

/// The level of a line in the proxy's log. Istio's default log level hides `INFO`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Nothing to worry about.
    Info,
    /// What Istio's proxies show unless told otherwise.
    #[default]
    Warn,
}

/// The name of a field: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ -",
    extend("pattern" = "^[A-Za-z0-9._-]{1,64}$")
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
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let legal = |name: &str| (1..=64).contains(&name.len()) && name.bytes().all(plain);
        text(deserializer, "1 to 64 of A-Z a-z 0-9 . _ -", legal).map(Self)
    }
}
