//! Ways in which a response ends.

/// The way in which a response ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Ending {
    /// The whole response was sent.
    #[default]
    Complete,
    /// The server, a timeout or the proxy ended it early.
    Incomplete,
    /// The client ended it early.
    ClientAborted,
}

/// Bits of Envoy's `response.flags`, in the order of its `CoreResponseFlag`.
const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;
const DOWNSTREAM_REMOTE_RESET: u64 = 1 << 28;
/// UT, LR, UR, UF, UC, SI, DPE, UMSDR, DT, UPE and OM.
const RESET: u64 = 1 << 2
    | 1 << 3
    | 1 << 4
    | 1 << 5
    | 1 << 6
    | 1 << 16
    | 1 << 18
    | 1 << 19
    | 1 << 22
    | 1 << 23
    | 1 << 25;

impl Ending {
    /// Returns the ending by Envoy's response flags, for a response whose end no callback saw: it
    /// had no body, ended in trailers, or was incomplete.
    #[must_use]
    pub const fn from_flags(flags: u64) -> Self {
        if flags & (DOWNSTREAM_CONNECTION_TERMINATION | DOWNSTREAM_REMOTE_RESET) != 0 {
            Self::ClientAborted
        } else if flags & RESET != 0 {
            Self::Incomplete
        } else {
            Self::Complete
        }
    }
}
