//! Inputs of compilation.

use std::fmt;

use crate::crypto::Crypto;

/// The inputs of compilation besides the configuration.
pub struct CompileContext<'a> {
    /// The engines for signatures, which determine the supported keys.
    pub crypto: &'a Crypto,
    /// Returns the value of an environment variable, which may contain a secret.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for CompileContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CompileContext")
            .field("crypto", self.crypto)
            .finish_non_exhaustive()
    }
}
