//! Reading the `cost` of a limit.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::CostConfig;
use crate::config::limit::CostFrom;

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
