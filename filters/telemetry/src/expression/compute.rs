//! Operators and functions on values.

use std::cmp::Ordering;

use memchr::memmem;

use super::{
    convert::{self, letters},
    failure::Failure,
    operation::{Binary, Unary},
    value::Value,
};

/// The longest text that an operator makes, in bytes.
const MAX_LEN: usize = 65_536;

type Computed = Result<Value, Failure>;

pub(super) fn unary(operation: Unary, of: &Value) -> Computed {
    match (operation, of) {
        (Unary::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (Unary::Negate, Value::Int(whole)) => {
            whole.checked_neg().map(Value::Int).ok_or(Failure::Overflow)
        }
        (Unary::Negate, Value::Double(number)) => Ok(Value::Double(-number)),
        (Unary::Size, of) => size(of),
        (Unary::ToText, of) => convert::to_text(of).map(Value::Text),
        (Unary::ToInt, of) => convert::to_int(of).map(Value::Int),
        (Unary::ToDouble, of) => convert::to_double(of).map(Value::Double),
        (Unary::LowerAscii, Value::Text(text)) => Ok(Value::Text(text.to_ascii_lowercase())),
        (Unary::Not | Unary::Negate | Unary::LowerAscii, _) => Err(Failure::Kind),
    }
}

pub(super) fn binary(operation: Binary, one: &Value, two: &Value) -> Computed {
    match operation {
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            arithmetic(operation, one, two)
        }
        Binary::Equal => Ok(Value::Bool(one.equals(two))),
        Binary::NotEqual => Ok(Value::Bool(!one.equals(two))),
        Binary::Less => ordered(one, two, Ordering::is_lt),
        Binary::LessOrEqual => ordered(one, two, Ordering::is_le),
        Binary::Greater => ordered(one, two, Ordering::is_gt),
        Binary::GreaterOrEqual => ordered(one, two, Ordering::is_ge),
        Binary::In => contained(one, two),
        Binary::StartsWith => text(one, two, |text, part| text.starts_with(part)),
        Binary::EndsWith => text(one, two, |text, part| text.ends_with(part)),
        Binary::Contains => text(one, two, |text, part| memmem::find(text, part).is_some()),
    }
}

fn size(of: &Value) -> Computed {
    let size = match of {
        Value::Text(_) => letters(of)?.chars().count(),
        Value::List(elements) => elements.len(),
        Value::Map(members) => members.len(),
        _ => return Err(Failure::Kind),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| Failure::Overflow)
}

fn arithmetic(operation: Binary, one: &Value, two: &Value) -> Computed {
    match (one, two) {
        (Value::Int(one), Value::Int(two)) => whole(operation, *one, *two).map(Value::Int),
        (Value::Double(one), Value::Double(two)) => {
            fractional(operation, *one, *two).map(Value::Double)
        }
        (Value::Duration(one), Value::Duration(two))
            if matches!(operation, Binary::Add | Binary::Subtract) =>
        {
            whole(operation, *one, *two).map(Value::Duration)
        }
        (Value::Text(one), Value::Text(two)) if operation == Binary::Add => {
            let is_short = one.len().saturating_add(two.len()) <= MAX_LEN;
            if is_short { Ok(Value::Text([&one[..], two].concat())) } else { Err(Failure::TooLong) }
        }
        _ => Err(Failure::Kind),
    }
}

fn whole(operation: Binary, one: i64, two: i64) -> Result<i64, Failure> {
    let divides = matches!(operation, Binary::Divide | Binary::Remainder);
    if divides && two == 0 {
        return Err(Failure::DivisionByZero);
    }
    let result = match operation {
        Binary::Add => one.checked_add(two),
        Binary::Subtract => one.checked_sub(two),
        Binary::Multiply => one.checked_mul(two),
        Binary::Divide => one.checked_div(two),
        Binary::Remainder => one.checked_rem(two),
        _ => return Err(Failure::Kind),
    };
    result.ok_or(Failure::Overflow)
}

fn fractional(operation: Binary, one: f64, two: f64) -> Result<f64, Failure> {
    match operation {
        Binary::Add => Ok(one + two),
        Binary::Subtract => Ok(one - two),
        Binary::Multiply => Ok(one * two),
        Binary::Divide => Ok(one / two),
        _ => Err(Failure::Kind),
    }
}

fn ordered(one: &Value, two: &Value, holds: fn(Ordering) -> bool) -> Computed {
    if one.is_nan() || two.is_nan() {
        return Ok(Value::Bool(false));
    }
    one.compare(two).map(|order| Value::Bool(holds(order))).ok_or(Failure::Kind)
}

fn contained(one: &Value, two: &Value) -> Computed {
    match (one, two) {
        (_, Value::List(elements)) => {
            Ok(Value::Bool(elements.iter().any(|element| one.equals(element))))
        }
        (Value::Text(name), Value::Map(members)) => Ok(Value::Bool(members.contains_key(name))),
        _ => Err(Failure::Kind),
    }
}

fn text(one: &Value, two: &Value, holds: fn(&[u8], &[u8]) -> bool) -> Computed {
    match (one, two) {
        (Value::Text(one), Value::Text(two)) => Ok(Value::Bool(holds(one, two))),
        _ => Err(Failure::Kind),
    }
}
