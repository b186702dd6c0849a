//! The conformance tests of the Common Expression Language, run against telemetry's expressions.
//!
//! Each expression has the expected value or fails to compile.

use std::{env, fs};

use telemetry::expression::{
    AttributeTable, Attributes, Expression, InvalidExpression, Phase, ResultKind, Slot, Value,
};

mod text_proto;

use text_proto::{Field, Message};

/// The attributes of a stream that has none.
struct Nothing;

impl Attributes for Nothing {
    fn value(&self, _slot: Slot) -> Option<&Value> {
        None
    }
}

/// The expressions of the cases by result.
#[derive(Debug, Default)]
struct Results {
    equal: Vec<String>,
    refused: Vec<String>,
    wrong: Vec<String>,
}

impl Results {
    fn count(&mut self, case: &Message) {
        let text = case.text("expr").unwrap_or_default();
        match value(&text) {
            Err(_) => self.refused.push(text),
            Ok(value) if is_right(value.as_ref(), case) => self.equal.push(text),
            Ok(value) => self.wrong.push(format!("{text}: {value:?}")),
        }
    }
}

/// Compiles and evaluates an expression. `None` if the evaluation fails.
fn value(text: &str) -> Result<Option<Value>, InvalidExpression> {
    let mut attributes = AttributeTable::default();
    let expression = Expression::compile(text, Phase::End, ResultKind::Any, &mut attributes)?;
    // A variable of the case is an attribute, which is always absent here.
    Ok(expression.evaluate(&Nothing).ok().map(|value| value.into_owned()))
}

/// Returns `true` if the case expects `value`, or expects an error and `value` is `None`.
fn is_right(value: Option<&Value>, case: &Message) -> bool {
    let typed = case.message("typed_result");
    let result = typed.and_then(|typed| typed.message("result"));
    match (value, case.message("value").or(result).map(expected)) {
        // The case only checks the type.
        (Some(_), None) if typed.is_some() => true,
        (Some(value), Some(expected)) => expected.is_some_and(|expected| is_same(value, &expected)),
        (Some(value), None) => *value == Value::Bool(true) && case.message("eval_error").is_none(),
        (None, _) => case.message("eval_error").is_some(),
    }
}

fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Double(left), Value::Double(right)) if left.is_nan() => right.is_nan(),
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        _ => left == right,
    }
}

/// Parses the expected value of a case. `None` for a type that telemetry does not support.
fn expected(value: &Message) -> Option<Value> {
    let (kind, field) = value.0.first()?;
    Some(match (kind.as_str(), field) {
        ("int64_value", Field::Word(word)) => Value::Int(word.parse().ok()?),
        ("double_value", Field::Word(word)) => Value::Double(word.parse().ok()?),
        ("bool_value", Field::Word(word)) => Value::Bool(word == "true"),
        ("string_value", Field::Text(text)) => Value::Text(text.clone()),
        ("list_value", Field::Message(list)) => {
            let elements = list.all("values").map(|element| match element {
                Field::Message(element) => expected(element),
                _ => None,
            });
            Value::List(elements.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[test]
fn every_case_passes_or_is_rejected() {
    let path = env::var("WEIR_CEL_CONFORMANCE").expect("WEIR_CEL_CONFORMANCE: see `make test-cel`");
    let cases = fs::read_to_string(path).unwrap();
    let mut results = Results::default();
    for section in text_proto::parse(&cases).unwrap().all("section") {
        let Field::Message(section) = section else { panic!("a section is a message") };
        for case in section.all("test") {
            let Field::Message(case) = case else { panic!("a case is a message") };
            results.count(case);
        }
    }
    assert!(results.wrong.is_empty(), "{}", results.wrong.join("\n"));
    // The number of cases that pass today: fewer mean a regression.
    assert!(results.equal.len() >= 393, "{} equal", results.equal.len());
}
