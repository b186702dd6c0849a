//! Lazy evaluation of rules.

use super::{Answer, condition, matcher::Matcher, view::Readings};

/// A rule that a request satisfies, surely or possibly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// Every reading of the request satisfies the rule.
    Sure(usize),
    /// Only some readings of the request satisfy the rule, or a value cannot be parsed.
    Unsure(usize),
}

impl Match {
    /// Returns the rule if it is surely satisfied.
    #[must_use]
    pub const fn sure(self) -> Option<usize> {
        match self {
            Self::Sure(rule) => Some(rule),
            Self::Unsure(_) => None,
        }
    }
}

/// The rules that a request satisfies, surely or possibly, in order; evaluated lazily.
#[derive(Debug)]
pub struct Matches<'m, 'r> {
    matcher: &'m Matcher,
    readings: Readings<'r>,
    /// Remaining alternatives: those found in the index, and those to be scanned.
    hits: std::vec::IntoIter<usize>,
    scanned: &'m [usize],
    /// Answers of the current rule, one for each reading.
    answers: Vec<Answer>,
    evaluated: usize,
}

impl<'m, 'r> Matches<'m, 'r> {
    pub(super) fn new(matcher: &'m Matcher, readings: Readings<'r>) -> Self {
        let (hits, scanned) = if readings.is_unreadable {
            // The index cannot be used, so all alternatives are evaluated.
            ((0..matcher.alternatives.len()).collect(), &[][..])
        } else {
            (matcher.index.hits(&readings), matcher.index.scanned.as_slice())
        };
        let answers = vec![Answer::No; readings.views().count()];
        Self { matcher, readings, hits: hits.into_iter(), scanned, answers, evaluated: 0 }
    }

    /// Returns the number of alternatives evaluated so far, each counted once.
    #[must_use]
    pub const fn evaluated(&self) -> usize {
        self.evaluated
    }

    fn peek(&self) -> Option<usize> {
        let hit = self.hits.as_slice().first().copied();
        let scanned = self.scanned.first().copied();
        match (hit, scanned) {
            (Some(hit), Some(scanned)) => Some(hit.min(scanned)),
            (hit, scanned) => hit.or(scanned),
        }
    }

    fn skip(&mut self, alternative: usize) {
        if self.hits.as_slice().first() == Some(&alternative) {
            self.hits.next();
        }
        if let Some((first, rest)) = self.scanned.split_first()
            && *first == alternative
        {
            self.scanned = rest;
        }
    }

    fn rule_of(&self, alternative: usize) -> Option<usize> {
        self.matcher.alternatives.get(alternative).map(|alternative| alternative.rule)
    }

    /// Takes the next alternative if it belongs to `rule`.
    fn next_of(&mut self, rule: usize) -> Option<usize> {
        let alternative = self.peek().filter(|next| self.rule_of(*next) == Some(rule))?;
        self.skip(alternative);
        Some(alternative)
    }

    /// Returns the answer of the rule whose first candidate is `first`, and consumes all its
    /// candidates.
    fn answer(&mut self, rule: usize, first: usize) -> Answer {
        self.answers.fill(Answer::No);
        let mut candidate = Some(first);
        while let Some(number) = candidate {
            self.evaluate(number);
            candidate = self.next_of(rule);
        }
        Answer::agreement(self.answers.iter().copied()).unwrap_or(Answer::No)
    }

    /// Combines an alternative with the answers of its rule that are not `Yes` yet.
    fn evaluate(&mut self, number: usize) {
        let Some(alternative) = self.matcher.alternatives.get(number) else { return };
        let mut is_evaluated = false;
        for (answer, view) in self.answers.iter_mut().zip(self.readings.views()) {
            if *answer != Answer::Yes {
                *answer = Answer::any([*answer, condition::all(&alternative.conditions, view)]);
                is_evaluated = true;
            }
        }
        self.evaluated = self.evaluated.saturating_add(usize::from(is_evaluated));
    }
}

impl Iterator for Matches<'_, '_> {
    type Item = Match;

    fn next(&mut self) -> Option<Match> {
        while let Some(first) = self.peek() {
            self.skip(first);
            let Some(rule) = self.rule_of(first) else { continue };
            match self.answer(rule, first) {
                Answer::Yes => return Some(Match::Sure(rule)),
                Answer::Unsure => return Some(Match::Unsure(rule)),
                Answer::No => {}
            }
        }
        None
    }
}
