//! Values of attributes, as text.

use telemetry::expression::Value;

/// Parses a value: its kind as one letter, then the value; `None` for an absent value.
///
/// `t` is text, `i` a whole number, `d` a number, `n` a length of time and `z` a point in time in
/// nanoseconds, `b` a bool, `j` JSON.
#[must_use]
pub fn read(line: &[u8]) -> Option<Value> {
    let (kind, value) = line.split_first()?;
    let text = std::str::from_utf8(value).ok();
    let whole = || text?.parse::<i64>().ok();
    match kind {
        b't' => Some(Value::Text(value.to_vec())),
        b'i' => whole().map(Value::Int),
        b'd' => text?.parse().ok().map(Value::Double),
        b'n' => whole().map(Value::Duration),
        b'z' => whole().map(Value::Timestamp),
        b'b' => Some(Value::Bool(value == b"1")),
        b'j' => Value::from_json(&serde_json::from_slice(value).ok()?),
        _ => None,
    }
}
