//! The tree of a compiled expression, with checked kinds, folded constants and resolved attributes.

use regex_lite::Regex;

use super::{
    attribute_table::Slot,
    operation::{Binary, Unary},
    value::Value,
};

/// A node of a compiled expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value),
    Read(Slot),
    /// Whether an attribute is present.
    Has(Slot),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    /// The second node if the first is true, else the third.
    Conditional(Box<(Node, Node, Node)>),
    /// Whether a regular expression matches anywhere in a text.
    Matches(Box<Node>, Regex),
    List(Vec<Node>),
}

impl Node {
    pub(super) const fn constant(&self) -> Option<&Value> {
        if let Self::Constant(value) = self { Some(value) } else { None }
    }

    /// Returns `true` if all operands are constants.
    pub(super) fn is_foldable(&self) -> bool {
        let known = |node: &Self| node.constant().is_some();
        match self {
            Self::Constant(_) | Self::Read(_) | Self::Has(_) => false,
            Self::Unary(_, of) | Self::Matches(of, _) => known(of),
            Self::Binary(_, parts) | Self::And(parts) | Self::Or(parts) => {
                known(&parts.0) && known(&parts.1)
            }
            Self::Conditional(parts) => known(&parts.0) && known(&parts.1) && known(&parts.2),
            Self::List(elements) => elements.iter().all(known),
        }
    }
}
