//! Explanations of decisions.

use std::{fmt, time::SystemTime};

use filter_core::{Percentage, Request};

use super::{Entry, Policy};
use crate::Draws;

/// An explanation of the decision about a request, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// Name of the entry that matches.
    pub entry: Option<String>,
    /// `true` if the request has no key for the entry's `consistentHash`, so its draws are random.
    pub is_unkeyed: bool,
    /// The faults of the entry and their draws.
    pub draws: Vec<FaultDraw>,
    /// Result of the draws.
    pub outcome: Outcome,
}

/// A fault of an entry, and the draw of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultDraw {
    /// Field of `fault`, such as `delay`.
    pub part: &'static str,
    /// Percentage after the ramps and the request headers.
    pub share: Percentage,
    /// Draw in millionths; the fault fires if it is below the percentage.
    pub draw: u32,
}

/// The outcome of a decision, before the limits of the pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// No entry matches.
    Unmatched,
    /// The entry has no fault.
    Exempt,
    /// A schedule is not active.
    Inactive,
    /// No draw fires, or the request headers set no fault.
    NothingFires,
    /// Faults fire; holds their summary.
    Fires(String),
}

impl Policy {
    /// Explains the decision of [`Policy::decide`] for the same arguments.
    pub fn explain(&self, request: &Request, draws: &Draws, now: SystemTime) -> Explanation {
        let matched = self.matcher.sure_match(request).and_then(|index| self.entries.get(index));
        let Some(entry) = matched else {
            return Explanation::without_draws(None, Outcome::Unmatched);
        };
        let name = Some(entry.name.clone());
        if entry.fault.is_none() {
            return Explanation::without_draws(name, Outcome::Exempt);
        }
        let (draws, is_unkeyed) = entry.draws(request, *draws);
        let outcome = match self.decide(request, &draws, now).plan {
            Some(plan) => Outcome::Fires(self.summary(&plan)),
            None if self.is_active(entry, now) => Outcome::NothingFires,
            None => Outcome::Inactive,
        };
        let draws = self.fault_draws(entry, request, &draws, now);
        Explanation { entry: name, is_unkeyed, draws, outcome }
    }

    fn fault_draws(
        &self,
        entry: &Entry,
        request: &Request,
        draws: &Draws,
        now: SystemTime,
    ) -> Vec<FaultDraw> {
        let Some(fault) = &entry.fault else { return Vec::new() };
        let headers = &request.headers;
        let ramp = |share| self.ramp(entry, share, now);
        let fault_draw = |part, share, draw| FaultDraw { part, share, draw };
        let delay = fault.delay.as_ref().map(|delay| delay.effective_share(headers, ramp));
        let abort = fault.abort.as_ref().map(|abort| abort.effective_share(headers, ramp));
        let response = fault.response.as_ref().map(|change| ramp(change.share));
        let rate = fault.rate.as_ref().map(|rate| rate.effective_share(headers, ramp));
        let all = [
            delay.map(|share| fault_draw("delay", share, draws.delay)),
            abort.map(|share| fault_draw("abort", share, draws.abort)),
            response.map(|share| fault_draw("response", share, draws.response)),
            rate.map(|share| fault_draw("responseRateLimit", share, draws.rate)),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Explanation {
    const fn without_draws(entry: Option<String>, outcome: Outcome) -> Self {
        Self { entry, is_unkeyed: false, draws: Vec::new(), outcome }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => writeln!(out, "entry {entry} matches")?,
            None => return write!(out, "no entry matches: no fault"),
        }
        if self.is_unkeyed {
            writeln!(out, "the request has no key, so its draws are random")?;
        }
        for draw in &self.draws {
            writeln!(out, "{draw}")?;
        }
        match &self.outcome {
            Outcome::Unmatched => write!(out, "no fault"),
            Outcome::Exempt => write!(out, "the entry has no fault: exempt"),
            Outcome::Inactive => write!(out, "the schedule is not active: no fault"),
            Outcome::NothingFires => write!(out, "nothing fires: no fault"),
            Outcome::Fires(summary) => write!(out, "fires: {summary}"),
        }
    }
}

impl fmt::Display for FaultDraw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |millionths: u32| f64::from(millionths) / 10_000.0;
        let relation = if self.share.contains(self.draw) { "below" } else { "not below" };
        let (draw, share) = (percent(self.draw), percent(self.share.parts_per_million()));
        write!(out, "{}: the draw {draw} % is {relation} {share} %", self.part)
    }
}
