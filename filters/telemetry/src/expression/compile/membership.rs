//! Compiles the operator `in`.

use cel::common::ast::Expr;

use super::{Compiled, Compiler, Path, Typed, literal_text, path};
use crate::expression::{
    attribute::{Attribute, Encoding},
    kind::Kind,
    node::Node,
    operation::Binary,
};

impl Compiler<'_> {
    /// Compiles `left in right`. A name in a tree of attributes checks whether that attribute is
    /// present.
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

/// Returns the attribute whose presence `left in right` checks.
fn member(left: &Expr, right: &Expr) -> Option<Attribute> {
    let name = literal_text(left)?;
    let mut tree = path(right)?;
    // Claims and lists are values that are searched.
    let is_value = tree.resolve().is_ok_and(|attribute| {
        !matches!(attribute, Attribute::Property { encoding: Encoding::Dynamic, .. })
    });
    tree.0.push(name);
    if is_value { None } else { Path::resolve(&tree).ok() }
}
