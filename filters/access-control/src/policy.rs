//! The compiled policies and their decisions.

use std::time::SystemTime;

use filter_core::{
    Answer, DetailLevel, HeaderName, Mode, Needs, PathNormalization, Percentage, Request, Schedule,
    Warning, sticky_draw, sticky_hash,
};

use crate::config::Action;

mod compile;
mod pattern;
mod reply;
mod rule;
mod subject;

use crate::policy::rule::{Context, Rule};

/// The compiled policies.
#[derive(Debug)]
pub struct Policies {
    policies: Vec<Policy>,
    normalization: PathNormalization,
    needs: Needs,
    reply: ReplyTemplate,
    detail: DetailLevel,
    mode: Mode,
    label_metrics: bool,
    warnings: Vec<Warning>,
}

/// A compiled policy.
#[derive(Debug)]
struct Policy {
    name: String,
    action: Action,
    rules: Vec<Rule>,
    is_dry_run: bool,
    enforced: Percentage,
    schedule: Schedule,
    reply: Option<ReplyTemplate>,
}

/// A configured reply.
#[derive(Clone, Debug, Default)]
struct ReplyTemplate {
    status: Option<u16>,
    headers: Vec<(HeaderName, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

/// A rule of a policy, by their indices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RuleId {
    /// Index of the policy.
    pub policy: usize,
    /// Index of the rule in the policy.
    pub rule: usize,
}

/// The reason for a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// A rule of a DENY or an ALLOW policy matched.
    Rule(RuleId),
    /// No ALLOW policy matched, although there is one.
    NoPolicyAllows,
    /// No DENY policy matched, and there is no ALLOW policy.
    NoPolicy,
    /// The request could not be read.
    Unreadable,
}

/// The verdict about a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// `true` if the request is allowed.
    pub is_allowed: bool,
    /// The reason.
    pub reason: Reason,
    /// `true` if a rule of a DENY policy may have matched, or one of an ALLOW policy may not have,
    /// because a value could not be read.
    pub is_unsure: bool,
}

/// The decision about a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decision {
    /// The verdict of the enforced policies.
    pub verdict: Verdict,
    /// The verdict if the policies in dry run were enforced too; `None` without such policies.
    pub dry_run: Option<Verdict>,
    /// The first rule of an AUDIT policy that matched.
    pub audited: Option<RuleId>,
    /// `true` if the denial does not happen, because only a share of them does.
    pub is_tolerated: bool,
}

impl Policies {
    /// Returns the inputs that [`Policies::decide`] reads of a request.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the warnings about the configuration.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns `true` in a dry run of all policies.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }

    /// Returns `true` if metrics have labels.
    #[must_use]
    pub const fn has_labels(&self) -> bool {
        self.label_metrics
    }

    /// Returns the names of the policies.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.as_str())
    }

    /// Returns `true` if a schedule depends on the wall clock.
    #[must_use]
    pub fn uses_wall_clock(&self) -> bool {
        let schedules = self.policies.iter().flat_map(|policy| {
            policy.rules.iter().map(|rule| &rule.schedule).chain([&policy.schedule])
        });
        schedules.into_iter().any(|schedule| !schedule.is_always())
    }

    /// Decides about a request. Equal arguments give equal decisions.
    #[must_use]
    pub fn decide(&self, request: &Request, now: SystemTime) -> Decision {
        let context = Context { normalization: self.normalization, now };
        let verdict = self.verdict(request, context, false);
        let has_dry_run = self.policies.iter().any(|policy| policy.is_dry_run);
        Decision {
            verdict,
            dry_run: has_dry_run.then(|| self.verdict(request, context, true)),
            audited: self.first(Action::Audit, request, context, false).map(|(rule, _)| rule),
            is_tolerated: !verdict.is_allowed && self.is_tolerated(verdict, request, now),
        }
    }

    /// Returns the decision about a request that could not be read: it is denied unless no policy
    /// that is enforced allows or denies.
    #[must_use]
    pub fn unreadable(&self) -> Decision {
        let is_enforced = |policy: &Policy| policy.action != Action::Audit && !policy.is_dry_run;
        let is_allowed = !self.policies.iter().any(is_enforced);
        let verdict = Verdict { is_allowed, reason: Reason::Unreadable, is_unsure: true };
        Decision { verdict, dry_run: None, audited: None, is_tolerated: false }
    }

    fn verdict(&self, request: &Request, context: Context, with_dry_run: bool) -> Verdict {
        if let Some((rule, answer)) = self.first(Action::Deny, request, context, with_dry_run) {
            let is_unsure = answer == Answer::Unsure;
            return Verdict { is_allowed: false, reason: Reason::Rule(rule), is_unsure };
        }
        let mut allows = self.active(Action::Allow, with_dry_run).peekable();
        if allows.peek().is_none() {
            return Verdict { is_allowed: true, reason: Reason::NoPolicy, is_unsure: false };
        }
        let mut is_unsure = false;
        for (index, policy) in allows {
            for (rule, compiled) in policy.rules.iter().enumerate() {
                match policy.answer(compiled, request, context) {
                    Answer::Yes => {
                        let reason = Reason::Rule(RuleId { policy: index, rule });
                        return Verdict { is_allowed: true, reason, is_unsure: false };
                    }
                    Answer::Unsure => is_unsure = true,
                    Answer::No => {}
                }
            }
        }
        Verdict { is_allowed: false, reason: Reason::NoPolicyAllows, is_unsure }
    }

    /// Returns the first rule with an action that matches, surely or possibly.
    fn first(
        &self,
        action: Action,
        request: &Request,
        context: Context,
        with_dry_run: bool,
    ) -> Option<(RuleId, Answer)> {
        self.active(action, with_dry_run).find_map(|(index, policy)| {
            let mut rules = policy.rules.iter().enumerate();
            rules.find_map(|(rule, compiled)| {
                let answer = policy.answer(compiled, request, context);
                let found = (RuleId { policy: index, rule }, answer);
                (answer != Answer::No).then_some(found)
            })
        })
    }

    fn active(&self, action: Action, with_dry_run: bool) -> impl Iterator<Item = (usize, &Policy)> {
        let policies = self.policies.iter().enumerate();
        policies.filter(move |(_, policy)| {
            policy.action == action && (with_dry_run || !policy.is_dry_run)
        })
    }

    fn is_tolerated(&self, verdict: Verdict, request: &Request, now: SystemTime) -> bool {
        let Reason::Rule(rule) = verdict.reason else { return false };
        let Some(policy) = self.policies.get(rule.policy) else { return false };
        let enforced = policy.schedule.ramped(policy.enforced, now);
        if enforced == Percentage::ALL {
            return false;
        }
        let address = request.attributes.get(subject::SOURCE).map(|text| without_port(text));
        let key = request.source_principal.as_deref().or(address).unwrap_or_default();
        !enforced.contains(sticky_draw(sticky_hash(&policy.name, key, "enforced")))
    }
}

impl Policy {
    fn answer(&self, rule: &Rule, request: &Request, context: Context) -> Answer {
        if self.schedule.is_active(context.now) {
            rule.answer(request, context)
        } else {
            Answer::No
        }
    }
}

/// Returns an address without its port, which differs between the connections of a client.
fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|byte| *byte == b':').unwrap_or(address.len());
    address.get(..end).unwrap_or(address)
}

#[cfg(test)]
mod tests;
