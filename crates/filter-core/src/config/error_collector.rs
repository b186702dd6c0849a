//! Collecting all type errors of a document.
//!
//! A deserializer stops at its first error. The refused part is therefore removed from the document
//! and the rest is parsed again, until no error is left.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ConfigErrors, InvalidConfig, document,
    path::{Path, Step},
    refused::is_refused,
    strict::Strict,
    wording,
};

/// Maximum number of parses of one document; further errors are not counted.
const MAX_PARSES: usize = 100;

/// Parses a configuration document. An absent or blank one is `{}`.
///
/// Refuses duplicate members and text after the document.
///
/// # Errors
///
/// Returns all type errors, each with its path. A type that holds a secret writes its own message,
/// without the value.
pub fn parse_config<T: DeserializeOwned>(document: &[u8]) -> Result<T, InvalidConfig> {
    let blank = document.iter().all(u8::is_ascii_whitespace);
    let mut errors = ConfigErrors::default();
    let value = document::read(if blank { b"{}" } else { document }, &mut errors)?;
    match read(&value) {
        Ok(config) => errors.finish(config),
        Err(error) => {
            ErrorCollector { value, errors, ..ErrorCollector::default() }.finish::<T>(error)
        }
    }
}

type Refusal = serde_path_to_error::Error<serde_json::Error>;

pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Strict(value))
}

#[derive(Default)]
struct ErrorCollector {
    value: Value,
    errors: ConfigErrors,
    /// Removed values, by their paths in the original document.
    removed: BTreeSet<Path>,
    /// Removed entries of each list, by their original indices.
    removed_indices: BTreeMap<Path, BTreeSet<usize>>,
}

impl ErrorCollector {
    fn finish<T: DeserializeOwned>(mut self, first: Refusal) -> Result<T, InvalidConfig> {
        let mut refusal = Some(first);
        for _ in 0..MAX_PARSES {
            let Some(error) = refusal else { break };
            if !self.record::<T>(&error) {
                break;
            }
            refusal = read::<T>(&self.value).err();
        }
        // The first refusal is never a consequence of a removal, so there is at least one error.
        Err(self.errors.into())
    }

    /// Records a refusal and removes the refused value; returns `false` if that is the whole document.
    fn record<T: DeserializeOwned>(&mut self, error: &Refusal) -> bool {
        let refusal = error.inner().to_string();
        let mut path = Path::of(error.path());
        let object = path.parent();
        let value = path.resolve(&self.value);
        let original = self.original(&path);
        if !self.is_consequence(&original, &refusal) {
            let refusal =
                wording::without_fields(refusal.clone(), |name| is_refused::<T>(&object, name));
            let mut message = wording::of(&refusal, value);
            if self.is_quoted::<T>(&path, value) {
                message.push_str(": leave out the quotes");
            }
            self.errors.add(&original, message);
        }
        if !path.remove(&mut self.value) {
            return false;
        }
        // A field in another spelling is not also reported as missing.
        self.removed
            .extend(wording::did_you_mean(&refusal).map(|name| original.parent().member(name)));
        self.mark_removed(original);
        true
    }

    /// Returns `true` if the text at `path` is a number or a boolean in quotes that would be
    /// accepted without them.
    fn is_quoted<T: DeserializeOwned>(&self, path: &Path, value: &Value) -> bool {
        let Some(unquoted) = wording::unquoted(value) else { return false };
        let mut document = self.value.clone();
        path.replace(&mut document, unquoted);
        match read::<T>(&document) {
            Ok(_) => true,
            Err(error) => {
                let mut next = Path::of(error.path());
                next.resolve(&document);
                next != *path
            }
        }
    }

    /// Returns `true` if the error at `path` may result from removals below it.
    fn is_consequence(&self, original: &Path, message: &str) -> bool {
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        match missing {
            Some((name, _)) => self.removed.contains(&original.member(name)),
            None => self.removed.iter().any(|removed| removed.is_below(original)),
        }
    }

    fn mark_removed(&mut self, original: Path) {
        if let Some((Step::Index(index), list)) = original.0.split_last() {
            self.removed_indices.entry(Path(list.to_vec())).or_default().insert(*index);
        }
        self.removed.insert(original);
    }

    /// Returns the path in the original document for a path in the current one.
    fn original(&self, path: &Path) -> Path {
        let mut original = Path::default();
        for step in &path.0 {
            let step = match step {
                Step::Index(index) => Step::Index(self.original_index(&original, *index)),
                Step::Member(name) => Step::Member(name.clone()),
            };
            original.0.push(step);
        }
        original
    }

    fn original_index(&self, list: &Path, index: usize) -> usize {
        let removed_indices = self.removed_indices.get(list).into_iter().flatten();
        removed_indices
            .fold(index, |index, gap| if *gap <= index { index.saturating_add(1) } else { index })
    }
}
