//! An index of alternatives by exact values.

use std::collections::{BTreeSet, HashMap};

use super::{
    condition::{Condition, Subject},
    view::Readings,
};
use crate::PathTrie;

/// Alternatives by required value.
type ByValue = HashMap<Vec<u8>, Vec<usize>>;

/// Alternatives by name and required value.
type ByName = HashMap<Vec<u8>, ByValue>;

/// Indexes each alternative by one of its exact conditions; the rest are scanned.
///
/// The cost of a lookup depends on the size of the request (its path, headers, parameters and
/// cookies) and not on the number of alternatives.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    paths: ByValue,
    templates: PathTrie<usize>,
    authorities: ByValue,
    headers: ByName,
    cookies: ByName,
    parameters: ByName,
    prefixes: ByValue,
    /// Lengths of all prefixes; each costs one lookup.
    prefix_lengths: BTreeSet<usize>,
    /// Alternatives that are not indexed, in order.
    pub(super) scanned: Vec<usize>,
}

/// The selectivity of a condition, from the best to the worst; the best is indexed.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Selectivity {
    Path,
    Template,
    Header,
    Cookie,
    Parameter,
    Prefix,
    PseudoHeader,
}

impl Index {
    /// Adds an alternative; must be called in ascending order.
    pub(super) fn add(&mut self, alternative: usize, conditions: &[Condition]) {
        let candidates =
            conditions.iter().filter_map(|condition| Some((selectivity(condition)?, condition)));
        match candidates.min_by_key(|(selectivity, _)| *selectivity) {
            Some((_, condition)) => self.add_under(condition, alternative),
            None => self.scanned.push(alternative),
        }
    }

    fn add_under(&mut self, condition: &Condition, alternative: usize) {
        let (subject, test) = match condition {
            Condition::Text(subject, test) => (subject, test),
            Condition::Template(template) => return self.templates.insert(template, alternative),
            Condition::Without(..)
            | Condition::Source(_)
            | Condition::Any(_)
            | Condition::Not(_) => return self.scanned.push(alternative),
        };
        if let (Subject::Path, Some(prefix)) = (subject, test.exact_prefix()) {
            self.prefix_lengths.insert(prefix.len());
            self.prefixes.entry(prefix.into()).or_default().push(alternative);
            return;
        }
        let by_value = match subject {
            Subject::Path => &mut self.paths,
            Subject::Authority => &mut self.authorities,
            Subject::Header(name) => self.headers.entry(name.clone().into()).or_default(),
            Subject::Cookie(name) => self.cookies.entry(name.clone().into()).or_default(),
            Subject::Parameter(name) => self.parameters.entry(name.clone().into()).or_default(),
            Subject::Principal | Subject::Claim(_) | Subject::Attribute(_) => {
                return self.scanned.push(alternative);
            }
        };
        for text in test.exact_texts().unwrap_or_default() {
            by_value.entry(text.clone().into()).or_default().push(alternative);
        }
    }

    /// Returns the indexed alternatives that match any reading of a request, in order and without
    /// duplicates.
    pub(super) fn hits(&self, readings: &Readings<'_>) -> Vec<usize> {
        let mut hits = Vec::new();
        if self.reads_path() {
            readings.paths().for_each(|path| self.add_path_hits(path, &mut hits));
        }
        if !self.authorities.is_empty() {
            let found = readings.authorities().filter_map(|value| self.authorities.get(value));
            hits.extend(found.flatten());
        }
        named(&self.headers, &mut hits, || readings.request.headers.iter());
        named(&self.cookies, &mut hits, || {
            readings.cookies().iter().flatten().map(|(name, value)| (&**name, &**value))
        });
        named(&self.parameters, &mut hits, || {
            readings.parameters().iter().flatten().map(|(name, value)| (&**name, &**value))
        });
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    fn add_path_hits(&self, path: &[u8], hits: &mut Vec<usize>) {
        hits.extend(self.paths.get(path).into_iter().flatten());
        hits.extend(self.templates.all(path));
        for length in self.prefix_lengths.range(..=path.len()) {
            let prefix = path.get(..*length).and_then(|prefix| self.prefixes.get(prefix));
            hits.extend(prefix.into_iter().flatten());
        }
    }

    fn reads_path(&self) -> bool {
        !(self.paths.is_empty() && self.prefixes.is_empty() && self.templates.is_empty())
    }
}

/// Looks up the pairs of a request, which are only split if there is an index for them.
fn named<'v, I>(index: &ByName, hits: &mut Vec<usize>, pairs: impl FnOnce() -> I)
where
    I: Iterator<Item = (&'v [u8], &'v [u8])>,
{
    if index.is_empty() {
        return;
    }
    for (name, value) in pairs() {
        let found = index.get(name).and_then(|by_value| by_value.get(value));
        hits.extend(found.into_iter().flatten());
    }
}

fn selectivity(condition: &Condition) -> Option<Selectivity> {
    let (subject, test) = match condition {
        Condition::Text(subject, test) => (subject, test),
        Condition::Template(_) => return Some(Selectivity::Template),
        Condition::Without(..) | Condition::Source(_) | Condition::Any(_) | Condition::Not(_) => {
            return None;
        }
    };
    if matches!(subject, Subject::Path) && test.exact_prefix().is_some() {
        return Some(Selectivity::Prefix);
    }
    test.exact_texts()?;
    match subject {
        Subject::Path => Some(Selectivity::Path),
        Subject::Header(name) if matches!(name.as_str(), ":method" | ":scheme") => {
            Some(Selectivity::PseudoHeader)
        }
        Subject::Authority | Subject::Header(_) => Some(Selectivity::Header),
        Subject::Cookie(_) => Some(Selectivity::Cookie),
        Subject::Parameter(_) => Some(Selectivity::Parameter),
        Subject::Principal | Subject::Claim(_) | Subject::Attribute(_) => None,
    }
}
