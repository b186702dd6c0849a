//! The values of standard fields.

use std::{
    borrow::Cow,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use filter_core::{PathNormalization, Request, RequestPath, time_text};

use super::line::MAX_VALUE;
use crate::{
    config::{Action, AuditField},
    policy::{
        Decision, Policies, Reason, RuleId,
        subject::{SOURCE, principal_text},
    },
};

/// Maximum length of a character in bytes.
const MAX_CHARACTER: usize = 4;

/// The inputs of the values.
#[derive(Debug)]
pub(super) struct Inputs<'i> {
    policies: &'i Policies,
    decision: &'i Decision,
    rule: Option<RuleId>,
    request: &'i Request,
    now: Option<SystemTime>,
}

impl<'i> Inputs<'i> {
    pub(super) const fn new(
        policies: &'i Policies,
        decision: &'i Decision,
        request: &'i Request,
        now: Option<SystemTime>,
    ) -> Self {
        Self { policies, decision, rule: audited_rule(decision), request, now }
    }

    /// Returns the value of a field; `None` if the request and the decision lack it.
    pub(super) fn value(&self, field: AuditField) -> Option<Cow<'i, str>> {
        let request = self.request;
        let names = self.rule.map(|rule| self.policies.names_of(rule));
        let header = |name: &str| request.headers.first(name).map(text);
        match field {
            AuditField::Time => self.now.map(|now| Cow::Owned(time(now))),
            AuditField::Decision => {
                let is_allowed = self.decision.verdict.is_allowed;
                Some(Cow::Borrowed(if is_allowed { "ALLOW" } else { "DENY" }))
            }
            AuditField::Policy => names.map(|(policy, _)| Cow::Borrowed(policy)),
            AuditField::Rule => names.map(|(_, rule)| Cow::Borrowed(rule)),
            AuditField::Action => {
                let policy = self.policies.policies.get(self.rule?.policy);
                policy.map(|policy| Cow::Borrowed(word(policy.action)))
            }
            AuditField::Principal => request.source_principal.as_deref().map(text),
            AuditField::RequestPrincipal => principal_text(request).map(Cow::Owned),
            AuditField::SourceIp => source_ip(request),
            AuditField::Method => header(":method"),
            AuditField::Path => path(request),
            AuditField::Host => header(":authority"),
            AuditField::RequestId => {
                // The first value alone could be a decoy of the client.
                let id = request.headers.joined("x-request-id");
                id.map(|id| Cow::Owned(text(&id).into_owned()))
            }
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

/// Returns bytes of a request as text, and no more of them than a line shows.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    // With the whole last character, which a cut would replace.
    let bytes = bytes.get(..MAX_VALUE.saturating_add(MAX_CHARACTER)).unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
}
