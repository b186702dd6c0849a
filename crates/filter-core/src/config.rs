//! Reading a configuration document, and saying everything that is wrong with it.

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
pub(crate) use crate::config::wording::{is_spelling_of, meant};

/// The most errors that are told one by one.
const MAX_REPORTED: usize = 10;

/// One thing that is wrong with a configuration document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// Where it is (`jwtRules[0].fromHeaders[1].name`); empty for the document itself.
    pub path: String,
    /// The rule that is broken, and the value where it is no secret.
    pub message: String,
}

/// Everything that is wrong with a configuration document, in one line.
///
/// Never empty. After ten errors the rest is only counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidConfig {
    errors: Vec<ConfigError>,
    omitted: usize,
}

/// Collects what is wrong between fields that are each right.
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
    /// Errors that were only counted where they were found.
    omitted: usize,
}

impl InvalidConfig {
    /// Returns the errors that are told, one to ten.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Returns the same errors at other paths.
    pub(crate) fn with_paths(mut self, change: impl Fn(&str) -> String) -> Self {
        for error in &mut self.errors {
            error.path = change(&error.path);
        }
        self
    }

    /// Returns how many further errors were found.
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
    }
}

impl ConfigErrors {
    /// Notes that the field at `path` breaks the rule in `message`.
    pub fn add(&mut self, path: impl fmt::Display, message: impl fmt::Display) {
        self.errors.push(ConfigError { path: path.to_string(), message: message.to_string() });
    }

    /// Notes everything that was wrong with a part of the document.
    pub fn extend(&mut self, invalid: InvalidConfig) {
        self.errors.extend(invalid.errors);
        self.omitted = self.omitted.saturating_add(invalid.omitted);
    }

    /// Returns `true` if nothing was noted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns `value` when nothing was noted.
    ///
    /// # Errors
    ///
    /// Everything that was noted, in the order of noting.
    pub fn finish<T>(self, value: T) -> Result<T, InvalidConfig> {
        if self.is_empty() { Ok(value) } else { Err(self.into()) }
    }
}

impl From<ConfigErrors> for InvalidConfig {
    fn from(collected: ConfigErrors) -> Self {
        let mut errors = collected.errors;
        let cut = errors.split_off(errors.len().min(MAX_REPORTED)).len();
        Self { errors, omitted: collected.omitted.saturating_add(cut) }
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
