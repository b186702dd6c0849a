//! Parsing a configuration document and collecting its errors.

use std::fmt;

use crate::OneLine;

mod document;
mod error_collector;
pub mod misplaced;
pub(crate) mod mode;
mod path;
mod refused;
pub mod schema;
pub(crate) mod shown;
mod strict;
pub(crate) mod unique_keys;
pub(crate) mod warning;
mod wording;

pub use crate::config::error_collector::parse_config;
pub(crate) use crate::config::wording::{did_you_mean, is_spelling_of};

/// Maximum number of errors that are reported individually.
const MAX_REPORTED: usize = 10;

/// An error in a configuration document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// Path of the field (`jwtRules[0].fromHeaders[1].name`); empty for the document itself.
    pub path: String,
    /// The violated rule, and the value unless it is a secret.
    pub message: String,
}

/// The errors of a configuration document; displayed on one line.
///
/// Never empty. Errors after the tenth are only counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidConfig {
    errors: Vec<ConfigError>,
    left_out: usize,
}

/// A collector of errors, for rules that involve several fields.
///
/// ```
/// use filter_core::ConfigErrors;
///
/// let mut errors = ConfigErrors::default();
/// errors.add("http[2].name", r#"must be unique, got "api""#);
/// let error = errors.finish(()).unwrap_err();
/// assert_eq!(error.to_string(), r#"http[2].name: must be unique, got "api""#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    /// Errors that were only counted.
    left_out: usize,
}

impl InvalidConfig {
    /// Returns the reported errors, one to ten.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Returns the same errors with changed paths.
    pub(crate) fn with_paths(mut self, change: impl Fn(&str) -> String) -> Self {
        for error in &mut self.errors {
            error.path = change(&error.path);
        }
        self
    }

    /// Returns the number of further errors.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }
}

impl ConfigErrors {
    /// Adds an error of the field at `path`.
    pub fn add(&mut self, path: impl fmt::Display, message: impl fmt::Display) {
        self.errors.push(ConfigError { path: path.to_string(), message: message.to_string() });
    }

    /// Adds the errors of a part of the document.
    pub fn extend(&mut self, invalid: InvalidConfig) {
        self.errors.extend(invalid.errors);
        self.left_out = self.left_out.saturating_add(invalid.left_out);
    }

    /// Returns `true` if there are no errors.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns `value` if there are no errors.
    ///
    /// # Errors
    ///
    /// Returns all errors in the order of their addition.
    pub fn finish<T>(self, value: T) -> Result<T, InvalidConfig> {
        if self.is_empty() { Ok(value) } else { Err(self.into()) }
    }
}

impl From<ConfigErrors> for InvalidConfig {
    fn from(collected: ConfigErrors) -> Self {
        let mut errors = collected.errors;
        let cut = errors.split_off(errors.len().min(MAX_REPORTED)).len();
        Self { errors, left_out: collected.left_out.saturating_add(cut) }
    }
}

impl From<ConfigError> for InvalidConfig {
    fn from(error: ConfigError) -> Self {
        Self { errors: vec![error], left_out: 0 }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the configuration" } else { &self.path };
        // Both may contain field names, which may contain any character.
        write!(out, "{}: {}", OneLine(path), OneLine(&self.message))
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}{error}")?;
        }
        if self.left_out > 0 {
            write!(out, "; and {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl std::error::Error for InvalidConfig {}

#[cfg(test)]
mod tests;
