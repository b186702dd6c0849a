//! Why a request meets what it meets.

use std::{fmt, time::SystemTime};

use filter_core::{Percentage, Request};

use super::{Entry, Policy};
use crate::Dice;

/// The way to a decision about one request, to be read by people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The entry that decides.
    pub entry: Option<String>,
    /// Whether the entry asked for a key that the request has not, so that its draws are random.
    pub is_unkeyed: bool,
    /// What the entry may do, each with its draw.
    pub chances: Vec<Chance>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// A fault that an entry may do, and the draw of one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chance {
    /// The part of `fault`.
    pub part: &'static str,
    /// The share in force: after ramps, and after what the request's headers lower it to.
    pub share: Percentage,
    /// The draw in millionths; it fires below the share.
    pub draw: u32,
}

/// What becomes of one request, before the gates that all workers share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// No entry matches.
    Unmatched,
    /// The entry has no fault.
    Exempt,
    /// A schedule is not in force.
    Inactive,
    /// No draw fires, or the caller asks for nothing.
    Spared,
    /// Faults fire; this is their trace.
    Fires(String),
}

impl Policy {
    /// Explains what [`Policy::decide`] says to the same values.
    pub fn explain(&self, request: &Request, dice: &Dice, now: SystemTime) -> Explanation {
        let found = self.matcher.sure_match(request).and_then(|index| self.entries.get(index));
        let Some(entry) = found else {
            return Explanation::without_draws(None, Outcome::Unmatched);
        };
        let name = Some(entry.name.clone());
        if entry.fault.is_none() {
            return Explanation::without_draws(name, Outcome::Exempt);
        }
        let (dice, is_unkeyed) = entry.dice(request, *dice);
        let outcome = match self.decide(request, &dice, now).plan {
            Some(plan) => Outcome::Fires(self.trace(&plan)),
            None if self.is_active(entry, now) => Outcome::Spared,
            None => Outcome::Inactive,
        };
        let chances = self.chances(entry, request, &dice, now);
        Explanation { entry: name, is_unkeyed, chances, outcome }
    }

    fn chances(
        &self,
        entry: &Entry,
        request: &Request,
        dice: &Dice,
        now: SystemTime,
    ) -> Vec<Chance> {
        let Some(fault) = &entry.fault else { return Vec::new() };
        let headers = &request.headers;
        let ramped = |share| self.ramped(entry, share, now);
        let chance = |part, share, draw| Chance { part, share, draw };
        let delay = fault.delay.as_ref().map(|it| it.reached(headers, ramped));
        let abort = fault.abort.as_ref().map(|it| it.reached(headers, ramped));
        let response = fault.response.as_ref().map(|it| ramped(it.share));
        let rate = fault.rate.as_ref().map(|it| it.reached(headers, ramped));
        let all = [
            delay.map(|share| chance("delay", share, dice.delay)),
            abort.map(|share| chance("abort", share, dice.abort)),
            response.map(|share| chance("response", share, dice.response)),
            rate.map(|share| chance("responseRateLimit", share, dice.rate)),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Explanation {
    const fn without_draws(entry: Option<String>, outcome: Outcome) -> Self {
        Self { entry, is_unkeyed: false, chances: Vec::new(), outcome }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => writeln!(out, "entry {entry} decides")?,
            None => return write!(out, "no entry matches: untouched"),
        }
        if self.is_unkeyed {
            writeln!(out, "the request has no key: its draws are random")?;
        }
        for chance in &self.chances {
            writeln!(out, "{chance}")?;
        }
        match &self.outcome {
            Outcome::Unmatched => write!(out, "untouched"),
            Outcome::Exempt => write!(out, "it has no fault: exempt"),
            Outcome::Inactive => write!(out, "its schedule is not in force: untouched"),
            Outcome::Spared => write!(out, "nothing fires: untouched"),
            Outcome::Fires(trace) => write!(out, "fires: {trace}"),
        }
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |millionths: u32| f64::from(millionths) / 10_000.0;
        let is_hit = if self.share.contains(self.draw) { "below" } else { "not below" };
        let (draw, share) = (percent(self.draw), percent(self.share.parts_per_million()));
        write!(out, "{}: the draw {draw} % is {is_hit} {share} %", self.part)
    }
}
