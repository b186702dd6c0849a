//! The operator `in`.

use cel::common::ast::Expr;

use super::{Compiled, Compiler, Path, Typed, literal_text, path};
use crate::expression::{attribute::Attribute, kind::Kind, node::Node, operation::Binary};

impl Compiler<'_> {
    /// Compiles `left in right`. A name in a tree of the proxy is whether that attribute is there.
    pub(super) fn membership(&mut self, left: &Expr, right: &Expr, depth: usize) -> Compiled {
        match member(left, right) {
            Some(attribute) => {
                let slot = self.slot(attribute)?;
                Ok(Typed { node: Node::Has(slot), kind: Kind::Bool })
            }
            None => self.binary(Some(Binary::In), left, right, depth),
        }
    }
}

/// Finds the attribute for whose presence `left in right` asks.
fn member(left: &Expr, right: &Expr) -> Option<Attribute> {
    let name = literal_text(left)?;
    let mut tree = path(right)?;
    // A claim and a list are values, in which to look.
    let is_value = match tree.resolve() {
        Ok(Attribute::Property { encoding, .. }) => {
            encoding != crate::expression::attribute::Encoding::Dynamic
        }
        Ok(_) => true,
        Err(_) => false,
    };
    tree.0.push(name);
    if is_value { None } else { Path::resolve(&tree).ok() }
}
