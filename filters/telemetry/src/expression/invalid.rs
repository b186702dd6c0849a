//! Why a text is no expression.

use super::{attribute::Attribute, evaluation_error::EvaluationError, kind::Kind};

/// A text that is no expression, or none for its place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidExpression {
    /// It is not CEL.
    #[error("must be a CEL expression: {reason} at column {column}{}", hint_text(hint))]
    Syntax {
        /// What the parser says.
        reason: String,
        /// Where, counted from 1; in the last line of a text of several.
        column: usize,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// It goes too deep.
    #[error("must be a CEL expression nested at most 32 deep")]
    TooDeep,
    /// It holds something of CEL that Weir leaves out.
    #[error("must not use {what}{}", hint_text(hint))]
    Unsupported {
        /// The operator, function or literal.
        what: String,
        /// What to use instead.
        hint: Option<String>,
    },
    /// It reads what does not exist.
    #[error("unknown attribute {name}{}", hint_text(hint))]
    UnknownAttribute {
        /// What was written.
        name: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// It reads what is not there yet.
    #[error("{name} is known only when the stream has ended, but this is decided at the request")]
    TooEarly {
        /// The attribute.
        name: String,
    },
    /// Values of these kinds do not go together.
    #[error("{operation} does not take {}{}", kinds(got), hint_text(hint))]
    Kinds {
        /// The operator or function.
        operation: String,
        /// The kinds of its operands.
        got: Vec<String>,
        /// What to use instead.
        hint: Option<String>,
    },
    /// The whole has another kind than its place asks for.
    #[error("must be an expression of kind {wanted}, got {got}{}", hint_text(hint))]
    Result {
        /// The kind that is asked for.
        wanted: &'static str,
        /// The kind that it has.
        got: String,
        /// What to use instead.
        hint: Option<String>,
    },
    /// A part without attributes has no value.
    #[error("always fails: {0}")]
    AlwaysFails(EvaluationError),
    /// A regular expression that is none.
    #[error("must have a regular expression in RE2 syntax ({0})")]
    Pattern(String),
    /// A duration that is none.
    #[error("must have a duration such as '1.5s', got '{0}'")]
    Duration(String),
}

impl InvalidExpression {
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), hint: None }
    }

    pub(super) fn too_early(attribute: &Attribute) -> Self {
        Self::TooEarly { name: attribute.to_string() }
    }

    pub(super) fn kinds(operation: impl Into<String>, got: &[&Kind]) -> Self {
        let got = got.iter().map(ToString::to_string).collect();
        Self::Kinds { operation: operation.into(), got, hint: None }
    }

    /// Adds what was probably meant.
    pub(super) fn or(mut self, meant: impl Into<String>) -> Self {
        if let Self::Syntax { hint, .. }
        | Self::Unsupported { hint, .. }
        | Self::UnknownAttribute { hint, .. }
        | Self::Kinds { hint, .. }
        | Self::Result { hint, .. } = &mut self
        {
            *hint = Some(meant.into());
        }
        self
    }
}

fn hint_text(hint: &Option<String>) -> String {
    hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
}

fn kinds(got: &[String]) -> String {
    got.join(" and ")
}
