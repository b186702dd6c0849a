//! What a policy takes from around it when it is made.

use std::fmt;

use crate::crypto::Crypto;

/// The engines for signatures, and the variables that secrets may be in.
pub struct CompileContext<'a> {
    /// Checks signatures; also decides which keys can be served.
    pub crypto: &'a Crypto,
    /// Returns the value of an context variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for CompileContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Environment").field("crypto", self.crypto).finish_non_exhaustive()
    }
}
