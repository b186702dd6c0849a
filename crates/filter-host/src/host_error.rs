//! Errors of host calls.

/// An error of a host call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostError {
    /// No item has this name.
    NotFound,
    /// An argument is invalid, for example an unknown cluster or a closed context.
    BadArgument,
    /// The proxy could not encode the result.
    SerializationFailure,
    /// The proxy could not parse an argument.
    ParseFailure,
    /// There is nothing to read.
    Empty,
    /// Another worker changed the value first.
    CasMismatch,
    /// The proxy failed, or the call is not allowed in this phase.
    InternalFailure,
    /// A status that ABI 0.2.1 does not define.
    Other(u32),
}

#[cfg(target_os = "wasi")]
impl HostError {
    pub(crate) fn from_status(status: u32) -> Self {
        match status {
            1 => Self::NotFound,
            2 => Self::BadArgument,
            3 => Self::SerializationFailure,
            4 => Self::ParseFailure,
            7 => Self::Empty,
            8 => Self::CasMismatch,
            10 => Self::InternalFailure,
            other => Self::Other(other),
        }
    }
}

/// The result of a host call.
pub type Result<T> = std::result::Result<T, HostError>;
