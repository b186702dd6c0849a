//! Named lists.

use filter_core::IpRange;
use schemars::JsonSchema;
use serde::Deserialize;

/// A named list: exactly one of `ips` and `values`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListConfig {
    /// Addresses and ranges, for `remoteIpLists`.
    pub ips: Option<Vec<IpRange>>,
    /// Texts, for `inLists` of a condition.
    pub values: Option<Vec<String>>,
}
