//! Version ranges.

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A version range in the syntax of Cargo (`>=2.1, <3`).
#[derive(Clone, Debug, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "version range, such as \">=2.1, <3\"",
    extend("examples" = [">=2.1, <3", "^1.2"])
)]
pub(super) struct VersionRange(VersionReq);

/// Maximum length of a version, in bytes.
const MAX_LEN: usize = 128;

impl VersionRange {
    /// Returns whether the version is in the range; `None` if the text is not a version.
    pub(super) fn contains(&self, text: &str) -> Option<bool> {
        version(text).map(|version| self.0.matches(&version))
    }
}

/// Parses one to three numbers, with an optional `v`, pre-release and build metadata.
fn version(text: &str) -> Option<Version> {
    if text.len() > MAX_LEN {
        return None;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (numbers, rest) = text.split_at_checked(text.find(['-', '+']).unwrap_or(text.len()))?;
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    Version::parse(&format!("{numbers}{missing}{rest}")).ok()
}

impl<'de> Deserialize<'de> for VersionRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let range = value.as_str().and_then(|text| VersionReq::parse(text).ok());
        range.map(Self).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be a version range such as \">=2.1, <3\", {}",
                Shown(&value)
            ))
        })
    }
}
