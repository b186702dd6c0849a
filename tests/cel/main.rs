//! Expressions of telemetry beside the conformance tests of the Common Expression Language.
//!
//! Each of them has the value that it should have, or is refused before any stream is.

use std::{env, fs};

use telemetry::expression::{
    AttributeTable, Attributes, Expression, InvalidExpression, Phase, ResultKind, Slot, Value,
};

mod text_proto;

use text_proto::{Field, Message};

/// A stream without attributes.
struct Nothing;

impl Attributes for Nothing {
    fn value(&self, _slot: Slot) -> Option<&Value> {
        None
    }
}

/// What became of the cases.
#[derive(Debug, Default)]
struct Tally {
    equal: Vec<String>,
    refused: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, case: &Message) {
        let text = case.text("expr").unwrap_or_default();
        match value(&text) {
            Err(_) => self.refused.push(text),
            Ok(value) if is_right(value.as_ref(), case) => self.equal.push(text),
            Ok(value) => self.wrong.push(format!("{text}: {value:?}")),
        }
    }
}

/// Compiles an expression and evaluates it; `None` where that fails.
fn value(text: &str) -> Result<Option<Value>, InvalidExpression> {
    let mut reads = AttributeTable::default();
    let expression = Expression::compile(text, Phase::End, ResultKind::Any, &mut reads)?;
    // What has variables of its own reads attributes that no stream has here.
    Ok(expression.evaluate(&Nothing).ok().map(|value| value.into_owned()))
}

/// Says whether a case has that value; without one it should fail.
fn is_right(value: Option<&Value>, case: &Message) -> bool {
    let typed = case.message("typed_result");
    let result = typed.and_then(|typed| typed.message("result"));
    match (value, case.message("value").or(result).map(expected)) {
        // A case that is about kinds alone.
        (Some(_), None) if typed.is_some() => true,
        (Some(value), Some(expected)) => expected.is_some_and(|it| is_same(value, &it)),
        (Some(value), None) => *value == Value::Bool(true) && case.message("eval_error").is_none(),
        (None, _) => case.message("eval_error").is_some(),
    }
}

fn is_same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Double(one), Value::Double(two)) if one.is_nan() => two.is_nan(),
        (Value::List(one), Value::List(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_same(one, two))
        }
        _ => one == two,
    }
}

/// Reads the value that a case should have; `None` for a kind that no expression of ours has.
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
fn every_case_is_right_or_refused() {
    let path = env::var("WEIR_CEL_CONFORMANCE").expect("WEIR_CEL_CONFORMANCE: see `make test-cel`");
    let cases = fs::read_to_string(path).unwrap();
    let mut tally = Tally::default();
    for section in text_proto::parse(&cases).unwrap().all("section") {
        let Field::Message(section) = section else { panic!("a section is a message") };
        for case in section.all("test") {
            let Field::Message(case) = case else { panic!("a case is a message") };
            tally.count(case);
        }
    }
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    // Fewer would mean that something is refused which was not.
    assert!(tally.equal.len() >= 393, "{} equal", tally.equal.len());
}
