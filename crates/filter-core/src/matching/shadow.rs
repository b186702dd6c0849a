//! Detection of unreachable rules.

use super::condition::{Alternative, Condition};

/// Returns each rule whose alternatives are all covered by earlier rules, and the last of these
/// earlier rules. Only pairs for which `can_shadow` returns `true` are considered.
///
/// Conditions are compared one by one, so every returned rule is unreachable, but some unreachable
/// rules are not found.
pub(super) fn shadowed(
    alternatives: &[Alternative],
    can_shadow: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, Option<usize>)> = Vec::new();
    for (number, later) in alternatives.iter().enumerate() {
        let before = alternatives.iter().take(number);
        let before = before.take_while(|earlier| earlier.rule < later.rule);
        let mut before = before.filter(|earlier| can_shadow(earlier.rule, later.rule));
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

/// Returns `true` if every request that satisfies `later` also satisfies `earlier`.
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
            // A narrower test excludes fewer values.
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
