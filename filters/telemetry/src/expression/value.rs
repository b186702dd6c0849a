//! Values of attributes and expressions.

use std::{cmp::Ordering, collections::BTreeMap};

/// A value of the supported subset of CEL.
///
/// A text consists of arbitrary bytes, as headers do.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// A text, usually UTF-8.
    Text(Vec<u8>),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A timestamp in nanoseconds since the Unix epoch.
    Timestamp(i64),
    /// A list.
    List(Vec<Value>),
    /// A map with text keys.
    Map(BTreeMap<Vec<u8>, Value>),
}

impl Value {
    /// Creates a text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// Converts a JSON value; `None` for null.
    ///
    /// Integers that fit an `i64` stay integers, all other numbers become doubles.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match json {
            Json::Null => return None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Double(number.as_f64()?),
            },
            Json::String(text) => Self::text(text),
            Json::Array(list) => Self::List(list.iter().filter_map(Self::from_json).collect()),
            Json::Object(members) => {
                let known = members.iter().filter_map(|(name, value)| {
                    Some((name.clone().into_bytes(), Self::from_json(value)?))
                });
                Self::Map(known.collect())
            }
        })
    }

    /// Returns `true` if two values are equal. Numbers of different kinds are compared numerically.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.equals(right))
            }
            (Self::Map(left), Self::Map(right)) => {
                let same = |(name, value): (&Vec<u8>, &Self)| {
                    right.get(name).is_some_and(|other| value.equals(other))
                };
                left.len() == right.len() && left.iter().all(same)
            }
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// Compares two values; `None` if they have no order.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Int(left), Self::Int(right))
            | (Self::Duration(left), Self::Duration(right))
            | (Self::Timestamp(left), Self::Timestamp(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            (Self::Int(left), Self::Double(right)) => to_double(*left).partial_cmp(right),
            (Self::Double(left), Self::Int(right)) => left.partial_cmp(&to_double(*right)),
            _ => None,
        }
    }

    /// Returns `true` if the value is NaN.
    pub(super) const fn is_nan(&self) -> bool {
        matches!(self, Self::Double(number) if number.is_nan())
    }
}

/// Converts to the nearest double, as CEL does.
#[expect(clippy::cast_precision_loss, reason = "CEL compares integers with doubles as doubles")]
pub(super) const fn to_double(whole: i64) -> f64 {
    whole as f64
}
