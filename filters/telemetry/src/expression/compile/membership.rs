//! The operator `in`.

use cel::common::ast::Expr;

use super::{Compiled, Compiler, Path, Typed, literal_text, path};
use crate::expression::{attribute::Attribute, kind::Kind, node::Node, operation::Binary};

impl Compiler<'_> {
    /// Compiles `one in two`. A name in a tree of the proxy is whether that attribute is there.
    pub(super) fn membership(&mut self, one: &Expr, two: &Expr, depth: usize) -> Compiled {
        match member(one, two) {
            Some(attribute) => {
                let slot = self.slot(attribute)?;
                Ok(Typed { node: Node::Has(slot), kind: Kind::Bool })
            }
            None => self.binary(Some(Binary::In), one, two, depth),
        }
    }
}

/// Finds the attribute for whose presence `one in two` asks.
fn member(one: &Expr, two: &Expr) -> Option<Attribute> {
    let name = literal_text(one)?;
    let mut tree = path(two)?;
    // A claim and a list are values, in which to look.
    let is_value = match tree.resolve() {
        Ok(Attribute::Property { form, .. }) => form != crate::expression::attribute::Form::Dynamic,
        Ok(_) => true,
        Err(_) => false,
    };
    tree.0.push(name);
    if is_value { None } else { Path::resolve(&tree).ok() }
}
