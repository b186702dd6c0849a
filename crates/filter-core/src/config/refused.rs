//! Fields that exist only to be refused with a hint; errors never suggest them.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    error_collector::read,
    path::{Path, Step},
};

/// A value for which [`super::strict`] reports a field that skips its value.
pub(super) const PROBE: &str = "\u{0}probe of a field";

/// The report.
pub(super) const SKIPPED: &str = "the field skips its value";

/// Returns `true` if `name` is refused with any value, in the object at `place` of a `T`.
///
/// Only such a field skips its value before it refuses. To find out, a document with only this
/// field is parsed.
pub(super) fn is_refused<T: DeserializeOwned>(place: &Path, name: &str) -> bool {
    let document = place.0.iter().rev().fold(json!({name: PROBE}), |inner, step| match step {
        Step::Index(_) => Value::Array(vec![inner]),
        Step::Member(member) => json!({member: inner}),
    });
    read::<T>(&document).is_err_and(|error| error.inner().to_string() == SKIPPED)
}
