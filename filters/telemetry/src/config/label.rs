//! `tagOverrides` and `dimensions`: labels of metrics.

use std::{collections::BTreeMap, fmt};

use filter_core::{IntegerWithin, Shown};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        self, Error as _, MapAccess, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};
use serde_json::Value;

use super::ExpressionText;

mod buckets;
mod extract;

pub use self::{buckets::Buckets, extract::Extract};

/// A label. The transforms apply in this order: `lower`, `extract`, then one of `map`, `values` and
/// `buckets`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelConfig {
    /// `UPSERT` adds or changes the label, `REMOVE` leaves it out. Allowed only in `tagOverrides`.
    /// Default: `UPSERT`.
    pub operation: Option<TagOperation>,
    /// Expression for the value. Literal text needs quotes: `"'production'"`. Required unless the
    /// label is removed.
    #[schemars(extend("examples" = ["request.headers['x-tenant']", "'production'"]))]
    pub value: Option<ExpressionText>,
    /// Converts ASCII letters to lower case. Default: `false`.
    pub lower: bool,
    /// Regular expression (RE2) with one group that must match the whole value. The value of the
    /// group is kept; without a match, the label is `unknown`.
    pub extract: Option<Extract>,
    /// Replacements by value, 1 to 1,000; any other value becomes `other`.
    pub map: Option<BTreeMap<String, String>>,
    /// Allowed values, 1 to 1,000; any other value becomes `other`.
    pub values: Option<Vec<String>>,
    /// Rising bounds that group numbers, 1 to 64: `[100, 500]` gives `<100`, `100-500` and `500+`.
    /// Any other value becomes `other`.
    pub buckets: Option<Buckets>,
    /// Maximum values in the whole proxy, 1 to 1,000; further ones become `other`. Default:
    /// `maxValues` of `metrics`. Ignored with `map`, `values` or `buckets`.
    pub max_values: Option<IntegerWithin<1, 1_000>>,
}

/// A change to a label or field.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagOperation {
    /// Add or change.
    Upsert,
    /// Remove.
    Remove,
}

/// An entry of `dimensions`: an expression, or a label.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq)]
#[schemars(inline, schema_with = "text_or_label")]
pub struct Dimension(pub LabelConfig);

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrLabel)
    }
}

fn text_or_label(generator: &mut SchemaGenerator) -> Schema {
    let forms =
        [generator.subschema_for::<ExpressionText>(), generator.subschema_for::<LabelConfig>()];
    json_schema!({"anyOf": forms})
}

struct TextOrLabel;

impl<'de> Visitor<'de> for TextOrLabel {
    type Value = Dimension;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a CEL expression, or an object with a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Dimension, E> {
        let value = ExpressionText::deserialize(StrDeserializer::new(text))?;
        Ok(Dimension(LabelConfig { value: Some(value), ..LabelConfig::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Dimension, A::Error> {
        LabelConfig::deserialize(MapAccessDeserializer::new(map)).map(Dimension)
    }
}

/// Deserializes a value with `read`; reports `rule` if it returns `None`.
fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    rule: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    read(&value).ok_or_else(|| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}
