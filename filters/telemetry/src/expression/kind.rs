//! What kind of value an expression has, known before any stream is.

use std::fmt;

/// A kind of value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Bool,
    Int,
    Double,
    Text,
    Duration,
    Timestamp,
    List(Box<Kind>),
    /// Known only when it is there: metadata, filter state, claims.
    Dynamic,
}

impl Kind {
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Dynamic)
    }

    /// Says whether a value of this kind may stand where `wanted` is asked for.
    pub(super) fn may_be(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Dynamic, _) | (_, Self::Dynamic) => true,
            (Self::List(left), Self::List(right)) => left.may_be(right),
            _ => self == wanted,
        }
    }

    /// Says whether two values can be equal; numbers of two kinds can.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => left.may_equal(right),
            _ => self.may_be(other) || self.is_number() && other.is_number(),
        }
    }

    /// Says whether values of this kind have an order.
    pub(super) const fn is_ordered(&self) -> bool {
        !matches!(self, Self::List(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => out.write_str("bool"),
            Self::Int => out.write_str("int"),
            Self::Double => out.write_str("double"),
            Self::Text => out.write_str("string"),
            Self::Duration => out.write_str("duration"),
            Self::Timestamp => out.write_str("timestamp"),
            Self::List(element) => write!(out, "list of {element}"),
            Self::Dynamic => out.write_str("dyn"),
        }
    }
}
