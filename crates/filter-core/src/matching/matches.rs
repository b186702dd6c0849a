//! Asking the rules of a matcher, one after the other.

use super::{condition, matcher::Matcher, request::View};

/// The rules that a request fulfils, in order. Each is asked for only when it is wanted.
#[derive(Debug)]
pub struct Matches<'m, 'r> {
    matcher: &'m Matcher,
    view: View<'r>,
    /// What the look-up found and what is walked, each without what was asked already.
    hits: std::vec::IntoIter<usize>,
    walked: &'m [usize],
    /// The last rule that was returned.
    last: Option<usize>,
    evaluated: usize,
}

impl<'m, 'r> Matches<'m, 'r> {
    pub(super) fn new(matcher: &'m Matcher, view: View<'r>) -> Self {
        let hits = matcher.index.hits(&view).into_iter();
        Self { matcher, view, hits, walked: &matcher.index.walked, last: None, evaluated: 0 }
    }

    /// Returns how many alternatives were asked so far.
    #[must_use]
    pub const fn evaluated(&self) -> usize {
        self.evaluated
    }

    fn next_alternative(&mut self) -> Option<usize> {
        let hit = self.hits.as_slice().first().copied();
        match (hit, self.walked.split_first()) {
            (Some(hit), Some((walked, _))) if hit < *walked => self.hits.next(),
            (_, Some((walked, rest))) => {
                self.walked = rest;
                Some(*walked)
            }
            (_, None) => self.hits.next(),
        }
    }
}

impl Iterator for Matches<'_, '_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while let Some(number) = self.next_alternative() {
            let Some(alternative) = self.matcher.alternatives.get(number) else { continue };
            if self.last == Some(alternative.rule) {
                continue;
            }
            self.evaluated = self.evaluated.saturating_add(1);
            if condition::all(&alternative.conditions, &self.view) {
                self.last = Some(alternative.rule);
                return self.last;
            }
        }
        None
    }
}
