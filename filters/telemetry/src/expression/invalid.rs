//! Errors of the compilation of expressions.

use super::{attribute::Attribute, evaluation_error::EvaluationError, kind::Kind};

/// An error in an expression.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidExpression {
    /// The text is not valid CEL.
    #[error("must be a CEL expression: {reason} at column {column}{}", hint_text(hint))]
    Syntax {
        /// The message of the parser.
        reason: String,
        /// The column of the error from 1, in the last line of a multi-line text.
        column: usize,
        /// A suggestion, if any.
        hint: Option<String>,
    },
    /// The text is too long.
    #[error("must be a CEL expression of at most 1024 bytes")]
    TooLong,
    /// The expression is nested too deeply.
    #[error("must be a CEL expression nested at most 32 deep")]
    TooDeep,
    /// The expression uses a feature of CEL that is not supported.
    #[error("must not use {what}{}", hint_text(hint))]
    Unsupported {
        /// The operator, function or literal.
        what: String,
        /// A suggestion, if any.
        hint: Option<String>,
    },
    /// The attribute does not exist.
    #[error("unknown attribute {name}{}", hint_text(hint))]
    UnknownAttribute {
        /// The attribute as written.
        name: String,
        /// A suggestion, if any.
        hint: Option<String>,
    },
    /// The attribute is not available when the expression is evaluated.
    #[error(
        "{name} is only available at the end of the stream, but this is evaluated at the request"
    )]
    TooEarly {
        /// The name of the attribute.
        name: String,
    },
    /// The operator or function does not support these kinds of values.
    #[error("{operation} does not take {}{}", kinds(got), hint_text(hint))]
    Kinds {
        /// The operator or function.
        operation: String,
        /// The kinds of its operands.
        got: Vec<String>,
        /// A suggestion, if any.
        hint: Option<String>,
    },
    /// The result does not have the required kind.
    #[error("must be an expression of kind {expected}, got {got}{}", hint_text(hint))]
    Result {
        /// The required kind.
        expected: &'static str,
        /// The actual kind.
        got: String,
        /// A suggestion, if any.
        hint: Option<String>,
    },
    /// A constant subexpression cannot be evaluated.
    #[error("always fails: {0}")]
    AlwaysFails(EvaluationError),
    /// A regular expression is invalid.
    #[error("must have a regular expression in RE2 syntax ({0})")]
    Pattern(String),
    /// A duration is invalid.
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

    /// Adds a suggestion.
    pub(super) fn with_hint(mut self, suggestion: impl Into<String>) -> Self {
        if let Self::Syntax { hint, .. }
        | Self::Unsupported { hint, .. }
        | Self::UnknownAttribute { hint, .. }
        | Self::Kinds { hint, .. }
        | Self::Result { hint, .. } = &mut self
        {
            *hint = Some(suggestion.into());
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
