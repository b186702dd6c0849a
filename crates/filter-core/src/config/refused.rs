//! Fields that are always refused with a hint; errors never suggest them.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    error_collector::read,
    path::{Path, Step},
};

/// A value for which [`super::strict`] reports a field that skips its value.
pub(super) const PROBE_VALUE: &str = "\u{0}probe of a field";

/// The message of that report.
pub(super) const SKIPPED_VALUE: &str = "the field skips its value";

/// Returns `true` if a `T` refuses every value of the field `name` in the object at `path`.
///
/// Only such a field skips its value before it fails, so a document with only this field and a
/// probe as its value is parsed.
pub(super) fn is_refused<T: DeserializeOwned>(path: &Path, name: &str) -> bool {
    let document = path.0.iter().rev().fold(json!({name: PROBE_VALUE}), |inner, step| match step {
        Step::Index(_) => Value::Array(vec![inner]),
        Step::Member(member) => json!({member: inner}),
    });
    read::<T>(&document).is_err_and(|error| error.inner().to_string() == SKIPPED_VALUE)
}
