//! Finding every error of shape in one document.
//!
//! A deserializer stops at its first error. So the part that it refused is cut out of the document
//! and the rest is read again, until nothing more is refused.

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

/// How often a document is read again; errors beyond that are not even counted.
const ROUNDS: usize = 100;

/// Parses a configuration document. An absent or blank one is `{}`.
///
/// Members that are given twice and text behind the document are refused.
///
/// # Errors
///
/// All errors of shape together, each with its path. A type that holds a secret decides its own
/// message, so it can keep the value out of it.
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
    /// What was cut out, by its place in the original document.
    cut: BTreeSet<Path>,
    /// The entries cut out of each list, by their original places.
    gaps: BTreeMap<Path, BTreeSet<usize>>,
}

impl ErrorCollector {
    fn finish<T: DeserializeOwned>(mut self, first: Refusal) -> Result<T, InvalidConfig> {
        let mut refusal = Some(first);
        for _ in 0..ROUNDS {
            let Some(error) = refusal else { break };
            if !self.note::<T>(&error) {
                break;
            }
            refusal = read::<T>(&self.value).err();
        }
        // The first refusal is never a consequence of a cut, so there is at least one problem.
        Err(self.errors.into())
    }

    /// Notes a refusal and cuts out what it is about; `false` when that is the whole document.
    fn note<T: DeserializeOwned>(&mut self, error: &Refusal) -> bool {
        let refusal = error.inner().to_string();
        let mut path = Path::of(error.path());
        let object = path.parent();
        let value = path.resolve(&self.value);
        let place = self.original(&path);
        if !self.is_consequence(&place, &refusal) {
            let refusal =
                wording::without_fields(refusal.clone(), |name| is_refused::<T>(&object, name));
            let mut message = wording::of(&refusal, value);
            if self.is_quoted::<T>(&path, value) {
                message.push_str(": leave out the quotes");
            }
            self.errors.add(&place, message);
        }
        if !path.remove(&mut self.value) {
            return false;
        }
        // A field in another spelling is not reported as missing.
        self.cut.extend(wording::meant(&refusal).map(|name| place.parent().member(name)));
        self.remember(place);
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

    /// Returns `true` if our own cuts below `place` may have caused the error there.
    fn is_consequence(&self, place: &Path, message: &str) -> bool {
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        match missing {
            Some((name, _)) => self.cut.contains(&place.member(name)),
            None => self.cut.iter().any(|cut| cut.is_below(place)),
        }
    }

    fn remember(&mut self, place: Path) {
        if let Some((Step::Index(index), list)) = place.0.split_last() {
            self.gaps.entry(Path(list.to_vec())).or_default().insert(*index);
        }
        self.cut.insert(place);
    }

    /// Finds the place that a path of the cut document had in the original one.
    fn original(&self, path: &Path) -> Path {
        let mut place = Path::default();
        for step in &path.0 {
            let step = match step {
                Step::Index(index) => Step::Index(self.original_index(&place, *index)),
                Step::Member(name) => Step::Member(name.clone()),
            };
            place.0.push(step);
        }
        place
    }

    fn original_index(&self, list: &Path, index: usize) -> usize {
        let gaps = self.gaps.get(list).into_iter().flatten();
        gaps.fold(index, |index, gap| if *gap <= index { index.saturating_add(1) } else { index })
    }
}
