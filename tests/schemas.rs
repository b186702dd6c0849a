//! The JSON schemas of the filters' configuration: the shipped files match the types, and the
//! schemas agree with the filters.

use std::{env, fs};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tests::{process::read_text, repository};

use crate::documents::Reader;

/// Environment variable that makes the test write the files.
const WRITE: &str = "WEIR_WRITE_SCHEMAS";

#[test]
fn the_shipped_files_match_the_types() -> Result<()> {
    for filter in repository::filters()? {
        let path = format!("schemas/{filter}.json");
        let derived = format!("{:#}\n", (Reader::of(&filter)?.schema)());
        if env::var_os(WRITE).is_some() {
            fs::write(repository::root().join(&path), &derived)?;
        }
        let is_equal =
            read_text(&repository::root().join(&path)).is_ok_and(|shipped| shipped == derived);
        assert!(is_equal, "{path} is out of date: run `make schemas`");
    }
    Ok(())
}

#[test]
fn readme_example_is_valid() -> Result<()> {
    let readme = read_text(&repository::root().join("schemas/README.md"))?;
    let block = readme.split("```yaml\n# yaml-language-server: $schema=schemas/").nth(1);
    let (filter, rest) =
        block.and_then(|block| block.split_once(".json\n")).context("no modeline")?;
    let document = rest.split("```").next().context("no document")?;
    Reader::of(filter)?.accept(&repository::parse_yaml(document)?)?;
    Ok(())
}

#[test]
fn every_schema_object_lists_its_fields() -> Result<()> {
    for filter in repository::filters()? {
        let schema = (Reader::of(&filter)?.schema)();
        let mut objects = 0_usize;
        for pointer in pointers(&schema) {
            let Some(object) = schema.pointer(&pointer).filter(|object| object["type"] == "object")
            else {
                continue;
            };
            let is_map = object.get("patternProperties").is_some()
                || object["additionalProperties"].is_object();
            let is_closed = object["additionalProperties"] == json!(false);
            assert!(is_closed || is_map, "{filter}: {pointer} accepts unknown fields");
            objects = objects.saturating_add(1);
        }
        assert!(objects > 5, "{filter}: only {objects} objects");
    }
    Ok(())
}

#[test]
fn schema_accepts_every_sample_that_the_filter_accepts() -> Result<()> {
    for filter in repository::filters()? {
        let reader = Reader::of(&filter)?;
        let (mut accepted, mut refused) = (0_usize, 0_usize);
        for changed in samples(&filter)?.iter().flat_map(changes) {
            match reader.accept(&changed) {
                Ok(()) => accepted = accepted.saturating_add(1),
                Err(_) => refused = refused.saturating_add(1),
            }
        }
        assert!(accepted > 20 && refused > 200, "{filter}: {accepted} accepted, {refused} refused");
    }
    Ok(())
}

#[test]
fn schema_refuses_misspelt_fields() -> Result<()> {
    for filter in repository::filters()? {
        let reader = Reader::of(&filter)?;
        let mut misspelt_fields = 0_usize;
        for changed in samples(&filter)?.iter().flat_map(misspell_fields) {
            // In a map any name is valid.
            let result = reader.accept(&changed);
            if result.is_err_and(|error| error.to_string().contains("unknown field")) {
                assert!((reader.schema_rejects)(&changed), "{filter}: {changed}");
                misspelt_fields = misspelt_fields.saturating_add(1);
            }
        }
        assert!(misspelt_fields > 20, "{filter}: only {misspelt_fields} misspelt fields");
    }
    Ok(())
}

#[test]
fn null_values_are_refused_everywhere() -> Result<()> {
    for filter in repository::filters()? {
        let reader = Reader::of(&filter)?;
        let schema = (reader.schema)();
        let fields = schema["properties"].as_object().context("no properties")?.keys();
        let alone = fields.map(|field| json!({(field.as_str()): null}));
        let emptied = |sample: &Value| {
            let empty = |pointer: String| with(sample, &pointer, Value::Null);
            pointers(sample).into_iter().skip(1).filter_map(empty).collect::<Vec<_>>()
        };
        let samples = samples(&filter)?;
        for document in alone.chain(samples.iter().flat_map(emptied)) {
            let result = reader.accept(&document);
            assert!(result.is_err(), "{filter} accepts {document}");
            assert!((reader.schema_rejects)(&document), "{filter}: the schema accepts {document}");
        }
    }
    Ok(())
}

/// Returns copies of the sample, each with another field name misspelled.
fn misspell_fields(sample: &Value) -> Vec<Value> {
    let misspell = |pointer: String| {
        let members = sample.pointer(&pointer).and_then(Value::as_object).into_iter();
        let objects = members.flat_map(|members| members.keys().map(|name| renamed(members, name)));
        objects.filter_map(|object| with(sample, &pointer, object)).collect::<Vec<_>>()
    };
    pointers(sample).into_iter().flat_map(misspell).collect()
}

fn renamed(members: &Map<String, Value>, name: &str) -> Value {
    let rename = |(field, value): (&String, &Value)| {
        let renamed = if field == name { format!("{field}x") } else { field.clone() };
        (renamed, value.clone())
    };
    members.iter().map(rename).collect()
}

/// Returns the sample with the value at `pointer` replaced. `None` if the value does not exist.
fn with(sample: &Value, pointer: &str, value: Value) -> Option<Value> {
    let mut changed = sample.clone();
    *changed.pointer_mut(pointer)? = value;
    Some(changed)
}

/// Returns the configuration of the WasmPlugin and those of the README.
fn samples(filter: &str) -> Result<Vec<Value>> {
    let mut samples = repository::readme_samples(filter)?;
    samples.retain(|sample| sample.get("kind").is_none());
    samples.push(repository::plugin_config(&format!("wasmplugins/{filter}.yaml"))?);
    Ok(samples)
}

/// Returns copies of the sample, each with another value replaced.
///
/// Each value is replaced with a fifth of [`values`], because trying all of them takes a minute.
fn changes(sample: &Value) -> Vec<Value> {
    const STEP: usize = 5;
    let values = values();
    let change = |(number, pointer): (usize, String)| {
        let some = values.iter().skip(number % STEP).step_by(STEP);
        some.filter_map(|value| with(sample, &pointer, value.clone())).collect::<Vec<_>>()
    };
    pointers(sample).into_iter().enumerate().flat_map(change).collect()
}

/// Returns the JSON pointers of all values in a document, including the document itself.
fn pointers(document: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match document {
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        Value::Object(members) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            members.iter().map(|(name, value)| (escaped(name), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = inside.into_iter().flat_map(|(step, value)| {
        pointers(value).into_iter().map(move |rest| format!("/{step}{rest}"))
    });
    [String::new()].into_iter().chain(below).collect()
}

/// Returns values of every JSON type, many of them valid somewhere.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(0.5),
        json!(100),
        json!(503),
        json!(1e9),
        json!(""),
        json!("*"),
        json!("x"),
        json!("X-User"),
        json!("/orders/{id}"),
        json!("1.5s"),
        json!("host:80"),
        json!("https://a/b?c"),
        json!("é".repeat(64)),
        json!([]),
        json!(["x"]),
        json!([{}]),
        json!([[]]),
        json!({}),
        json!({"value": 50}),
        json!({"exact": "x"}),
        json!({"prefix": "x", "ignoreCase": true}),
        json!({"x": {}}),
        json!({"X-A": "b"}),
    ]
}
