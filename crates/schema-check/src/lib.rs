//! Test support: compares the JSON Schemas of configuration documents with their parsers.
//!
//! Only for native tests; empty on wasm32.

#![cfg(not(target_arch = "wasm32"))]

use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use filter_core::parse_config;
use jsonschema::Validator;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The validator of a document, and the counts of this thread.
struct Check {
    validator: Validator,
    refused: Cell<Refused>,
}

/// Numbers of refused documents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    /// Documents refused by the parser.
    pub by_parser: usize,
    /// Documents refused by both the parser and the schema.
    pub by_schema: usize,
}

thread_local! {
    static CHECKS: RefCell<BTreeMap<TypeId, Rc<Check>>> = RefCell::default();
}

/// Validates a document with the schema of `T`, and counts it if the parser refuses it.
/// `is_accepted` is the result of the filter.
///
/// # Panics
///
/// Panics if the schema refuses an accepted document.
#[track_caller]
pub fn compare<T: DeserializeOwned + JsonSchema + 'static>(document: &Value, is_accepted: bool) {
    let check = check::<T>();
    let verdict = check.validator.validate(document);
    assert!(!is_accepted || verdict.is_ok(), "the schema refuses {document}: {verdict:?}");
    if parse_config::<T>(document.to_string().as_bytes()).is_err() {
        let Refused { by_parser, by_schema } = check.refused.get();
        check.refused.set(Refused {
            by_parser: by_parser.saturating_add(1),
            by_schema: by_schema.saturating_add(verdict.is_err().into()),
        });
    }
}

/// Returns `true` if the schema of `T` refuses a document.
#[must_use]
pub fn refuses<T: JsonSchema + 'static>(document: &Value) -> bool {
    !check::<T>().validator.is_valid(document)
}

/// Returns the numbers of documents that were refused in calls of [`compare`] on this thread.
#[must_use]
pub fn refused<T: JsonSchema + 'static>() -> Refused {
    check::<T>().refused.get()
}

fn check<T: JsonSchema + 'static>() -> Rc<Check> {
    CHECKS.with_borrow_mut(|checks| {
        let new = || Rc::new(Check { validator: validator::<T>(), refused: Cell::default() });
        checks.entry(TypeId::of::<T>()).or_insert_with(new).clone()
    })
}

#[expect(clippy::expect_used, reason = "only used in tests")]
fn validator<T: JsonSchema>() -> Validator {
    jsonschema::draft202012::new(&filter_core::schema::of::<T>())
        .expect("valid schema of draft 2020-12")
}
