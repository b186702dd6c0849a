//! `tagOverrides` and `dimensions`.

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

/// The value of one label: an entry of `tagOverrides` or of `dimensions`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelConfig {
    /// What is done to a label of that name; only in `tagOverrides`.
    pub operation: Option<TagOperation>,
    /// What the value is made of.
    pub value: Option<ExpressionText>,
    /// Whether ASCII letters become small.
    pub lower: bool,
    /// What is kept of the value.
    pub extract: Option<Extract>,
    /// What stands for which value; any other is `other`.
    pub map: Option<BTreeMap<String, String>>,
    /// The values that are kept; any other is `other`.
    pub values: Option<Vec<String>>,
    /// The bounds between which numbers fall.
    pub buckets: Option<Buckets>,
    /// How many values are told apart; that of the metric if absent.
    pub max_values: Option<IntegerWithin<1, 1_000>>,
}

/// What is done to a label.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagOperation {
    /// It is added, or has another value.
    Upsert,
    /// It is left out.
    Remove,
}

/// An entry of `dimensions`: an expression alone, or a label.
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

/// Reads a value of the document, telling a rule where it is not kept.
fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    rule: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    read(&value).ok_or_else(|| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}
