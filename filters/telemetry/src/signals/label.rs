//! Labels: an expression followed by transforms in a fixed order.

use std::{borrow::Cow, collections::BTreeMap};

use filter_core::ConfigErrors;

use crate::{
    config::{Buckets, Extract, LabelConfig},
    expression::{
        AttributeTable, Attributes, EvaluationError, Expression, Phase, ResultKind, Slot,
    },
};

/// A compiled label.
#[derive(Clone, Debug)]
pub struct Label {
    value: Expression,
    is_lower: bool,
    extract: Option<Extract>,
    allowed: AllowedValues,
    max_values: Option<usize>,
}

/// The restriction of the values of a label.
#[derive(Clone, Debug)]
enum AllowedValues {
    Any,
    Map(BTreeMap<Vec<u8>, String>),
    Values(Vec<String>),
    Buckets(Buckets),
}

/// The value of a label for values that `map`, `values` or `buckets` does not list.
pub const OTHER: &[u8] = b"other";

/// The value of a label if its expression has no value.
pub const UNKNOWN: &[u8] = b"unknown";

/// Maximum number of entries of `map` and `values`.
const MAX: usize = 1_000;

impl Label {
    /// Compiles a label; `None` if it is invalid. Errors are added to `errors`.
    pub fn compile(
        config: &LabelConfig,
        phase: Phase,
        path: &str,
        reads: &mut AttributeTable,
        errors: &mut ConfigErrors,
    ) -> Option<Self> {
        let allowed = allowed(config, path, errors);
        let Some(text) = &config.value else {
            errors.add(path, "must have a value");
            return None;
        };
        let path = format!("{path}.value");
        let compiled = Expression::compile(text.as_str(), phase, ResultKind::Scalar, reads);
        let value = compiled.map_err(|error| errors.add(&path, error)).ok()?;
        let allowed = allowed?;
        if value.is_sensitive() && matches!(allowed, AllowedValues::Any) {
            let rule = "must not show a credential or an identity, unless map, values or buckets bound the values";
            errors.add(&path, rule);
            return None;
        }
        let max_values = config.max_values.and_then(|max| usize::try_from(max.get()).ok());
        let extract = config.extract.clone();
        Some(Self { value, is_lower: config.lower, extract, allowed, max_values })
    }

    /// Returns `true` if the document bounds the values, so that `maxValues` does not apply.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        !matches!(self.allowed, AllowedValues::Any) || self.value.constant().is_some()
    }

    /// Returns the maximum number of values; `None` if the label does not set it.
    #[must_use]
    pub const fn max_values(&self) -> Option<usize> {
        self.max_values
    }

    /// Returns the slots of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        self.value.slots()
    }

    /// Returns the value on a stream, not yet escaped and truncated.
    ///
    /// # Errors
    ///
    /// Returns an error if the expression fails. The label is then [`UNKNOWN`].
    pub fn apply<'a>(&'a self, at: &'a dyn Attributes) -> Result<Cow<'a, [u8]>, EvaluationError> {
        let mut text = text(self.value.evaluate(at)?)?;
        if self.is_lower && text.iter().any(u8::is_ascii_uppercase) {
            text.to_mut().make_ascii_lowercase();
        }
        let Some(text) = extracted(self.extract.as_ref(), text) else {
            return Ok(Cow::Borrowed(UNKNOWN));
        };
        if text.is_empty() {
            return Ok(Cow::Borrowed(UNKNOWN));
        }
        Ok(self.allowed.apply(text))
    }
}

impl AllowedValues {
    fn apply<'a>(&'a self, text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let known = match self {
            Self::Any => return text,
            Self::Map(names) => names.get(&*text).map(String::as_bytes),
            Self::Values(values) => {
                values.iter().map(String::as_bytes).find(|value| **value == *text)
            }
            Self::Buckets(buckets) => buckets.name(&text).map(str::as_bytes),
        };
        Cow::Borrowed(known.unwrap_or(OTHER))
    }
}

fn text(value: Cow<'_, crate::expression::Value>) -> Result<Cow<'_, [u8]>, EvaluationError> {
    match value {
        Cow::Borrowed(value) => value.to_text(),
        Cow::Owned(value) => value.to_text().map(|text| Cow::Owned(text.into_owned())),
    }
}

fn extracted<'a>(extract: Option<&Extract>, text: Cow<'a, [u8]>) -> Option<Cow<'a, [u8]>> {
    match (extract, text) {
        (None, text) => Some(text),
        (Some(extract), Cow::Borrowed(text)) => extract.find(text).map(Cow::Borrowed),
        (Some(extract), Cow::Owned(text)) => {
            extract.find(&text).map(|found| Cow::Owned(found.to_vec()))
        }
    }
}

/// Compiles the restriction of the values; `None` if it is invalid.
fn allowed(config: &LabelConfig, path: &str, errors: &mut ConfigErrors) -> Option<AllowedValues> {
    let mut invalid = |field: &str, rule: &str| {
        errors.add(format_args!("{path}{field}"), rule);
        None
    };
    let is_count_legal = |count: usize| (1..=MAX).contains(&count);
    match (&config.map, &config.values, &config.buckets) {
        (None, None, None) => Some(AllowedValues::Any),
        (Some(map), None, None) if is_count_legal(map.len()) => {
            let names = map.iter().map(|(from, to)| (from.clone().into_bytes(), to.clone()));
            Some(AllowedValues::Map(names.collect()))
        }
        (None, Some(values), None) if is_count_legal(values.len()) => {
            Some(AllowedValues::Values(values.clone()))
        }
        (None, None, Some(buckets)) => Some(AllowedValues::Buckets(buckets.clone())),
        (Some(_), None, None) => invalid(".map", "must have 1 to 1000 entries"),
        (None, Some(_), None) => invalid(".values", "must have 1 to 1000 entries"),
        _ => invalid("", "must have at most one of map, values and buckets"),
    }
}

#[cfg(test)]
mod tests;
