//! Warnings about an accepted configuration.

use std::fmt;

use crate::OneLine;

/// A likely mistake in an accepted configuration.
///
/// ```
/// use filter_core::Warning;
///
/// let warning = Warning::new("dryRun", "inbound tags are not stripped");
/// assert_eq!(warning.to_string(), "dryRun: inbound tags are not stripped");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Path of the field (`http[0].fault`); empty for the whole document.
    pub path: String,
    /// The consequence and, if there is one, the remedy.
    pub message: String,
}

impl Warning {
    /// Creates a warning about the field at `path`.
    #[must_use]
    pub fn new(path: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self { path: path.to_string(), message: message.to_string() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", OneLine(&self.path))?;
        }
        write!(out, "{}", OneLine(&self.message))
    }
}
