//! The summary of a decision for access logs.

use std::rc::Rc;

use filter_host::{
    Result,
    published::{self, Fact, Readers},
};

use crate::{Decision, Policies};

/// Publishes the summary of a decision that denies or audits, or from which the dry run differs.
pub(super) fn publish(policies: &Policies, decision: &Decision) -> Result<()> {
    let is_plain = decision.verdict.is_allowed && decision.audited.is_none();
    if is_plain && decision.dry_run_difference().is_none() {
        return Ok(());
    }
    let summary = policies.summary(decision);
    log::debug!("{summary}");
    let summary: Rc<[u8]> = Rc::from(summary.into_bytes());
    published::publish(Fact::Access, &summary, Readers::Everyone)
}
