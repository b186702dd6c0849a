//! What access logs and clients are told of a fault.

use std::fmt::{self, Write};

use super::{Ending, Fault, Phase, Plan, Policy};

impl Policy {
    /// Writes what is done to a stream, for filter state and the marking header:
    /// `entry=checkout_slow;delay=5000;abort=503;phase=REQUEST`.
    pub fn trace(&self, plan: &Plan) -> String {
        let mut text = String::with_capacity(64);
        // Writing to a string never fails.
        let _ = self.write_trace(plan, &mut text);
        text
    }

    fn write_trace(&self, plan: &Plan, out: &mut String) -> fmt::Result {
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
        if let Some(ending) = plan.abort {
            write!(out, ";abort={ending}")?;
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

/// Names the phases in which something happens.
fn phases(fault: &Fault, plan: &Plan) -> &'static str {
    let delay = fault.delay.as_ref().filter(|_| plan.delay.is_some()).map(|it| it.phase);
    let abort = fault.abort.as_ref().filter(|_| plan.abort.is_some()).map(|it| it.phase);
    let on_response = plan.changes_response || plan.rate.is_some();
    let in_phase = |phase| delay == Some(phase) || abort == Some(phase);
    match (in_phase(Phase::Request), in_phase(Phase::Response) || on_response) {
        (true, true) => "REQUEST,RESPONSE",
        (true, false) => "REQUEST",
        _ => "RESPONSE",
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status) => write!(out, "{status}"),
            Self::Grpc(status) => out.write_str(status.name()),
            Self::Reset => out.write_str("reset"),
        }
    }
}
