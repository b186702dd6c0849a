//! The reply to a denied request.

use filter_core::{
    GrpcStatus, HeaderName, Headers, ProblemDetails, ProblemType, Reply, ReplyFormat,
};

use super::{Decision, Policies, Reason, ReplyTemplate, RuleId};

const FORBIDDEN: u16 = 403;
const UNAUTHORIZED: u16 = 401;
const WWW_AUTHENTICATE: HeaderName = HeaderName::from_static("www-authenticate");
const DETAILS: &str = "weir_access_control_denied";
/// The text of Envoy's RBAC filter.
const TEXT: &str = "RBAC: access denied";

impl Policies {
    /// Returns the reply to a denied request with these headers.
    #[must_use]
    pub fn reply(&self, decision: &Decision, request: &Headers) -> Reply {
        let format = ReplyFormat::of(request);
        let reason = decision.verdict.reason;
        let template = self.template(reason);
        let (code, extra) = match reason {
            Reason::Rule(rule) => {
                let (policy, rule) = self.names_of(rule);
                let extra = vec![("policy", policy.to_owned()), ("rule", rule.to_owned())];
                ("DENIED_BY_POLICY", extra)
            }
            Reason::NoPolicyAllows | Reason::NoPolicy => ("NO_POLICY_ALLOWS", Vec::new()),
            Reason::Unreadable => ("INTERNAL", Vec::new()),
        };
        let (status, grpc_status) = match decision.is_challenged {
            true => (UNAUTHORIZED, GrpcStatus::Unauthenticated),
            false => (FORBIDDEN, GrpcStatus::PermissionDenied),
        };
        let problem = ProblemDetails {
            status: template.status.unwrap_or(status),
            grpc_status,
            code,
            detail: TEXT,
            filter: DETAILS,
            kind: ProblemType::Blank,
            members: Vec::new(),
            extra,
            headers: if decision.is_challenged {
                vec![(WWW_AUTHENTICATE, b"Bearer".to_vec())]
            } else {
                Vec::new()
            },
        };
        let mut reply = problem.reply(&format.with_detail(self.detail));
        if let Some(body) = template.body.as_ref().filter(|_| !format.is_grpc()) {
            reply.headers.retain(|(name, _)| *name != HeaderName::CONTENT_TYPE);
            reply.body.clone_from(body);
        }
        for (name, value) in &template.headers {
            let is_type = *name == HeaderName::CONTENT_TYPE;
            if is_type && format.is_grpc() {
                continue;
            }
            reply.headers.retain(|(found, _)| found != name);
            reply.headers.push((name.clone(), value.clone()));
        }
        reply.details = self.details(reason);
        reply
    }

    /// Returns the response code details, such as `weir_access_control_denied{blocked.rule-0}`.
    fn details(&self, reason: Reason) -> String {
        match reason {
            Reason::Rule(rule) => {
                let (policy, rule) = self.names_of(rule);
                format!("{DETAILS}{{{policy}.{rule}}}")
            }
            Reason::NoPolicyAllows | Reason::NoPolicy => format!("{DETAILS}{{no_policy_allows}}"),
            Reason::Unreadable => format!("{DETAILS}{{internal}}"),
        }
    }

    /// Returns the value of the filter state, such as `decision=deny;policy=blocked;rule=rule-0`.
    ///
    /// A `policy` after `dry_run` is the one in dry run.
    #[must_use]
    pub fn summary(&self, decision: &Decision) -> String {
        let verdict = decision.verdict;
        let word = |is_allowed: bool| if is_allowed { "allow" } else { "deny" };
        let mut summary = format!("decision={}", word(verdict.is_allowed));
        let reason = if verdict.is_allowed {
            decision.audited.map(Reason::Rule)
        } else {
            Some(verdict.reason)
        };
        if let Some(Reason::Rule(rule)) = reason {
            let (policy, rule) = self.names_of(rule);
            summary.extend([";policy=", policy, ";rule=", rule]);
        }
        if let Some(dry_run) = decision.dry_run_difference() {
            summary.extend([";dry_run=", word(dry_run.is_allowed)]);
            let policy = self.dry_run_policies(decision).next();
            if let Some(policy) = policy.and_then(|index| self.policies.get(index)) {
                summary.extend([";policy=", policy.name.as_str()]);
            }
        }
        summary
    }

    /// Returns the names of a policy and its rule.
    pub(super) fn names_of(&self, id: RuleId) -> (&str, &str) {
        let policy = self.policies.get(id.policy);
        let rule = policy.and_then(|policy| policy.rules.get(id.rule));
        (
            policy.map_or("", |policy| policy.name.as_str()),
            rule.map_or("", |rule| rule.name.as_str()),
        )
    }

    fn template(&self, reason: Reason) -> &ReplyTemplate {
        let own = match reason {
            Reason::Rule(rule) => self.policies.get(rule.policy),
            _ => None,
        };
        own.and_then(|policy| policy.reply.as_ref()).unwrap_or(&self.reply)
    }
}
