//! Evaluates operators and functions on values.

use std::cmp::Ordering;

use memchr::memmem;

use super::{
    convert::{self, utf8},
    evaluation_error::EvaluationError,
    operation::{Binary, Unary},
    value::Value,
};

/// Maximum length of a concatenated text in bytes.
const MAX_LEN: usize = 65_536;

type Computed = Result<Value, EvaluationError>;

pub(super) fn unary(operation: Unary, of: &Value) -> Computed {
    match (operation, of) {
        (Unary::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (Unary::Negate, Value::Int(integer)) => {
            integer.checked_neg().map(Value::Int).ok_or(EvaluationError::Overflow)
        }
        (Unary::Negate, Value::Double(number)) => Ok(Value::Double(-number)),
        (Unary::Size, of) => size(of),
        (Unary::ToText, of) => convert::to_text(of).map(Value::Text),
        (Unary::ToInt, of) => convert::to_int(of).map(Value::Int),
        (Unary::ToDouble, of) => convert::to_double(of).map(Value::Double),
        (Unary::LowerAscii, Value::Text(text)) => Ok(Value::Text(text.to_ascii_lowercase())),
        (Unary::Not | Unary::Negate | Unary::LowerAscii, _) => Err(EvaluationError::Kind),
    }
}

pub(super) fn binary(operation: Binary, left: &Value, right: &Value) -> Computed {
    match operation {
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            arithmetic(operation, left, right)
        }
        Binary::Equal => Ok(Value::Bool(left.equals(right))),
        Binary::NotEqual => Ok(Value::Bool(!left.equals(right))),
        Binary::Less => ordered(left, right, Ordering::is_lt),
        Binary::LessOrEqual => ordered(left, right, Ordering::is_le),
        Binary::Greater => ordered(left, right, Ordering::is_gt),
        Binary::GreaterOrEqual => ordered(left, right, Ordering::is_ge),
        Binary::In => contained(left, right),
        Binary::StartsWith => text(left, right, |text, part| text.starts_with(part)),
        Binary::EndsWith => text(left, right, |text, part| text.ends_with(part)),
        Binary::Contains => text(left, right, |text, part| memmem::find(text, part).is_some()),
    }
}

fn size(of: &Value) -> Computed {
    let size = match of {
        Value::Text(_) => utf8(of)?.chars().count(),
        Value::List(elements) => elements.len(),
        Value::Map(members) => members.len(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Duration(_)
        | Value::Timestamp(_) => return Err(EvaluationError::Kind),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| EvaluationError::Overflow)
}

fn arithmetic(operation: Binary, left: &Value, right: &Value) -> Computed {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integer(operation, *left, *right).map(Value::Int),
        (Value::Double(left), Value::Double(right)) => {
            float(operation, *left, *right).map(Value::Double)
        }
        (Value::Duration(left), Value::Duration(right))
            if matches!(operation, Binary::Add | Binary::Subtract) =>
        {
            integer(operation, *left, *right).map(Value::Duration)
        }
        (Value::Text(left), Value::Text(right)) if operation == Binary::Add => {
            let is_short = left.len().saturating_add(right.len()) <= MAX_LEN;
            if is_short {
                Ok(Value::Text([&left[..], right].concat()))
            } else {
                Err(EvaluationError::TooLong)
            }
        }
        _ => Err(EvaluationError::Kind),
    }
}

fn integer(operation: Binary, left: i64, right: i64) -> Result<i64, EvaluationError> {
    let divides = matches!(operation, Binary::Divide | Binary::Remainder);
    if divides && right == 0 {
        return Err(EvaluationError::DivisionByZero);
    }
    let result = match operation {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::Divide => left.checked_div(right),
        Binary::Remainder => left.checked_rem(right),
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual
        | Binary::In
        | Binary::StartsWith
        | Binary::EndsWith
        | Binary::Contains => return Err(EvaluationError::Kind),
    };
    result.ok_or(EvaluationError::Overflow)
}

fn float(operation: Binary, left: f64, right: f64) -> Result<f64, EvaluationError> {
    match operation {
        Binary::Add => Ok(left + right),
        Binary::Subtract => Ok(left - right),
        Binary::Multiply => Ok(left * right),
        Binary::Divide => Ok(left / right),
        Binary::Remainder
        | Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual
        | Binary::In
        | Binary::StartsWith
        | Binary::EndsWith
        | Binary::Contains => Err(EvaluationError::Kind),
    }
}

fn ordered(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Computed {
    if left.is_nan() || right.is_nan() {
        return Ok(Value::Bool(false));
    }
    left.compare(right).map(|order| Value::Bool(holds(order))).ok_or(EvaluationError::Kind)
}

fn contained(left: &Value, right: &Value) -> Computed {
    match (left, right) {
        (_, Value::List(elements)) => {
            Ok(Value::Bool(elements.iter().any(|element| left.equals(element))))
        }
        (Value::Text(name), Value::Map(members)) => Ok(Value::Bool(members.contains_key(name))),
        _ => Err(EvaluationError::Kind),
    }
}

fn text(left: &Value, right: &Value, holds: fn(&[u8], &[u8]) -> bool) -> Computed {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Ok(Value::Bool(holds(left, right))),
        _ => Err(EvaluationError::Kind),
    }
}
