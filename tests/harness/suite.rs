//! Suite mode: the tests of single filters run against the suite.
//!
//! With `WEIR_SUITE=1`, `chain` turns the filters of a test into sections of `suite.wasm`. A test
//! that chooses another module, or a filter of Envoy, is not affected.

use std::env;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::{
    bootstrap::Filter,
    repository::{self, SUITE},
};

/// Environment variable that enables suite mode with the value `1`.
pub const VARIABLE: &str = "WEIR_SUITE";

/// Returns `true` in suite mode.
pub fn is_enabled() -> bool {
    env::var(VARIABLE).is_ok_and(|value| value == "1")
}

/// Returns a path in the document of `filter`, as in errors and warnings.
pub fn path(filter: &str, path: &str) -> String {
    if is_enabled() { format!("{filter}.{path}") } else { path.to_owned() }
}

/// Returns the filters that run instead of `filters`.
///
/// In suite mode, adjacent filters in the order of the suite become one suite. A single filter
/// keeps its name and failure policy.
///
/// # Errors
/// If a sample is missing, or the suite is not built.
pub(crate) fn chain(filters: &[Filter]) -> Result<Vec<Filter>> {
    if !is_enabled() {
        return Ok(filters.to_vec());
    }
    let order = repository::suite_order()?;
    let mut chain = Vec::new();
    // The last filter of the chain, if it is a suite, and the position of its last section.
    let mut open = None;
    for filter in filters {
        let position = order.iter().position(|name| filter.is_shipped_as(name));
        match (open, position, chain.last_mut()) {
            (Some(last), Some(position), Some(suite)) if last < position => {
                *suite = joined(suite, filter)?;
            }
            (_, Some(_), _) => chain.push(alone(filter)?),
            (_, None, _) => chain.push(filter.clone()),
        }
        open = position;
    }
    Ok(chain)
}

/// Returns a suite with the section of one filter.
fn alone(filter: &Filter) -> Result<Filter> {
    let sections = Map::from_iter([(filter.name().to_owned(), filter.document()?)]);
    let module = repository::module(SUITE)?.display().to_string();
    Ok(filter.clone().module(&module).document_is(Value::Object(sections)))
}

/// Returns the suite with the section of another filter.
fn joined(suite: &Filter, filter: &Filter) -> Result<Filter> {
    let mut document = suite.document()?;
    if let Some(sections) = document.as_object_mut() {
        sections.insert(filter.name().to_owned(), filter.document()?);
    }
    Ok(Filter::new(SUITE, document).environment_of(&[suite, filter]))
}
