//! Expressions over attributes of a stream, in a subset of the Common Expression Language (CEL).
//!
//! The parser comes from the crate `cel`. Its interpreter needs a map of every attribute that an
//! expression may read. This module checks kinds and phases once, folds constants, and reads an
//! attribute lazily and at most once per stream.
//!
//! Macros that loop are not supported, so the evaluation time is bounded by the length of the
//! expression and of the values that it reads.
//!
//! <https://github.com/google/cel-spec>

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
/// use telemetry::expression::{AttributeTable, Expression, Phase, ResultKind};
///
/// let mut reads = AttributeTable::default();
/// let error = Expression::compile("response.code", Phase::Request, ResultKind::Any, &mut reads);
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "response.code is only available at the end of the stream, but this is evaluated at the request"
/// );
/// # Ok::<(), telemetry::expression::InvalidExpression>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expression {
    node: Node,
    slots: Vec<Slot>,
    is_sensitive: bool,
}

/// The kind of result that a field requires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResultKind {
    /// A boolean.
    Bool,
    /// An integer or a double.
    Number,
    /// Any value with a text form, which lists do not have.
    Scalar,
    /// Any value.
    Any,
}

/// Maximum length of an expression in bytes.
pub(crate) const MAX_LEN: usize = 1024;

impl Expression {
    /// Compiles an expression for evaluation in `phase`.
    ///
    /// Its attributes are added to `reads`, even if compilation fails.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is longer than 1,024 bytes, is not valid CEL or uses
    /// unsupported features, if an attribute is unknown or not yet available in `phase`, or if
    /// kinds do not match.
    pub fn compile(
        text: &str,
        phase: Phase,
        expected: ResultKind,
        reads: &mut AttributeTable,
    ) -> Result<Self, InvalidExpression> {
        if text.len() > MAX_LEN {
            return Err(InvalidExpression::TooLong);
        }
        let tree = compile::parse(text)?;
        let mut compiler = Compiler { phase, reads, slots: Vec::new() };
        let typed = compiler.root(&tree.expr).map_err(|error| hints::refine(error, text))?;
        expected.check(&typed.kind)?;
        let mut slots = compiler.slots;
        slots.sort_unstable();
        slots.dedup();
        let mut attributes = slots.iter().filter_map(|slot| reads.attribute(*slot));
        let is_sensitive = attributes.any(Attribute::is_sensitive);
        Ok(Self { node: typed.node, slots, is_sensitive })
    }

    /// Returns the slots of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns `true` if it reads a credential or an identity.
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        self.is_sensitive
    }

    /// Returns its value if it is a constant.
    #[must_use]
    pub const fn constant(&self) -> Option<&Value> {
        self.node.constant()
    }

    /// Evaluates the expression on a stream.
    ///
    /// # Errors
    ///
    /// Returns an error if an attribute is missing or an operation fails, unless `&&`, `||` or `?:`
    /// do not need the value.
    pub fn evaluate<'v>(
        &'v self,
        attributes: &'v dyn Attributes,
    ) -> Result<Cow<'v, Value>, EvaluationError> {
        self.node.evaluate(attributes)
    }

    /// Evaluates a condition on a stream.
    ///
    /// # Errors
    ///
    /// Returns an error if [`Self::evaluate`] does or if the value is not a boolean.
    pub fn holds(&self, attributes: &dyn Attributes) -> Result<bool, EvaluationError> {
        self.node.holds(attributes)
    }
}

impl ResultKind {
    fn check(self, kind: &Kind) -> Result<(), InvalidExpression> {
        let (is_right, expected) = match self {
            Self::Bool => (kind.may_be(&Kind::Bool), "bool"),
            Self::Number => (kind.is_number(), "int or double"),
            Self::Scalar => (!matches!(kind, Kind::List(_)), "string or number"),
            Self::Any => (true, "any"),
        };
        if is_right {
            return Ok(());
        }
        let error = InvalidExpression::Result { expected, got: kind.to_string(), hint: None };
        let needs_int = self == Self::Number && *kind == Kind::Text;
        Err(if needs_int { error.with_hint("convert with int()") } else { error })
    }
}

#[cfg(test)]
pub(crate) mod tests;
