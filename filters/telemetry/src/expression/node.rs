//! A compiled expression: kinds checked, constants folded, attributes in their places.

use regex_lite::Regex;

use super::{
    attribute_table::Slot,
    operation::{Binary, Unary},
    value::Value,
};

/// One part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value),
    Read(Slot),
    /// Whether an attribute is there.
    Has(Slot),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    /// The second part where the first holds, else the third.
    Choice(Box<(Node, Node, Node)>),
    /// Whether text has a part that the expression matches.
    Matches(Box<Node>, Regex),
    List(Vec<Node>),
}

impl Node {
    pub(super) const fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Says whether every part of it is a constant.
    pub(super) fn is_foldable(&self) -> bool {
        let known = |node: &Self| node.constant().is_some();
        match self {
            Self::Constant(_) | Self::Read(_) | Self::Has(_) => false,
            Self::Unary(_, of) | Self::Matches(of, _) => known(of),
            Self::Binary(_, parts) | Self::And(parts) | Self::Or(parts) => {
                known(&parts.0) && known(&parts.1)
            }
            Self::Choice(parts) => known(&parts.0) && known(&parts.1) && known(&parts.2),
            Self::List(elements) => elements.iter().all(known),
        }
    }
}
