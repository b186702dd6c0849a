//! Collection of all deserialization errors in one document.
//!
//! A deserializer stops at its first error. The value that caused it is then removed from the
//! document and the rest is read again, until there are no more errors.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ConfigError, ConfigErrors, InvalidConfig, document, message,
    path::{Path, Step},
    refused::is_refused,
    strict::Strict,
};

/// Maximum number of times that a document is read again; later errors are not reported.
const MAX_ROUNDS: usize = 100;

/// Parses a configuration document; an absent or blank one is `{}`.
///
/// Refuses duplicate members and trailing text.
///
/// # Errors
///
/// Returns all errors at once, each with its path. A type that holds a secret writes its own
/// message and can keep the value out of it.
pub fn parse_config<T: DeserializeOwned>(document: &[u8]) -> Result<T, InvalidConfig> {
    let blank = document.iter().all(u8::is_ascii_whitespace);
    let mut errors = ConfigErrors::default();
    let value = document::read(if blank { b"{}" } else { document }, &mut errors)?;
    match read(&value) {
        Ok(config) => errors.finish(config),
        Err(error) => match whole_resource(&value) {
            Some(message) => {
                Err(ConfigError { path: String::new(), message: message.to_owned() }.into())
            }
            None => {
                ErrorCollector { value, errors, ..ErrorCollector::default() }.finish::<T>(error)
            }
        },
    }
}

/// Returns the error for a document that surrounds the configuration.
fn whole_resource(value: &Value) -> Option<&'static str> {
    let is_plugin = value.get("kind").is_some_and(|kind| kind == "WasmPlugin");
    if is_plugin || value.get("pluginConfig").is_some() {
        return Some("must be only the content of pluginConfig, got a WasmPlugin");
    }
    let is_any = value.get("@type").is_some() || value.get("type_url").is_some();
    is_any.then_some("must be without @type and type_url, got an Envoy message")
}

type ParseError = serde_path_to_error::Error<serde_json::Error>;

pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ParseError> {
    serde_path_to_error::deserialize(Strict(value))
}

#[derive(Default)]
struct ErrorCollector {
    /// The document without the values that were removed.
    value: Value,
    errors: ConfigErrors,
    /// Paths of the removed values in the original document.
    removed: BTreeSet<Path>,
    /// Original indices of the removed entries, by the path of their list.
    removed_entries: BTreeMap<Path, BTreeSet<usize>>,
}

impl ErrorCollector {
    fn finish<T: DeserializeOwned>(mut self, first: ParseError) -> Result<T, InvalidConfig> {
        let mut next = Some(first);
        for _ in 0..MAX_ROUNDS {
            let Some(error) = next else { break };
            if !self.record::<T>(&error) {
                break;
            }
            next = read::<T>(&self.value).err();
        }
        // The first error is never the consequence of a removal, so there is at least one error.
        Err(self.errors.into())
    }

    /// Records an error and removes the value that caused it; `false` if that is the document.
    fn record<T: DeserializeOwned>(&mut self, error: &ParseError) -> bool {
        let text = error.inner().to_string();
        let mut path = Path::of(error.path());
        let object = path.parent();
        let value = path.resolve(&self.value);
        let original = self.original(&path);
        if !self.is_consequence(&original, &text) {
            let text = message::without_fields(text.clone(), |name| is_refused::<T>(&object, name));
            let mut message = message::of(&text, value);
            if self.is_quoted::<T>(&path, value) {
                message.push_str(": leave out the quotes");
            }
            self.errors.add(&original, message);
        }
        if !path.remove(&mut self.value) {
            return false;
        }
        // A misspelled field is not also reported as missing.
        self.removed
            .extend(message::did_you_mean(&text).map(|name| original.parent().member(name)));
        self.record_removal(original);
        true
    }

    /// Returns `true` if the text at `path` is a number or a boolean in quotes that would be
    /// accepted without them.
    fn is_quoted<T: DeserializeOwned>(&self, path: &Path, value: &Value) -> bool {
        let Some(unquoted) = message::unquoted(value) else { return false };
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

    /// Returns `true` if a removal below the original `path` may have caused the error there.
    fn is_consequence(&self, path: &Path, text: &str) -> bool {
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        match missing {
            // An alias of the missing field may have been removed.
            Some((name, _)) => self.removed.iter().any(|removed| match removed.0.split_last() {
                Some((Step::Member(other), parent)) => {
                    parent == path.0 && message::is_spelling_of(other, name)
                }
                _ => false,
            }),
            None => self.removed.iter().any(|removed| removed.is_below(path)),
        }
    }

    fn record_removal(&mut self, path: Path) {
        if let Some((Step::Index(index), list)) = path.0.split_last() {
            self.removed_entries.entry(Path(list.to_vec())).or_default().insert(*index);
        }
        self.removed.insert(path);
    }

    /// Returns the path in the original document of a value in the current one.
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
        let removed = self.removed_entries.get(list).into_iter().flatten();
        removed.fold(
            index,
            |index, removed| {
                if *removed <= index { index.saturating_add(1) } else { index }
            },
        )
    }
}
