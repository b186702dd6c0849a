//! Evaluates compiled expressions on a stream.

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
    /// Returns the value of the node on a stream.
    pub(super) fn evaluate<'v>(&'v self, attributes: &'v dyn Attributes) -> Evaluated<'v> {
        match self {
            Self::Constant(value) => Ok(Cow::Borrowed(value)),
            Self::Read(slot) => {
                attributes.value(*slot).map(Cow::Borrowed).ok_or(EvaluationError::Missing)
            }
            Self::Has(slot) => owned(Value::Bool(attributes.value(*slot).is_some())),
            Self::Unary(operation, of) => {
                owned(compute::unary(*operation, &*of.evaluate(attributes)?)?)
            }
            Self::Binary(operation, parts) => {
                let (left, right) = (parts.0.evaluate(attributes)?, parts.1.evaluate(attributes)?);
                owned(compute::binary(*operation, &left, &right)?)
            }
            Self::And(parts) => short_circuit(&parts.0, &parts.1, attributes, false),
            Self::Or(parts) => short_circuit(&parts.0, &parts.1, attributes, true),
            Self::Conditional(parts) => {
                if parts.0.holds(attributes)? {
                    parts.1.evaluate(attributes)
                } else {
                    parts.2.evaluate(attributes)
                }
            }
            Self::Matches(of, pattern) => {
                let value = of.evaluate(attributes)?;
                owned(Value::Bool(pattern.is_match(convert::utf8(&value)?)))
            }
            Self::List(elements) => {
                let values =
                    elements.iter().map(|node| node.evaluate(attributes).map(Cow::into_owned));
                owned(Value::List(values.collect::<Result<_, _>>()?))
            }
        }
    }

    /// Evaluates a condition.
    pub(super) fn holds(&self, attributes: &dyn Attributes) -> Result<bool, EvaluationError> {
        let Value::Bool(holds) = *self.evaluate(attributes)? else {
            return Err(EvaluationError::Kind);
        };
        Ok(holds)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all match arms return a `Result`")]
const fn owned<'v>(value: Value) -> Evaluated<'v> {
    Ok(Cow::Owned(value))
}

/// Combines two conditions. If one of them is `decisive`, so is the result, even if the other
/// fails.
fn short_circuit<'v>(
    left: &Node,
    right: &Node,
    attributes: &dyn Attributes,
    decisive: bool,
) -> Evaluated<'v> {
    let first = left.holds(attributes);
    if first == Ok(decisive) {
        return owned(Value::Bool(decisive));
    }
    match (first, right.holds(attributes)) {
        (_, Ok(second)) if second == decisive => owned(Value::Bool(decisive)),
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(_), Ok(second)) => owned(Value::Bool(second)),
    }
}

/// A stream without attributes, for constant folding.
pub(super) struct NoAttributes;

impl Attributes for NoAttributes {
    fn value(&self, _slot: Slot) -> Option<&Value> {
        None
    }
}
