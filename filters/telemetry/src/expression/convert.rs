//! From one kind of value to another.

use super::{
    compute::letters,
    evaluate::Failure,
    time_text,
    value::{Value, to_double as nearest},
};

const NANOS: i64 = 1_000_000_000;

/// Writes a value as `string()` does.
pub(super) fn to_text(value: &Value) -> Result<Vec<u8>, Failure> {
    let text = match value {
        Value::Text(text) => return Ok(text.clone()),
        Value::Bool(value) => value.to_string(),
        Value::Int(whole) => whole.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Duration(nanos) => time_text::seconds(*nanos),
        Value::Timestamp(nanos) => time_text::rfc3339(*nanos),
        Value::List(_) | Value::Map(_) => return Err(Failure::Kind),
    };
    Ok(text.into_bytes())
}

/// Reads a whole number as `int()` does: fractions are cut, a time gives its seconds.
pub(super) fn to_int(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Int(whole) => Ok(*whole),
        Value::Double(number) => cut(*number),
        Value::Text(_) => letters(value)?.parse().map_err(|_| Failure::Conversion),
        Value::Timestamp(nanos) => Ok(nanos.div_euclid(NANOS)),
        _ => Err(Failure::Kind),
    }
}

/// Reads a number as `double()` does.
pub(super) fn to_double(value: &Value) -> Result<f64, Failure> {
    match value {
        Value::Int(whole) => Ok(nearest(*whole)),
        Value::Double(number) => Ok(*number),
        Value::Text(_) => letters(value)?.parse().map_err(|_| Failure::Conversion),
        _ => Err(Failure::Kind),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn cut(number: f64) -> Result<i64, Failure> {
    // Both ends are excluded, as in CEL: no double tells them from what is outside.
    let (least, most) = (nearest(i64::MIN), nearest(i64::MAX));
    if least < number && number < most { Ok(number as i64) } else { Err(Failure::Overflow) }
}
