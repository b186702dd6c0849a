//! Static kinds of values.

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
    /// A kind that is known only at evaluation, of metadata, filter state and claims.
    Dynamic,
}

impl Kind {
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Dynamic)
    }

    /// Returns `true` if a value of this kind may have the kind `required`.
    pub(super) fn may_be(&self, required: &Self) -> bool {
        match (self, required) {
            (Self::Dynamic, _) | (_, Self::Dynamic) => true,
            (Self::List(left), Self::List(right)) => left.may_be(right),
            _ => self == required,
        }
    }

    /// Returns `true` if values of these kinds can be equal, as numbers of different kinds can.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => left.may_equal(right),
            _ => self.may_be(other) || self.is_number() && other.is_number(),
        }
    }

    /// Returns `true` if values of this kind can be ordered.
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
