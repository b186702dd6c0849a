//! Conversions between kinds of values.

use std::borrow::Cow;

use filter_core::time_text;

use super::{
    evaluation_error::EvaluationError,
    value::{Value, to_double as nearest},
};

const NANOS: i64 = 1_000_000_000;

impl Value {
    /// Converts the value as `string()` does.
    ///
    /// # Errors
    ///
    /// Returns an error for lists and maps.
    pub fn to_text(&self) -> Result<Cow<'_, [u8]>, EvaluationError> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            other => to_text(other).map(Cow::Owned),
        }
    }
}

/// Returns a text as UTF-8.
pub(super) fn utf8(value: &Value) -> Result<&str, EvaluationError> {
    let Value::Text(text) = value else { return Err(EvaluationError::Kind) };
    str::from_utf8(text).map_err(|_| EvaluationError::Conversion)
}

/// Converts a value as `string()` does.
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

/// Converts a value as `int()` does: a double is truncated, a timestamp becomes its seconds.
pub(super) fn to_int(value: &Value) -> Result<i64, EvaluationError> {
    match value {
        Value::Int(whole) => Ok(*whole),
        Value::Double(number) => truncate(*number),
        Value::Text(_) => utf8(value)?.parse().map_err(|_| EvaluationError::Conversion),
        Value::Timestamp(nanos) => Ok(nanos.div_euclid(NANOS)),
        Value::Bool(_) | Value::Duration(_) | Value::List(_) | Value::Map(_) => {
            Err(EvaluationError::Kind)
        }
    }
}

/// Converts a value as `double()` does.
pub(super) fn to_double(value: &Value) -> Result<f64, EvaluationError> {
    match value {
        Value::Int(whole) => Ok(nearest(*whole)),
        Value::Double(number) => Ok(*number),
        Value::Text(_) => utf8(value)?.parse().map_err(|_| EvaluationError::Conversion),
        Value::Bool(_)
        | Value::Duration(_)
        | Value::Timestamp(_)
        | Value::List(_)
        | Value::Map(_) => Err(EvaluationError::Kind),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncate(number: f64) -> Result<i64, EvaluationError> {
    // Both bounds are exclusive, as in CEL, because the nearest doubles are not exact.
    let (min, max) = (nearest(i64::MIN), nearest(i64::MAX));
    if min < number && number < max { Ok(number as i64) } else { Err(EvaluationError::Overflow) }
}
