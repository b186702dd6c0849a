//! Audit lines.

use std::{borrow::Cow, time::SystemTime};

use filter_core::{Needs, RedactionKey, Redactor, Request};

use super::{Decision, Policies, subject::SOURCE};
use crate::config::{AuditField, AuditLevel, AuditWhen};

mod compile;
mod line;
mod standard;

use compile::Custom;
use line::Line;
use standard::Inputs;

/// The field of a denial that does not happen.
const ENFORCED: &str = "enforced";

/// The compiled audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    when: AuditWhen,
    fields: Vec<Field>,
    redaction_key: Option<RedactionKey>,
    /// Level of the lines.
    pub level: AuditLevel,
    /// Maximum number of lines of each worker in a second.
    pub max_per_second: u32,
}

/// A field of the lines.
#[derive(Clone, Debug)]
enum Field {
    Standard(AuditField),
    Custom(Custom),
}

impl Field {
    /// Returns `true` if the client has no influence on the length of the value.
    const fn is_independent_of_client(&self) -> bool {
        matches!(
            self,
            Self::Standard(
                AuditField::Time
                    | AuditField::Decision
                    | AuditField::Policy
                    | AuditField::Rule
                    | AuditField::Action
            )
        )
    }
}

impl Audit {
    /// Returns the key of hashes; `None` if it is not configured.
    #[must_use]
    pub fn redaction_key(&self) -> Option<&[u8]> {
        self.redaction_key.as_ref().map(RedactionKey::reveal)
    }

    /// Returns `true` if lines have hashes.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, Field::Custom(field) if field.is_hashed()))
    }

    /// Returns `true` if lines have the time.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, Field::Standard(AuditField::Time)))
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        for field in &self.fields {
            let field = match field {
                Field::Standard(field) => field,
                Field::Custom(field) => {
                    field.add_needs(needs);
                    continue;
                }
            };
            let header = match field {
                AuditField::Method => ":method",
                AuditField::Path => ":path",
                AuditField::Host => ":authority",
                AuditField::RequestId => "x-request-id",
                AuditField::Principal => {
                    needs.source_principal = true;
                    continue;
                }
                AuditField::RequestPrincipal => {
                    needs.claims = true;
                    continue;
                }
                AuditField::SourceIp => {
                    needs.attributes.insert(SOURCE.to_owned());
                    continue;
                }
                AuditField::Time
                | AuditField::Decision
                | AuditField::Policy
                | AuditField::Rule
                | AuditField::Action => continue,
            };
            needs.headers.insert(header.to_owned());
        }
    }

    /// Returns `true` if a decision is logged.
    #[must_use]
    pub fn includes(&self, decision: &Decision) -> bool {
        match self.when {
            AuditWhen::Deny => !decision.verdict.is_allowed,
            AuditWhen::Audited => !decision.verdict.is_allowed || decision.audited.is_some(),
            AuditWhen::All => true,
        }
    }
}

impl Policies {
    /// Returns the audit log.
    #[must_use]
    pub const fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// Returns `true` unless the decision is a denial that does not happen: in a dry run of all
    /// policies, or because only a share of the denials happens.
    #[must_use]
    pub const fn is_enforced(&self, decision: &Decision) -> bool {
        !decision.is_tolerated && !self.is_dry_run()
    }

    /// Returns the audit line of a decision, a JSON object in printable ASCII of at most 4 KiB;
    /// `None` if it is not logged.
    ///
    /// Fields that do not fit are left out, but never those of the decision. The line has no time if
    /// `now` is `None`. `redactor` is called only for lines with a redacted value.
    #[must_use]
    pub fn audit_line<'r>(
        &self,
        decision: &Decision,
        request: &Request,
        now: Option<SystemTime>,
        redactor: impl Fn() -> &'r Redactor,
    ) -> Option<String> {
        let audit = self.audit.as_ref().filter(|audit| audit.includes(decision))?;
        let inputs = Inputs::new(self, decision, request, now);
        let mut line = Line::default();
        if !decision.verdict.is_allowed && !self.is_enforced(decision) {
            line.add_false(audit.fields.len(), ENFORCED);
        }
        // The client must not be able to displace the decision.
        for is_independent in [true, false] {
            for (index, field) in audit.fields.iter().enumerate() {
                if field.is_independent_of_client() != is_independent {
                    continue;
                }
                let (name, value) = match field {
                    Field::Standard(field) => (field.name(), inputs.value(*field)),
                    Field::Custom(field) => {
                        (field.name.as_str(), field.value(request, &redactor).map(Cow::Owned))
                    }
                };
                if let Some(value) = value {
                    line.add_text(index, name, &value);
                }
            }
        }
        Some(line.finish())
    }
}
