//! Errors of the evaluation of expressions.

/// The reason why an expression has no value on a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// An attribute is missing.
    #[error("an attribute is missing")]
    Missing,
    /// A value does not have the kind that the operation requires.
    #[error("a value has the wrong kind")]
    Kind,
    /// The result of an integer operation or conversion is out of range.
    #[error("a number overflows")]
    Overflow,
    /// An integer is divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A text is not a number, or not the required UTF-8.
    #[error("a text cannot be converted")]
    Conversion,
    /// A concatenated text is longer than 64 KiB.
    #[error("a text is too long")]
    TooLong,
}
