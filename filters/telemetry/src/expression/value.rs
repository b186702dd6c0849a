//! What an attribute or an expression is worth.

use std::{cmp::Ordering, collections::BTreeMap};

/// A value of the Common Expression Language, as far as Weir knows it.
///
/// Text is bytes: a header may hold any. What is not UTF-8 equals only itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A number.
    Double(f64),
    /// Text, in UTF-8 unless a client sent something else.
    Text(Vec<u8>),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A point in time in nanoseconds since 1970.
    Timestamp(i64),
    /// Values in order.
    List(Vec<Value>),
    /// Values by their names.
    Map(BTreeMap<Vec<u8>, Value>),
}

impl Value {
    /// Makes text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// Reads JSON; `None` for null, which counts as absent.
    ///
    /// Numbers become doubles, as they do where Envoy keeps JSON, unless they are whole and exact.
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

    /// Says whether two values are the same, numbers by what they amount to.
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

    /// Says which value comes first; `None` where they have no order.
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

    /// Says whether the value is a number that is not one.
    pub(super) const fn is_nan(&self) -> bool {
        matches!(self, Self::Double(number) if number.is_nan())
    }
}

/// Converts as CEL does, to the nearest number.
#[expect(clippy::cast_precision_loss, reason = "CEL compares numbers of two kinds as doubles")]
pub(super) const fn to_double(whole: i64) -> f64 {
    whole as f64
}
