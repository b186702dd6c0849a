//! What the proxy answers when it does not do as it is told.

/// What a call to the proxy answered when it did not succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostError {
    /// Nothing has that name.
    NotFound,
    /// An argument is refused, for example an unknown cluster or a context that is gone.
    BadArgument,
    /// The proxy could not write its answer.
    SerializationFailure,
    /// The proxy could not read the argument.
    ParseFailure,
    /// There is nothing to read.
    Empty,
    /// Another worker changed the value first.
    CasMismatch,
    /// The proxy failed, or the call is not allowed at this moment.
    InternalFailure,
    /// A status that ABI 0.2.1 does not name.
    Other(u32),
}

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

/// The answer of the proxy to a call.
pub type Result<T> = std::result::Result<T, HostError>;
