//! JSON Schemas of configuration documents, for editors and for validation before deployment.
//!
//! Every type of a document derives `JsonSchema` as well as `Deserialize`. A schema never refuses a
//! document that the parser accepts; rules that it cannot express are left to the parser.
//! <https://json-schema.org/draft/2020-12>

use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::SchemaSettings,
    json_schema,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

/// Returns the schema of a document, without its fields of type `()`, which are always refused.
///
/// ```
/// #[derive(schemars::JsonSchema)]
/// #[schemars(title = "x", deny_unknown_fields)]
/// struct Config {
///     /// Time limit of a request.
///     timeout: filter_core::DurationWithin<100, 60_000>,
/// }
///
/// let schema = filter_core::schema::of::<Config>();
/// assert_eq!(schema["properties"]["timeout"]["title"], "duration from 100ms to 1m");
/// assert_eq!(schema["additionalProperties"], false);
/// ```
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(clean));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Adds a second name for a field, as `#[serde(alias)]` does.
pub fn alias(field: &'static str, second: &'static str) -> impl Transform {
    move |schema: &mut Schema| {
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        if let Some(property) = properties.get(field).cloned() {
            properties.insert(second.to_owned(), property);
        }
        let Some(Value::Array(required)) = schema.get_mut("required") else { return };
        let before = required.len();
        required.retain(|name| name != field);
        if required.len() < before {
            let either = json!({"oneOf": [requires(&field), requires(&second)]});
            match schema.get_mut("allOf") {
                Some(Value::Array(all)) => all.push(either),
                _ => drop(schema.insert("allOf".to_owned(), json!([either]))),
            }
        }
    }
}

/// Requires exactly one of some fields.
pub fn exactly_one(fields: &'static [&'static str]) -> impl Transform {
    |schema: &mut Schema| {
        schema.insert("oneOf".to_owned(), fields.iter().map(requires).collect());
    }
}

/// Allows at most one of some fields.
pub fn at_most_one(fields: &'static [&'static str]) -> impl Transform {
    |schema: &mut Schema| {
        let any: Vec<_> = fields.iter().map(requires).collect();
        let none = json!({"not": {"anyOf": any}});
        schema.insert("oneOf".to_owned(), any.into_iter().chain([none]).collect());
    }
}

fn requires(field: &&str) -> Value {
    json!({"required": [field]})
}

/// Returns the schema of a list that may also be given as a single value.
pub fn one_or_many<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let one = generator.subschema_for::<T>();
    json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
}

/// Removes properties that describe the Rust types and not the document.
fn clean(schema: &mut Schema) {
    let Some(members) = schema.as_object_mut() else { return };
    // The size of the Rust integer.
    members.remove("format");
    // Only means that the field is optional.
    if members.get("default") == Some(&Value::Null) {
        members.remove("default");
    }
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.retain(|_, property| property.get("type") != Some(&json!("null")));
    }
    remove_null(members);
    if let Some(Value::String(description)) = members.get_mut("description") {
        *description = plain_description(description);
    }
}

/// Removes `null`, which is an absent field in the Rust types but is refused in a document.
fn remove_null(members: &mut Map<String, Value>) {
    for list in ["type", "enum"] {
        let Some(Value::Array(values)) = members.get_mut(list) else { continue };
        values.retain(|value| !value.is_null() && *value != json!("null"));
        if let ("type", [only]) = (list, values.as_slice()) {
            let only = only.clone();
            members.insert(list.to_owned(), only);
        }
    }
    let Some(Value::Array(schemas)) = members.get_mut("anyOf") else { return };
    schemas.retain(|schema| *schema != json!({"type": "null"}));
    if let [Value::Object(only)] = schemas.as_slice() {
        let only = only.clone();
        members.remove("anyOf");
        for (name, value) in only {
            members.entry(name).or_insert(value);
        }
    }
}

/// Returns documentation without its code example, each paragraph and list item in one line.
fn plain_description(documentation: &str) -> String {
    let (text, _example) = documentation.split_once("```").unwrap_or((documentation, ""));
    let lines: Vec<_> = text.trim().lines().map(str::trim).collect();
    // A blank line became two spaces.
    lines.join(" ").replace("  ", "\n\n").replace(" - ", "\n- ")
}

#[cfg(test)]
mod tests;
