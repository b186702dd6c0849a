//! Why there is no value.

/// Why an expression has no value on a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// The stream has no such attribute.
    #[error("an attribute is missing")]
    Missing,
    /// A value has another kind than the operation takes.
    #[error("a value has another kind than the operation takes")]
    Kind,
    /// A number is too large.
    #[error("a number overflows")]
    Overflow,
    /// A number is divided by zero.
    #[error("a division by zero")]
    DivisionByZero,
    /// A text is no number, or no UTF-8 where letters count.
    #[error("a text does not convert")]
    Conversion,
    /// A text would be longer than 64 KiB.
    #[error("a text is too long")]
    TooLong,
}
