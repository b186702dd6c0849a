//! The audit log of a worker.

use std::{cell::RefCell, time::SystemTime};

use filter_core::{Redactor, Request, TokenBucket};
use filter_host::{clock, redaction::SharedRedactor, shared_data};

use super::counters::Counters;
use crate::{Decision, Metric, Policies, config::AuditLevel};

/// The lines that a worker may write.
pub(super) struct AuditLog {
    lines: RefCell<TokenBucket>,
    /// The redactor of lines with hashes.
    redactor: Option<SharedRedactor>,
    /// The redactor of all other lines.
    masking: Redactor,
}

impl AuditLog {
    pub(super) fn new(policies: &Policies) -> Self {
        let audit = policies.audit();
        let hashing = audit.filter(|audit| audit.hashes()).map(|audit| {
            let key = shared_data::plugin_key("access-control");
            SharedRedactor::new(audit.redaction_key(), true, &key)
        });
        Self {
            lines: RefCell::new(TokenBucket::new(audit.map_or(0, |audit| audit.max_per_second))),
            redactor: hashing,
            masking: Redactor::masking(),
        }
    }

    /// Writes the line of a decision, if it has one and the limit per second allows it.
    ///
    /// `now` is `None` if the request could not be read; the clock is then read if the line needs it.
    pub(super) fn write(
        &self,
        policies: &Policies,
        decision: &Decision,
        request: &Request,
        now: Option<SystemTime>,
        counters: &Counters,
    ) {
        let Some(audit) = policies.audit().filter(|audit| audit.includes(decision)) else { return };
        if !self.lines.borrow_mut().take(clock::monotonic()) {
            counters.add(Metric::AuditLimited);
            return;
        }
        let now = now.or_else(|| {
            let now = audit.has_time().then(clock::now)?;
            now.inspect_err(|_| counters.add(Metric::Errors)).ok()
        });
        let redactor = || match &self.redactor {
            Some(shared) => shared.get(|| counters.add(Metric::Errors)),
            None => &self.masking,
        };
        let Some(line) = policies.audit_line(decision, request, now, redactor) else { return };
        let level = match audit.level {
            AuditLevel::Info => log::Level::Info,
            AuditLevel::Warn => log::Level::Warn,
        };
        log::log!(level, "audit {line}");
    }
}
