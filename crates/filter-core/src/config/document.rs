//! A JSON parser that reports duplicate members.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{
    ConfigErrors, InvalidConfig, message,
    path::{Path, Step},
};

/// Hint for a text that is not a JSON object: Envoy does not convert YAML, unlike Istio.
const YAML: &str = "; convert YAML to JSON, as Istio does with pluginConfig";

/// Parses a document and adds an error for each duplicate member.
pub(super) fn read(document: &[u8], errors: &mut ConfigErrors) -> Result<Value, InvalidConfig> {
    let mut json = serde_json::Deserializer::from_slice(document);
    let mut path = Path::default();
    let value = Node { path: &mut path, errors }
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    value.map_err(|error| {
        let hint = if document.trim_ascii_start().starts_with(b"{") { "" } else { YAML };
        let message = format!("must be JSON: {}{hint}", message::without_position(&error));
        super::ConfigError { path: path.to_string(), message }.into()
    })
}

struct Node<'a> {
    path: &'a mut Path,
    errors: &'a mut ConfigErrors,
}

impl Node<'_> {
    fn at(&mut self, step: Step) -> Node<'_> {
        self.path.0.push(step);
        Node { path: self.path, errors: self.errors }
    }

    /// Leaves the value that `at` entered. Not called after an error, so that its path is kept.
    fn leave(&mut self) {
        self.path.0.pop();
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.at(Step::Index(values.len())))? {
            self.leave();
            values.push(value);
        }
        self.leave();
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let value = object.next_value_seed(self.at(Step::Member(name.clone())))?;
            if members.contains_key(&name) {
                self.errors.add(&*self.path, "must be given only once");
            }
            self.leave();
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
