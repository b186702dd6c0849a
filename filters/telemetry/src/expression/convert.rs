//! From one kind of value to another.

use std::borrow::Cow;

use super::{
    evaluation_error::EvaluationError,
    time_text,
    value::{Value, to_double as nearest},
};

const NANOS: i64 = 1_000_000_000;

impl Value {
    /// Writes the value as `string()` does.
    ///
    /// # Errors
    ///
    /// Lists and maps have no text.
    pub fn to_text(&self) -> Result<Cow<'_, [u8]>, EvaluationError> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            other => to_text(other).map(Cow::Owned),
        }
    }
}

/// Returns text whose letters count.
pub(super) fn utf8(value: &Value) -> Result<&str, EvaluationError> {
    match value {
        Value::Text(text) => str::from_utf8(text).map_err(|_| EvaluationError::Conversion),
        _ => Err(EvaluationError::Kind),
    }
}

/// Writes a value as `string()` does.
pub(super) fn to_text(value: &Value) -> Result<Vec<u8>, EvaluationError> {
    let text = match value {
        Value::Text(text) => return Ok(text.clone()),
        Value::Bool(value) => value.to_string(),
        Value::Int(whole) => whole.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Duration(nanos) => time_text::seconds(*nanos),
        Value::Timestamp(nanos) => time_text::rfc3339(*nanos),
        Value::List(_) | Value::Map(_) => return Err(EvaluationError::Kind),
    };
    Ok(text.into_bytes())
}

/// Reads a whole number as `int()` does: fractions are cut, a time gives its seconds.
pub(super) fn to_int(value: &Value) -> Result<i64, EvaluationError> {
    match value {
        Value::Int(whole) => Ok(*whole),
        Value::Double(number) => truncated(*number),
        Value::Text(_) => utf8(value)?.parse().map_err(|_| EvaluationError::Conversion),
        Value::Timestamp(nanos) => Ok(nanos.div_euclid(NANOS)),
        _ => Err(EvaluationError::Kind),
    }
}

/// Reads a number as `double()` does.
pub(super) fn to_double(value: &Value) -> Result<f64, EvaluationError> {
    match value {
        Value::Int(whole) => Ok(nearest(*whole)),
        Value::Double(number) => Ok(*number),
        Value::Text(_) => utf8(value)?.parse().map_err(|_| EvaluationError::Conversion),
        _ => Err(EvaluationError::Kind),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncated(number: f64) -> Result<i64, EvaluationError> {
    // Both ends are excluded, as in CEL: no double tells them from what is outside.
    let (least, most) = (nearest(i64::MIN), nearest(i64::MAX));
    if least < number && number < most { Ok(number as i64) } else { Err(EvaluationError::Overflow) }
}
