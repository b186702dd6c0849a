#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeMap;

use super::*;

mod compiled;
mod evaluated;
mod hostile;

/// A stream on which attributes have the values of a table.
struct Stream(Readings);

impl Attributes for Stream {
    fn value(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot, || None)
    }
}

/// Fills a stream with attributes by their names.
fn stream(reads: &Reads, values: &[(&str, Value)]) -> Stream {
    let values: BTreeMap<&str, &Value> =
        values.iter().map(|(name, value)| (*name, value)).collect();
    let readings = reads.readings();
    for (slot, attribute) in reads.iter() {
        let value = values.get(attribute.to_string().as_str()).map(|value| (*value).clone());
        readings.get(slot, || value);
    }
    Stream(readings)
}

fn compile(text: &str) -> (Expression, Reads) {
    let mut reads = Reads::default();
    let compiled = Expression::compile(text, Phase::End, Wanted::Any, &mut reads);
    (compiled.unwrap_or_else(|error| panic!("{text}: {error}")), reads)
}

fn refusal(text: &str, phase: Phase, wanted: Wanted) -> String {
    let compiled = Expression::compile(text, phase, wanted, &mut Reads::default());
    compiled.map(|it| panic!("{text}: accepted as {it:?}")).unwrap_err().to_string()
}

fn value(text: &str, values: &[(&str, Value)]) -> Result<Value, Failure> {
    let (expression, reads) = compile(text);
    expression.evaluate(&stream(&reads, values)).map(Cow::into_owned)
}

#[test]
fn a_text_is_1_to_1024_bytes() {
    let longest = format!("'{}'", "x".repeat(1022));
    assert!(serde_json::from_value::<Text>(serde_json::json!(longest)).is_ok());
    for bad in
        [serde_json::json!(""), serde_json::json!(format!("{longest} ")), serde_json::json!(1)]
    {
        let error = serde_json::from_value::<Text>(bad).unwrap_err().to_string();
        assert!(error.starts_with("must be a CEL expression of 1 to 1024 bytes, got "), "{error}");
    }
}
