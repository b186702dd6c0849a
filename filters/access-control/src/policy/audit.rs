//! Audit lines.

use std::{
    borrow::Cow,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use filter_core::{Needs, PathNormalization, Redactor, Request, RequestPath, time_text};
use serde_json::{Map, Value};

use super::{
    Decision, Policies, Reason, RuleId,
    subject::{SOURCE, principal_text},
};
use crate::config::{Action, AuditField, AuditLevel, AuditWhen};

mod compile;

use compile::Own;

/// The maximum length of a line in bytes; fields at its end that would exceed it are left out.
const MAX_LINE: usize = 4096;
/// The maximum length of a value in bytes.
const MAX_VALUE: usize = 256;

/// The compiled audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    when: AuditWhen,
    members: Vec<Member>,
    redaction_key: Option<Vec<u8>>,
    /// Level of the lines.
    pub level: AuditLevel,
    /// Maximum number of lines of each worker in a second.
    pub max_per_second: u32,
}

/// A field of the lines.
#[derive(Clone, Debug)]
enum Member {
    Word(AuditField),
    Own(Own),
}

impl Audit {
    /// Returns the key of hashes; `None` if it is not configured.
    #[must_use]
    pub fn redaction_key(&self) -> Option<&[u8]> {
        self.redaction_key.as_deref()
    }

    /// Returns `true` if lines have hashes.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.members.iter().any(|member| matches!(member, Member::Own(own) if own.is_hashed()))
    }

    /// Returns `true` if lines have the time.
    pub(super) fn has_time(&self) -> bool {
        self.members.iter().any(|member| matches!(member, Member::Word(AuditField::Time)))
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        for member in &self.members {
            let field = match member {
                Member::Word(field) => field,
                Member::Own(own) => {
                    own.add_needs(needs);
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

    /// Returns the audit line of a decision, a JSON object; `None` if it is not logged.
    ///
    /// `redactor` is called only for lines with a redacted value.
    #[must_use]
    pub fn audit_line<'r>(
        &self,
        decision: &Decision,
        request: &Request,
        now: SystemTime,
        redactor: impl Fn() -> &'r Redactor,
    ) -> Option<String> {
        let audit = self.audit.as_ref().filter(|audit| audit.includes(decision))?;
        let rule = audited_rule(decision);
        let mut line = Map::new();
        let mut size: usize = 2;
        for member in &audit.members {
            let (name, value) = match member {
                Member::Word(field) => {
                    let value = self.audited(*field, decision, rule, request, now);
                    (field.name(), value.map(Cow::into_owned))
                }
                Member::Own(own) => (own.name.as_str(), own.value(request, &redactor)),
            };
            let Some(value) = value.map(Value::from) else { continue };
            // Quotes, a colon and a comma.
            let added = name.len().saturating_add(value.to_string().len()).saturating_add(4);
            size = size.saturating_add(added);
            if size > MAX_LINE {
                break;
            }
            line.insert(name.to_owned(), value);
        }
        Some(Value::Object(line).to_string())
    }

    /// Returns the value of a standard field; `None` if the request and the decision lack it.
    fn audited<'r>(
        &'r self,
        field: AuditField,
        decision: &Decision,
        rule: Option<RuleId>,
        request: &'r Request,
        now: SystemTime,
    ) -> Option<Cow<'r, str>> {
        let names = rule.map(|rule| self.names_of(rule));
        let header = |name: &str| request.headers.first(name).map(text);
        match field {
            AuditField::Time => Some(Cow::Owned(time(now))),
            AuditField::Decision => {
                Some(Cow::Borrowed(if decision.verdict.is_allowed { "ALLOW" } else { "DENY" }))
            }
            AuditField::Policy => names.map(|(policy, _)| Cow::Borrowed(policy)),
            AuditField::Rule => names.map(|(_, rule)| Cow::Borrowed(rule)),
            AuditField::Action => {
                let policy = self.policies.get(rule?.policy);
                policy.map(|policy| Cow::Borrowed(word(policy.action)))
            }
            AuditField::Principal => request.source_principal.as_deref().map(text),
            AuditField::RequestPrincipal => {
                principal_text(request).map(|text| Cow::Owned(short(&text)))
            }
            AuditField::SourceIp => source_ip(request),
            AuditField::Method => header(":method"),
            AuditField::Path => path(request),
            AuditField::Host => header(":authority"),
            AuditField::RequestId => header("x-request-id"),
        }
    }
}

/// Returns the rule that denies the request, or else the one that audits it, or else allows it.
const fn audited_rule(decision: &Decision) -> Option<RuleId> {
    match (decision.verdict.reason, decision.audited) {
        (Reason::Rule(rule), _) if !decision.verdict.is_allowed => Some(rule),
        (_, Some(audited)) => Some(audited),
        (Reason::Rule(rule), None) => Some(rule),
        _ => None,
    }
}

fn path(request: &Request) -> Option<Cow<'static, str>> {
    let target = request.headers.first(":path")?;
    let path = RequestPath::new(target, PathNormalization::None);
    Some(Cow::Owned(text(path.path()).into_owned()))
}

fn source_ip(request: &Request) -> Option<Cow<'static, str>> {
    let address = std::str::from_utf8(request.attributes.get(SOURCE)?).ok()?;
    let address: SocketAddr = address.parse().ok()?;
    Some(Cow::Owned(address.ip().to_string()))
}

fn time(now: SystemTime) -> String {
    let elapsed = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    time_text::rfc3339_millis(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Allow => "ALLOW",
        Action::Deny => "DENY",
        Action::Audit => "AUDIT",
    }
}

/// Returns bytes of a request as text of a limited length.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.get(..MAX_VALUE).unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
}

fn short(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}
