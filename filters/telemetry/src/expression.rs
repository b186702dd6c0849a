//! Expressions over what is known of a stream, in a part of the Common Expression Language.
//!
//! The parser is that of the crate `cel`; its interpreter would need a map of everything that an
//! expression might read. Ours checks kinds and phases once, folds constants, and reads an
//! attribute at most once per stream, where the result asks for it.
//!
//! Left out are the macros that loop, so time grows with the text of an expression and with the
//! values that it reads, and with nothing else. <https://github.com/google/cel-spec>

use std::{borrow::Cow, fmt};

use filter_core::Shown;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

mod attribute;
mod compile;
mod compute;
mod convert;
mod dynamic;
mod evaluate;
mod failure;
mod hints;
mod invalid;
mod kind;
mod node;
mod operation;
mod path;
mod reads;
mod table;
pub(crate) mod time_text;
mod value;

pub use crate::expression::{
    attribute::{Attribute, Form, Own, Phase, is_secret_header},
    failure::Failure,
    invalid::InvalidExpression,
    reads::{Attributes, Readings, Reads, Slot},
    value::Value,
};
use crate::expression::{compile::Compiler, kind::Kind, node::Node};

/// The text of an expression, 1 to 1,024 bytes.
///
/// ```
/// let text: telemetry::expression::Text = serde_json::from_str(r#""response.code >= 500""#)?;
/// assert_eq!(text.as_str(), "response.code >= 500");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "expression in CEL",
    extend("minLength" = 1, "maxLength" = MAX_LEN)
)]
pub struct Text(String);

/// A compiled expression.
///
/// ```
/// use telemetry::expression::{Expression, Phase, Reads, Wanted};
///
/// let mut reads = Reads::default();
/// let error = Expression::compile("response.code", Phase::Request, Wanted::Any, &mut reads);
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
    is_secret: bool,
}

/// The kind of value that a place asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
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
const MAX_LEN: usize = 1024;

impl Text {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value.as_str().filter(|text| (1..=MAX_LEN).contains(&text.len())) {
            Some(text) => Ok(Self(text.to_owned())),
            None => Err(D::Error::custom(format_args!(
                "must be a CEL expression of 1 to {MAX_LEN} bytes, {}",
                Shown(&value)
            ))),
        }
    }
}

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
        wanted: Wanted,
        reads: &mut Reads,
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
        let is_secret = attributes.any(Attribute::is_secret);
        Ok(Self { node: typed.node, slots, is_secret })
    }

    /// Returns the places of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Says whether it reads what must not leave the proxy as it is.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.is_secret
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
    pub fn evaluate<'v>(&'v self, at: &'v dyn Attributes) -> Result<Cow<'v, Value>, Failure> {
        self.node.evaluate(at)
    }

    /// Says whether a condition holds on a stream.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::evaluate`] does.
    pub fn holds(&self, at: &dyn Attributes) -> Result<bool, Failure> {
        self.node.holds(at)
    }
}

impl Wanted {
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

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
