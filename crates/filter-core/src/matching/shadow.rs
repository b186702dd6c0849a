//! Rules that can never be reached.

use super::condition::{Alternative, Condition};

/// Returns, for each rule of which every alternative is covered by an earlier rule, that rule and
/// the last of those that cover it. Only pairs count of which `may` says that the first can.
///
/// Only what can be seen from single conditions is seen, so a rule that is returned is never
/// reached, while one that is not returned may still be.
pub(super) fn shadowed(
    alternatives: &[Alternative],
    may: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, Option<usize>)> = Vec::new();
    for (number, later) in alternatives.iter().enumerate() {
        let before = alternatives.iter().take(number).take_while(|it| it.rule < later.rule);
        let mut before = before.filter(|earlier| may(earlier.rule, later.rule));
        let by = before.find(|earlier| covers(earlier, later)).map(|earlier| earlier.rule);
        match found.last_mut() {
            Some((rule, so_far)) if *rule == later.rule => {
                *so_far = so_far.zip(by).map(|(a, b)| a.max(b))
            }
            _ => found.push((later.rule, by)),
        }
    }
    found.into_iter().filter_map(|(rule, by)| Some((rule, by?))).collect()
}

/// Returns `true` if every request that fulfils `later` surely fulfils `earlier`.
fn covers(earlier: &Alternative, later: &Alternative) -> bool {
    let implied = |wanted: &Condition| later.conditions.iter().any(|had| had.implies(wanted));
    earlier.conditions.iter().all(implied)
}

impl Condition {
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(subject, test), Self::Text(same, wanted)) => {
                subject == same && test.implies(wanted)
            }
            // Fewer values are excluded by the narrower condition.
            (Self::Without(name, test), Self::Without(same, wanted)) => {
                name == same && wanted.implies(test)
            }
            (Self::Source(inner), Self::Source(outer)) => {
                inner.iter().all(|range| outer.iter().any(|wide| wide.covers(range)))
            }
            _ => self == other,
        }
    }
}
