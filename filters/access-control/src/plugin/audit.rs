//! The audit log of a worker.

use std::{cell::RefCell, time::SystemTime};

use filter_core::{Request, TokenBucket};
use filter_host::clock;

use crate::{Decision, Policies, config::AuditLevel};

/// The lines that a worker may write.
pub(super) struct AuditLog(RefCell<TokenBucket>);

impl AuditLog {
    pub(super) fn new(policies: &Policies) -> Self {
        let lines = policies.audit().map_or(0, |audit| audit.max_per_second);
        Self(RefCell::new(TokenBucket::new(lines)))
    }

    /// Writes the line of a decision, if it has one. Returns `false` if there were too many in this
    /// second.
    pub(super) fn write(
        &self,
        policies: &Policies,
        decision: &Decision,
        request: &Request,
        now: SystemTime,
    ) -> bool {
        let Some(audit) = policies.audit() else { return true };
        let Some(line) = policies.audit_line(decision, request, now) else { return true };
        if !self.0.borrow_mut().take(clock::monotonic()) {
            return false;
        }
        let level = match audit.level {
            AuditLevel::Info => log::Level::Info,
            AuditLevel::Warn => log::Level::Warn,
        };
        log::log!(level, "audit {line}");
        true
    }
}
