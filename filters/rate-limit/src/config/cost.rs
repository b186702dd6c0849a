//! The `cost` of a limit.

use std::{borrow::Cow, fmt};

use filter_core::IntegerWithin;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::values::MAX_UNITS;

/// The units of a request: a number, or its source.
#[derive(Clone, Debug)]
pub enum CostConfig {
    /// The same for all requests.
    Fixed(IntegerWithin<0, MAX_UNITS>),
    /// Read from the request.
    From(CostFrom),
}

/// Units that are read from the request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"from": "%CLAIM(weight)%", "default": 1, "max": 100}]))]
pub struct CostFrom {
    /// Source of the number: `%CLAIM(path)%`, or `%REQ(name)%` or `%PATH(variable)%`, whose cost is
    /// at least 1.
    pub from: String,
    /// Units if there is no number, 0 to 1,000,000. Default: 1.
    #[serde(default)]
    pub default: Option<IntegerWithin<0, MAX_UNITS>>,
    /// Maximum of the number, 1 to 1,000,000. Default: 1,000.
    #[serde(default)]
    pub max: Option<IntegerWithin<1, MAX_UNITS>>,
}

impl JsonSchema for CostConfig {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fixed = generator.subschema_for::<IntegerWithin<0, MAX_UNITS>>();
        let from = generator.subschema_for::<CostFrom>();
        json_schema!({"anyOf": [fixed, from], "examples": [10]})
    }
}

impl<'de> Deserialize<'de> for CostConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CostVisitor)
    }
}

/// Reads the fields of an object in place, so that errors have the paths of the fields.
struct CostVisitor;

fn fixed<'de, E: Error>(value: impl IntoDeserializer<'de, E>) -> Result<CostConfig, E> {
    Deserialize::deserialize(value.into_deserializer()).map(CostConfig::Fixed)
}

impl<'de> Visitor<'de> for CostVisitor {
    type Value = CostConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or an object with from")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CostConfig, A::Error> {
        CostFrom::deserialize(MapAccessDeserializer::new(map)).map(CostConfig::From)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<CostConfig, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(CostConfig::Fixed)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<CostConfig, E> {
        fixed(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<CostConfig, E> {
        fixed(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<CostConfig, E> {
        fixed(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<CostConfig, E> {
        fixed(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<CostConfig, E> {
        fixed(value)
    }
}
