//! Audit lines.

use std::{
    borrow::Cow,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use filter_core::{Needs, PathNormalization, Request, RequestPath, time_text};
use serde_json::{Map, Value};

use super::{
    Decision, Policies, Reason,
    subject::{SOURCE, principal_text},
};
use crate::config::{Action, AuditConfig, AuditField, AuditLevel, AuditWhen};

/// The maximum length of a value, so that a line has at most 4 KiB.
const MAX_VALUE: usize = 256;
const MAX_PER_SECOND: u32 = 100;

/// The compiled audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    when: AuditWhen,
    fields: Vec<AuditField>,
    /// Level of the lines.
    pub level: AuditLevel,
    /// Maximum number of lines of each worker in a second.
    pub max_per_second: u32,
}

impl Audit {
    pub(super) fn new(config: &AuditConfig) -> Self {
        let max = config.max_per_second.and_then(|max| u32::try_from(max.get()).ok());
        Self {
            when: config.when,
            fields: config.fields.clone().unwrap_or_else(|| AuditField::ALL.to_vec()),
            level: config.level,
            max_per_second: max.unwrap_or(MAX_PER_SECOND),
        }
    }

    /// Returns `true` if lines have the time.
    pub(super) fn has_time(&self) -> bool {
        self.fields.contains(&AuditField::Time)
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        for field in &self.fields {
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

    fn includes(&self, decision: &Decision) -> bool {
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
    #[must_use]
    pub fn audit_line(
        &self,
        decision: &Decision,
        request: &Request,
        now: SystemTime,
    ) -> Option<String> {
        let audit = self.audit.as_ref().filter(|audit| audit.includes(decision))?;
        let rule = match (decision.verdict.reason, decision.audited) {
            (Reason::Rule(rule), _) if !decision.verdict.is_allowed => Some(rule),
            (_, Some(audited)) => Some(audited),
            (Reason::Rule(rule), None) => Some(rule),
            _ => None,
        };
        let names = rule.map(|rule| self.names_of(rule));
        let action =
            rule.and_then(|rule| self.policies.get(rule.policy)).map(|policy| policy.action);
        let header = |name: &str| request.headers.first(name).map(text);
        let mut line = Map::new();
        for field in &audit.fields {
            let (name, value) = match field {
                AuditField::Time => ("time", Some(Cow::Owned(time(now)))),
                AuditField::Decision => {
                    let word = if decision.verdict.is_allowed { "ALLOW" } else { "DENY" };
                    ("decision", Some(Cow::Borrowed(word)))
                }
                AuditField::Policy => ("policy", names.map(|(policy, _)| Cow::Borrowed(policy))),
                AuditField::Rule => ("rule", names.map(|(_, rule)| Cow::Borrowed(rule))),
                AuditField::Action => ("action", action.map(|action| Cow::Borrowed(word(action)))),
                AuditField::Principal => {
                    ("principal", request.source_principal.as_deref().map(text))
                }
                AuditField::RequestPrincipal => {
                    let principal = principal_text(request);
                    ("request_principal", principal.map(|text| Cow::Owned(short(&text))))
                }
                AuditField::SourceIp => ("source_ip", source_ip(request)),
                AuditField::Method => ("method", header(":method")),
                AuditField::Path => ("path", path(request)),
                AuditField::Host => ("host", header(":authority")),
                AuditField::RequestId => ("request_id", header("x-request-id")),
            };
            if let Some(value) = value {
                line.insert(name.to_owned(), Value::from(value.into_owned()));
            }
        }
        Some(Value::Object(line).to_string())
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
