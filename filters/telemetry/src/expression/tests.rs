#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeMap;

use super::*;
use crate::config::ExpressionText;

mod compiled;
mod evaluated;
mod hostile;

/// A stream with cached attributes only.
pub(crate) struct Stream(AttributeCache);

impl Attributes for Stream {
    fn value(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot, || None)
    }
}

/// Creates a stream with attributes by their names.
pub(crate) fn stream(reads: &AttributeTable, values: &[(&str, Value)]) -> Stream {
    let values: BTreeMap<&str, &Value> =
        values.iter().map(|(name, value)| (*name, value)).collect();
    let cache = reads.new_cache();
    for (slot, attribute) in reads.iter() {
        let value = values.get(attribute.to_string().as_str()).map(|value| (*value).clone());
        cache.get(slot, || value);
    }
    Stream(cache)
}

fn compile(text: &str) -> (Expression, AttributeTable) {
    let mut reads = AttributeTable::default();
    let compiled = Expression::compile(text, Phase::End, ResultKind::Any, &mut reads);
    (compiled.unwrap_or_else(|error| panic!("{text}: {error}")), reads)
}

fn refusal(text: &str, phase: Phase, wanted: ResultKind) -> String {
    let compiled = Expression::compile(text, phase, wanted, &mut AttributeTable::default());
    compiled.map(|expression| panic!("{text}: accepted as {expression:?}")).unwrap_err().to_string()
}

fn value(text: &str, values: &[(&str, Value)]) -> Result<Value, EvaluationError> {
    let (expression, reads) = compile(text);
    expression.evaluate(&stream(&reads, values)).map(Cow::into_owned)
}

#[test]
fn texts_have_1_to_1024_bytes() {
    let longest = format!("'{}'", "x".repeat(1022));
    assert!(serde_json::from_value::<ExpressionText>(serde_json::json!(longest)).is_ok());
    for bad in
        [serde_json::json!(""), serde_json::json!(format!("{longest} ")), serde_json::json!(1)]
    {
        let error = serde_json::from_value::<ExpressionText>(bad).unwrap_err().to_string();
        assert!(error.starts_with("must be a CEL expression of 1 to 1024 bytes, got "), "{error}");
    }
}
