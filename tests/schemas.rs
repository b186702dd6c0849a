//! The schemas of the filters' documents: the shipped files, and how they judge documents.

use std::{env, fs};

use anyhow::Result;
use serde_json::{Map, Value, json};
use tests::{process::read_text, repository};

use crate::documents::Reader;

/// The environment variable with which the files are written.
const WRITE: &str = "WEIR_WRITE_SCHEMAS";

#[test]
fn the_shipped_files_are_those_of_the_types() -> Result<()> {
    for filter in repository::filters()? {
        let path = format!("schemas/{filter}.json");
        let derived = format!("{:#}\n", (Reader::of(&filter)?.schema)());
        if env::var_os(WRITE).is_some() {
            fs::write(repository::root().join(&path), &derived)?;
        }
        let is_equal = read_text(&repository::root().join(&path)).is_ok_and(|it| it == derived);
        assert!(is_equal, "{path} is not what the types say: run `make schemas`");
    }
    Ok(())
}

#[test]
fn every_object_of_a_schema_knows_its_fields() -> Result<()> {
    for filter in repository::filters()? {
        let schema = (Reader::of(&filter)?.schema)();
        let mut objects = 0_usize;
        for pointer in pointers(&schema) {
            let Some(object) = schema.pointer(&pointer).filter(|it| it["type"] == "object") else {
                continue;
            };
            let is_map = object.get("patternProperties").is_some()
                || object["additionalProperties"].is_object();
            let is_closed = object["additionalProperties"] == json!(false);
            assert!(is_closed || is_map, "{filter}: {pointer} takes any field");
            objects = objects.saturating_add(1);
        }
        assert!(objects > 5, "{filter} has only {objects} objects");
    }
    Ok(())
}

/// Which part of the values each place of a sample is changed to.
const STEP: usize = 12;

#[test]
fn no_changed_sample_is_accepted_and_yet_refused_by_the_schema() -> Result<()> {
    for filter in repository::filters()? {
        let reader = Reader::of(&filter)?;
        let (mut accepted, mut refused) = (0_usize, 0_usize);
        for sample in samples(&filter)? {
            let changes = pointers(&sample).into_iter().flat_map(|pointer| {
                values().into_iter().map(move |value| (pointer.clone(), value))
            });
            for (pointer, value) in changes {
                let mut changed = sample.clone();
                let Some(place) = changed.pointer_mut(&pointer) else { continue };
                *place = value;
                match reader.accept(&changed) {
                    Ok(()) => accepted = accepted.saturating_add(1),
                    Err(_) => refused = refused.saturating_add(1),
                }
            }
        }
        assert!(accepted > 20 && refused > 200, "{filter}: {accepted} accepted, {refused} refused");
    }
    Ok(())
}

#[test]
fn a_slip_in_the_name_of_a_field_is_refused_by_the_schema() -> Result<()> {
    for filter in repository::filters()? {
        let reader = Reader::of(&filter)?;
        let mut slips = 0_usize;
        for sample in samples(&filter)? {
            for pointer in pointers(&sample) {
                let Some(Value::Object(members)) = sample.pointer(&pointer) else { continue };
                for name in members.keys() {
                    let mut changed = sample.clone();
                    changed.pointer_mut(&pointer).map(|place| *place = renamed(members, name));
                    let Err(invalid) = reader.accept(&changed) else { continue };
                    // Where anything may be a name, the name is not what is refused.
                    if invalid.to_string().contains("unknown field") {
                        assert!((reader.refuses)(&changed), "{filter}: {changed}");
                        slips = slips.saturating_add(1);
                    }
                }
            }
        }
        assert!(slips > 20, "{filter}: only {slips} slips");
    }
    Ok(())
}

fn renamed(members: &Map<String, Value>, name: &str) -> Value {
    let rename = |(one, value): (&String, &Value)| {
        let slip = if one == name { format!("{one}x") } else { one.clone() };
        (slip, value.clone())
    };
    members.iter().map(rename).collect()
}

/// The document of the WasmPlugin and those of the README.
fn samples(filter: &str) -> Result<Vec<Value>> {
    let mut samples = repository::readme_samples(filter)?;
    samples.retain(|sample| sample.get("kind").is_none());
    samples.push(repository::plugin_config(&format!("wasmplugins/{filter}.yaml"))?);
    Ok(samples)
}

/// The places of a document as JSON pointers, the document itself among them.
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

/// Values of every kind, many of them right somewhere.
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
        json!({"exact": null, "prefix": "x", "ignoreCase": true}),
        json!({"x": {}}),
        json!({"X-A": "b"}),
    ]
}
