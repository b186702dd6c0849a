//! Parsing and validation of configuration documents.

use std::fmt;

use crate::OneLine;

mod document;
mod error_collector;
mod message;
pub mod misplaced;
pub(crate) mod mode;
mod path;
mod refused;
pub mod schema;
pub(crate) mod shown;
mod strict;
pub(crate) mod unique_keys;
pub(crate) mod warning;

pub use crate::config::error_collector::parse_config;
pub(crate) use crate::config::message::{did_you_mean, is_spelling_of};

/// Maximum number of errors that are listed; the rest are only counted.
const MAX_LISTED: usize = 10;

/// An error in a configuration document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// Path of the field (`jwtRules[0].fromHeaders[1].name`); empty for the whole document.
    pub path: String,
    /// The violated rule, and the value unless it is secret.
    pub message: String,
}

/// All errors in a configuration document, displayed in one line.
///
/// Never empty. The first ten errors are listed, the rest are only counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidConfig {
    errors: Vec<ConfigError>,
    omitted: usize,
}

/// Collects the errors of checks that involve several fields.
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
    /// Number of errors that were counted but not listed.
    omitted: usize,
}

impl InvalidConfig {
    /// Returns the listed errors, one to ten.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Returns the errors of a document that is the field `section` of another one.
    #[must_use]
    pub fn in_section(self, section: &str) -> Self {
        self.with_paths(|path| match path {
            "" => section.to_owned(),
            path if path.starts_with('[') => format!("{section}{path}"),
            path => format!("{section}.{path}"),
        })
    }

    /// Replaces the path of each error.
    pub(crate) fn with_paths(mut self, change: impl Fn(&str) -> String) -> Self {
        for error in &mut self.errors {
            error.path = change(&error.path);
        }
        self
    }

    /// Returns the number of errors that are not listed.
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
    }
}

impl ConfigErrors {
    /// Adds an error about the field at `path`.
    pub fn add(&mut self, path: impl fmt::Display, message: impl fmt::Display) {
        self.errors.push(ConfigError { path: path.to_string(), message: message.to_string() });
    }

    /// Adds all errors of a part of the document.
    pub fn extend(&mut self, invalid: InvalidConfig) {
        self.errors.extend(invalid.errors);
        self.omitted = self.omitted.saturating_add(invalid.omitted);
    }

    /// Returns `true` if no error was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns `value` if no error was added.
    ///
    /// # Errors
    ///
    /// Returns the errors in the order in which they were added.
    pub fn finish<T>(self, value: T) -> Result<T, InvalidConfig> {
        if self.is_empty() { Ok(value) } else { Err(self.into()) }
    }
}

impl From<ConfigErrors> for InvalidConfig {
    fn from(collected: ConfigErrors) -> Self {
        let mut errors = collected.errors;
        let omitted = errors.split_off(errors.len().min(MAX_LISTED)).len();
        Self { errors, omitted: collected.omitted.saturating_add(omitted) }
    }
}

impl From<ConfigError> for InvalidConfig {
    fn from(error: ConfigError) -> Self {
        Self { errors: vec![error], omitted: 0 }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the configuration" } else { &self.path };
        // Both may contain field names, which can have any characters.
        write!(out, "{}: {}", OneLine(path), OneLine(&self.message))
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}{error}")?;
        }
        if self.omitted > 0 {
            write!(out, "; and {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl std::error::Error for InvalidConfig {}

#[cfg(test)]
mod tests;
