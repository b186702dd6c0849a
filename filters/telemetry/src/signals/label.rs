//! The value of one label: an expression, and a fixed order of transforms behind it.

use std::{borrow::Cow, collections::BTreeMap};

use filter_core::{ConfigErrors, IntegerWithin, Shown};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, value::MapAccessDeserializer},
};

use crate::expression::{Attributes, Expression, Failure, Phase, Reads, Slot, Text, Wanted};

mod buckets;
mod extract;

pub use crate::signals::label::{buckets::Buckets, extract::Extract};

/// The value of one label: an entry of `tagOverrides` or of `dimensions`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelConfig {
    /// What is done to a label of that name; only in `tagOverrides`.
    pub operation: Option<TagOperation>,
    /// What the value is made of.
    pub value: Option<Text>,
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

/// A compiled label.
#[derive(Clone, Debug)]
pub struct Label {
    value: Expression,
    is_lower: bool,
    extract: Option<Extract>,
    closing: Closing,
    max_values: Option<usize>,
}

/// What makes the values few.
#[derive(Clone, Debug)]
enum Closing {
    Open,
    Map(BTreeMap<Vec<u8>, String>),
    Values(Vec<String>),
    Buckets(Buckets),
}

/// Stands for a value that a label does not name.
pub const OTHER: &[u8] = b"other";

/// Stands for a value that is missing.
pub const UNKNOWN: &[u8] = b"unknown";

/// The most entries of `map` and `values`.
const MAX: usize = 1_000;

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrLabel)
    }
}

fn text_or_label(generator: &mut SchemaGenerator) -> Schema {
    let forms = [generator.subschema_for::<Text>(), generator.subschema_for::<LabelConfig>()];
    json_schema!({"anyOf": forms})
}

struct TextOrLabel;

impl<'de> serde::de::Visitor<'de> for TextOrLabel {
    type Value = Dimension;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a CEL expression, or an object with a value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dimension, E> {
        let value = Text::deserialize(serde::de::value::StrDeserializer::new(text))?;
        Ok(Dimension(LabelConfig { value: Some(value), ..LabelConfig::default() }))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Dimension, A::Error> {
        LabelConfig::deserialize(MapAccessDeserializer::new(map)).map(Dimension)
    }
}

impl Label {
    /// Compiles a label; `None` where it is refused, which `errors` then tells.
    pub fn compile(
        config: &LabelConfig,
        phase: Phase,
        path: &str,
        reads: &mut Reads,
        errors: &mut ConfigErrors,
    ) -> Option<Self> {
        let closing = closing(config, path, errors);
        let Some(text) = &config.value else {
            errors.add(path, "must have a value");
            return None;
        };
        let path = format!("{path}.value");
        let compiled = Expression::compile(text.as_str(), phase, Wanted::Scalar, reads);
        let value = compiled.map_err(|error| errors.add(&path, error)).ok()?;
        let closing = closing?;
        if value.is_secret() && matches!(closing, Closing::Open) {
            let rule = "must not show a credential or an identity, unless map, values or buckets bound what is shown";
            errors.add(&path, rule);
            return None;
        }
        let max_values = config.max_values.and_then(|most| usize::try_from(most.get()).ok());
        let extract = config.extract.clone();
        Some(Self { value, is_lower: config.lower, extract, closing, max_values })
    }

    /// Says whether the document bounds the values, so that they need no counting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !matches!(self.closing, Closing::Open) || self.value.constant().is_some()
    }

    /// Returns how many values are told apart, where the label says so itself.
    #[must_use]
    pub const fn max_values(&self) -> Option<usize> {
        self.max_values
    }

    /// Returns the places of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        self.value.slots()
    }

    /// Returns the value on a stream, as it is: whoever writes it escapes and cuts it.
    ///
    /// # Errors
    ///
    /// Fails where the expression does; the label is [`UNKNOWN`] then.
    pub fn apply<'a>(&'a self, at: &'a dyn Attributes) -> Result<Cow<'a, [u8]>, Failure> {
        let mut text = text(self.value.evaluate(at)?)?;
        if self.is_lower && text.iter().any(u8::is_ascii_uppercase) {
            text.to_mut().make_ascii_lowercase();
        }
        let Some(text) = extracted(self.extract.as_ref(), text) else {
            return Ok(Cow::Borrowed(UNKNOWN));
        };
        if text.is_empty() {
            return Ok(Cow::Borrowed(UNKNOWN));
        }
        Ok(self.closing.close(text))
    }
}

impl Closing {
    fn close<'a>(&'a self, text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let known = match self {
            Self::Open => return text,
            Self::Map(names) => names.get(&*text).map(String::as_bytes),
            Self::Values(values) => {
                values.iter().map(String::as_bytes).find(|value| **value == *text)
            }
            Self::Buckets(buckets) => buckets.name(&text).map(str::as_bytes),
        };
        Cow::Borrowed(known.unwrap_or(OTHER))
    }
}

fn text(value: Cow<'_, crate::expression::Value>) -> Result<Cow<'_, [u8]>, Failure> {
    match value {
        Cow::Borrowed(value) => value.to_text(),
        Cow::Owned(value) => value.to_text().map(|text| Cow::Owned(text.into_owned())),
    }
}

fn extracted<'a>(extract: Option<&Extract>, text: Cow<'a, [u8]>) -> Option<Cow<'a, [u8]>> {
    match (extract, text) {
        (None, text) => Some(text),
        (Some(extract), Cow::Borrowed(text)) => extract.find(text).map(Cow::Borrowed),
        (Some(extract), Cow::Owned(text)) => {
            extract.find(&text).map(|found| Cow::Owned(found.to_vec()))
        }
    }
}

/// Compiles what bounds the values; `None` where that is refused.
fn closing(config: &LabelConfig, path: &str, errors: &mut ConfigErrors) -> Option<Closing> {
    let mut told = |field: &str, rule: &str| {
        errors.add(format_args!("{path}{field}"), rule);
        None
    };
    let is_count_legal = |count: usize| (1..=MAX).contains(&count);
    match (&config.map, &config.values, &config.buckets) {
        (None, None, None) => Some(Closing::Open),
        (Some(map), None, None) if is_count_legal(map.len()) => {
            let names = map.iter().map(|(from, to)| (from.clone().into_bytes(), to.clone()));
            Some(Closing::Map(names.collect()))
        }
        (None, Some(values), None) if is_count_legal(values.len()) => {
            Some(Closing::Values(values.clone()))
        }
        (None, None, Some(buckets)) => Some(Closing::Buckets(buckets.clone())),
        (Some(_), None, None) => told(".map", "must have 1 to 1000 entries"),
        (None, Some(_), None) => told(".values", "must have 1 to 1000 entries"),
        _ => told("", "must have at most one of map, values and buckets"),
    }
}

/// Reads a value of the document, telling a rule where it is not kept.
fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    rule: &str,
    read: impl Fn(&serde_json::Value) -> Option<T>,
) -> Result<T, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    read(&value).ok_or_else(|| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}

#[cfg(test)]
mod tests;
