//! Expressions over what is known of a stream, in a part of the Common Expression Language.
//!
//! The parser is that of the crate `cel`; its interpreter would need a map of everything that an
//! expression might read. Ours checks kinds and phases once, folds constants, and reads an
//! attribute at most once per stream, where the result asks for it.
//!
//! Left out are the macros that loop, so time grows with the text of an expression and with the
//! values that it reads, and with nothing else. <https://github.com/google/cel-spec>

use std::borrow::Cow;

mod attribute;
mod attribute_table;
mod compile;
mod compute;
mod convert;
mod dynamic;
mod envoy_attributes;
mod evaluate;
mod evaluation_error;
mod hints;
mod invalid;
mod kind;
mod node;
mod operation;
mod path;
pub(crate) mod time_text;
mod value;

pub use crate::expression::{
    attribute::{Attribute, Encoding, Phase, WeirAttribute, is_sensitive_header},
    attribute_table::{AttributeCache, AttributeTable, Attributes, Slot},
    evaluation_error::EvaluationError,
    invalid::InvalidExpression,
    value::Value,
};
use crate::expression::{compile::Compiler, kind::Kind, node::Node};

/// A compiled expression.
///
/// ```
/// use telemetry::expression::{Expression, Phase, AttributeTable, ResultKind};
///
/// let mut reads = AttributeTable::default();
/// let error = Expression::compile("response.code", Phase::Request, ResultKind::Any, &mut reads);
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "response.code is known only when the stream has ended, but this is decided at the request"
/// );
/// # Ok::<(), telemetry::expression::InvalidExpression>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expression {
    node: Node,
    slots: Vec<Slot>,
    is_sensitive: bool,
}

/// The kind of value that a place asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResultKind {
    /// A condition.
    Bool,
    /// A number.
    Number,
    /// Anything that text can show: no list.
    Scalar,
    /// Anything.
    Any,
}

/// The longest expression, in bytes.
pub(crate) const MAX_LEN: usize = 1024;

impl Expression {
    /// Compiles an expression that is evaluated in a phase.
    ///
    /// What it reads is added to `reads`, also where it is refused.
    ///
    /// # Errors
    ///
    /// Text that is longer than 1,024 bytes or no CEL, what Weir leaves out of CEL, attributes that
    /// do not exist or come later, and kinds of values that do not go together.
    pub fn compile(
        text: &str,
        phase: Phase,
        wanted: ResultKind,
        reads: &mut AttributeTable,
    ) -> Result<Self, InvalidExpression> {
        if text.len() > MAX_LEN {
            return Err(InvalidExpression::TooDeep);
        }
        let tree = compile::parse(text)?;
        let mut compiler = Compiler { phase, reads, slots: Vec::new() };
        let typed = compiler.root(&tree.expr).map_err(|error| hints::whole(error, text))?;
        wanted.check(&typed.kind)?;
        let mut slots = compiler.slots;
        slots.sort_unstable();
        slots.dedup();
        let mut attributes = slots.iter().filter_map(|slot| reads.attribute(*slot));
        let is_sensitive = attributes.any(Attribute::is_sensitive);
        Ok(Self { node: typed.node, slots, is_sensitive })
    }

    /// Returns the places of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Says whether it reads what must not leave the proxy as it is.
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        self.is_sensitive
    }

    /// Returns its value where that is the same on every stream.
    #[must_use]
    pub const fn constant(&self) -> Option<&Value> {
        self.node.constant()
    }

    /// Returns its value on a stream.
    ///
    /// # Errors
    ///
    /// Fails where an attribute is missing or a value does not suit, unless `&&`, `||` or `?:` do
    /// without it.
    pub fn evaluate<'v>(
        &'v self,
        at: &'v dyn Attributes,
    ) -> Result<Cow<'v, Value>, EvaluationError> {
        self.node.evaluate(at)
    }

    /// Says whether a condition holds on a stream.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::evaluate`] does.
    pub fn holds(&self, at: &dyn Attributes) -> Result<bool, EvaluationError> {
        self.node.holds(at)
    }
}

impl ResultKind {
    fn check(self, kind: &Kind) -> Result<(), InvalidExpression> {
        let (is_right, wanted) = match self {
            Self::Bool => (kind.may_be(&Kind::Bool), "bool"),
            Self::Number => (kind.is_number(), "int or double"),
            Self::Scalar => (!matches!(kind, Kind::List(_)), "string or number"),
            Self::Any => (true, "any"),
        };
        if is_right {
            return Ok(());
        }
        let error = InvalidExpression::Result { wanted, got: kind.to_string(), hint: None };
        let needs_int = self == Self::Number && *kind == Kind::Text;
        Err(if needs_int { error.or("convert with int()") } else { error })
    }
}

#[cfg(test)]
mod tests;
