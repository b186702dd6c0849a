//! What a compiled expression is worth on one stream.

use std::borrow::Cow;

use super::{
    attribute_table::{Attributes, Slot},
    compute, convert,
    evaluation_error::EvaluationError,
    node::Node,
    value::Value,
};

pub(super) type Evaluated<'v> = Result<Cow<'v, Value>, EvaluationError>;

impl Node {
    /// Returns the value on a stream.
    pub(super) fn evaluate<'v>(&'v self, at: &'v dyn Attributes) -> Evaluated<'v> {
        match self {
            Self::Constant(value) => Ok(Cow::Borrowed(value)),
            Self::Read(slot) => at.value(*slot).map(Cow::Borrowed).ok_or(EvaluationError::Missing),
            Self::Has(slot) => owned(Value::Bool(at.value(*slot).is_some())),
            Self::Unary(operation, of) => owned(compute::unary(*operation, &*of.evaluate(at)?)?),
            Self::Binary(operation, parts) => {
                let (left, right) = (parts.0.evaluate(at)?, parts.1.evaluate(at)?);
                owned(compute::binary(*operation, &left, &right)?)
            }
            Self::And(parts) => decided(&parts.0, &parts.1, at, false),
            Self::Or(parts) => decided(&parts.0, &parts.1, at, true),
            Self::Choice(parts) => {
                if parts.0.holds(at)? {
                    parts.1.evaluate(at)
                } else {
                    parts.2.evaluate(at)
                }
            }
            Self::Matches(of, pattern) => {
                let value = of.evaluate(at)?;
                owned(Value::Bool(pattern.is_match(convert::utf8(&value)?)))
            }
            Self::List(elements) => {
                let values = elements.iter().map(|node| node.evaluate(at).map(Cow::into_owned));
                owned(Value::List(values.collect::<Result<_, _>>()?))
            }
        }
    }

    /// Says whether a condition holds.
    pub(super) fn holds(&self, at: &dyn Attributes) -> Result<bool, EvaluationError> {
        match &*self.evaluate(at)? {
            Value::Bool(holds) => Ok(*holds),
            _ => Err(EvaluationError::Kind),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of a match have one type")]
const fn owned<'v>(value: Value) -> Evaluated<'v> {
    Ok(Cow::Owned(value))
}

/// Joins two conditions, of which one alone decides if it is `deciding`, even if the other fails.
fn decided<'v>(left: &Node, right: &Node, at: &dyn Attributes, deciding: bool) -> Evaluated<'v> {
    let first = left.holds(at);
    if first == Ok(deciding) {
        return owned(Value::Bool(deciding));
    }
    match (first, right.holds(at)) {
        (_, Ok(second)) if second == deciding => owned(Value::Bool(deciding)),
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(_), Ok(second)) => owned(Value::Bool(second)),
    }
}

/// A stream without attributes, on which constants are folded.
pub(super) struct NoAttributes;

impl Attributes for NoAttributes {
    fn value(&self, _slot: Slot) -> Option<&Value> {
        None
    }
}
