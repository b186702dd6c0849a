//! Fields that exist only to be refused with a hint; errors never suggest them.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    error_collector::read,
    path::{Path, Step},
};

/// Value for which [`super::strict`] reports that a field skips its value.
pub(super) const PROBE: &str = "\u{0}probe of a field";

/// Error message of that report.
pub(super) const SKIPPED: &str = "the field skips its value";

/// Returns `true` if a `T` refuses any value of the field `name` in the object at `path`.
///
/// Only such a field skips its value before it refuses. A document with only this field is parsed
/// to find out.
pub(super) fn is_refused<T: DeserializeOwned>(path: &Path, name: &str) -> bool {
    let document = path.0.iter().rev().fold(json!({name: PROBE}), |inner, step| match step {
        Step::Index(_) => Value::Array(vec![inner]),
        Step::Member(member) => json!({member: inner}),
    });
    read::<T>(&document).is_err_and(|error| error.inner().to_string() == SKIPPED)
}
