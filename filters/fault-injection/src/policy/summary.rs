//! The summary of a fault for access logs and clients.

use std::fmt::{self, Write};

use super::{AbortKind, Fault, Phase, Plan, Policy};

impl Policy {
    /// Returns the summary of a plan for the filter state and `markHeader`, such as
    /// `entry=checkout_slow;delay=5000;abort=503;phase=REQUEST`.
    pub fn summary(&self, plan: &Plan) -> String {
        let mut text = String::with_capacity(64);
        // Writing to a string never fails.
        let _ = self.write_summary(plan, &mut text);
        text
    }

    fn write_summary(&self, plan: &Plan, out: &mut String) -> fmt::Result {
        let (Some(entry), Some(fault)) = (self.entry(plan), self.fault(plan)) else {
            return Ok(());
        };
        if self.is_dry_run() {
            out.write_str("dry_run;")?;
        }
        write!(out, "entry={}", entry.name)?;
        if let Some(length) = plan.delay {
            write!(out, ";delay={}", length.as_millis())?;
        }
        if let Some(kind) = plan.abort {
            write!(out, ";abort={kind}")?;
        }
        if plan.changes_response {
            out.write_str(";response=changed")?;
        }
        if let Some(rate) = plan.rate {
            write!(out, ";rate={rate}")?;
        }
        write!(out, ";phase={}", phases(fault, plan))
    }
}

/// Returns the phases that have a fault.
fn phases(fault: &Fault, plan: &Plan) -> &'static str {
    let delay = fault.delay.as_ref().filter(|_| plan.delay.is_some()).map(|delay| delay.phase);
    let abort = fault.abort.as_ref().filter(|_| plan.abort.is_some()).map(|abort| abort.phase);
    let on_response = plan.changes_response || plan.rate.is_some();
    let in_phase = |phase| delay == Some(phase) || abort == Some(phase);
    match (in_phase(Phase::Request), in_phase(Phase::Response) || on_response) {
        (true, true) => "REQUEST,RESPONSE",
        (true, false) => "REQUEST",
        (false, true | false) => "RESPONSE",
    }
}

impl fmt::Display for AbortKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status) => write!(out, "{status}"),
            Self::Grpc(status) => out.write_str(status.name()),
            Self::Reset => out.write_str("reset"),
        }
    }
}
