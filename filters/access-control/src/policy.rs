//! The compiled policies and their decisions.

use std::{rc::Rc, time::SystemTime};

use filter_core::{
    Answer, DetailLevel, HeaderName, Mode, Needs, PathNormalization, Percentage, Request, Schedule,
    Warning, sticky_draw, sticky_hash,
};

use crate::config::Action;

mod audit;
mod compile;
mod explain;
mod fetched_list;
mod index;
mod lint;
mod list;
mod pattern;
mod reply;
mod rule;
mod subject;
mod test_case;

pub use crate::policy::{
    audit::Audit, explain::EXPLAIN, fetched_list::ListSpec, list::ListContent,
};
use crate::policy::{
    explain::Explain,
    index::Index,
    list::SharedList,
    rule::{Context, Rule},
};

/// The compiled policies.
#[derive(Debug)]
pub struct Policies {
    policies: Vec<Policy>,
    actions: Actions,
    uses_wall_clock: bool,
    /// `true` if a policy is in dry run.
    has_dry_run: bool,
    normalization: PathNormalization,
    needs: Needs,
    reply: ReplyTemplate,
    /// Share of the denials because no ALLOW policy matches that happen.
    enforced: Percentage,
    /// `true` if denials of requests without an identity have status 401.
    challenges: bool,
    audit: Option<Audit>,
    explain: Option<Explain>,
    detail: DetailLevel,
    mode: Mode,
    label_metrics: bool,
    warnings: Vec<Warning>,
    conditional_warnings: lint::Conditional,
    lists: Vec<FetchedList>,
}

/// A fetched list that rules use.
#[derive(Debug)]
struct FetchedList {
    spec: Rc<ListSpec>,
    list: SharedList,
}

/// The rules of each action, in the order of the document.
#[derive(Debug, Default)]
struct Actions {
    allow: ActionRules,
    deny: ActionRules,
    audit: ActionRules,
}

/// The rules of an action.
#[derive(Debug, Default)]
struct ActionRules {
    rules: Vec<RuleId>,
    index: Index,
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
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
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
    /// `true` if the denied request has no identity, and is asked for one.
    pub is_challenged: bool,
}

impl Decision {
    /// Returns the verdict of the dry run if it differs from that of the enforced policies.
    #[must_use]
    pub fn dry_run_difference(&self) -> Option<Verdict> {
        self.dry_run.filter(|dry_run| dry_run.is_allowed != self.verdict.is_allowed)
    }
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

    /// Returns the warnings about the configuration in a sidecar.
    #[must_use]
    pub fn sidecar_warnings(&self) -> &[Warning] {
        &self.conditional_warnings.sidecar
    }

    /// Returns `true` if a schedule can expire.
    #[must_use]
    pub const fn has_ends(&self) -> bool {
        !self.conditional_warnings.expired.is_empty()
    }

    /// Returns the warnings about schedules that have expired by `now`.
    pub fn expired_warnings(&self, now: SystemTime) -> impl Iterator<Item = &Warning> {
        let expired = self.conditional_warnings.expired.iter();
        expired.filter(move |(end, _)| *end <= now).map(|(_, warning)| warning)
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

    /// Returns the rules, with the names of their policies and their own.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &str, &str)> {
        self.policies.iter().enumerate().flat_map(|(policy, compiled)| {
            let rules = compiled.rules.iter().enumerate();
            rules.map(move |(rule, found)| {
                (RuleId { policy, rule }, compiled.name.as_str(), found.name.as_str())
            })
        })
    }

    /// Returns the names of the policies.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.as_str())
    }

    /// Returns the indices of the policies in dry run that cause a different verdict: the one whose
    /// rule decides, or all ALLOW policies in dry run if none of them matches.
    pub fn dry_run_policies(&self, decision: &Decision) -> impl Iterator<Item = usize> {
        let reason = decision.dry_run_difference().map(|verdict| verdict.reason);
        self.policies.iter().enumerate().filter_map(move |(index, policy)| {
            let is_cause = match reason? {
                Reason::Rule(rule) => rule.policy == index,
                Reason::NoPolicyAllows => policy.action == Action::Allow && policy.is_dry_run,
                Reason::NoPolicy | Reason::Unreadable => false,
            };
            is_cause.then_some(index)
        })
    }

    /// Returns `true` if a schedule or an audit line depends on the wall clock.
    #[must_use]
    pub const fn uses_wall_clock(&self) -> bool {
        self.uses_wall_clock
    }

    /// Returns the fetched lists.
    pub fn lists(&self) -> impl Iterator<Item = &Rc<ListSpec>> {
        self.lists.iter().map(|list| &list.spec)
    }

    /// Replaces the content of a fetched list, by its index; `None` makes it unavailable.
    pub fn set_list(&self, index: usize, content: Option<&ListContent>) {
        if let Some(list) = self.lists.get(index) {
            list.list.replace(content);
        }
    }

    /// Decides about a request. Equal arguments and lists give equal decisions.
    #[must_use]
    pub fn decide(&self, request: &Request, now: SystemTime) -> Decision {
        let context = Context { normalization: self.normalization, now };
        let verdict = self.verdict(request, context, false);
        Decision {
            verdict,
            dry_run: self.has_dry_run.then(|| self.verdict(request, context, true)),
            audited: self
                .matches(Action::Audit, request, context)
                .map(|(rule, _)| rule)
                .find(|rule| self.is(*rule, |policy| !policy.is_dry_run)),
            is_tolerated: !verdict.is_allowed && self.is_tolerated(verdict, request, now),
            is_challenged: self.challenges
                && verdict.reason == Reason::NoPolicyAllows
                && request.source_principal.is_none()
                && subject::claims(request).is_none(),
        }
    }

    /// Returns the decision about a request that could not be read: it is denied unless no policy
    /// that is enforced allows or denies.
    #[must_use]
    pub fn unreadable(&self) -> Decision {
        let is_enforced = |policy: &Policy| policy.action != Action::Audit && !policy.is_dry_run;
        let is_allowed = !self.policies.iter().any(is_enforced);
        let verdict = Verdict { is_allowed, reason: Reason::Unreadable, is_unsure: true };
        Decision {
            verdict,
            dry_run: None,
            audited: None,
            is_tolerated: false,
            is_challenged: false,
        }
    }

    fn verdict(&self, request: &Request, context: Context, with_dry_run: bool) -> Verdict {
        let is_active = |policy: &Policy| with_dry_run || !policy.is_dry_run;
        let mut denials = self.matches(Action::Deny, request, context);
        if let Some((rule, answer)) = denials.find(|(rule, _)| self.is(*rule, is_active)) {
            let is_unsure = answer == Answer::Unsure;
            return Verdict { is_allowed: false, reason: Reason::Rule(rule), is_unsure };
        }
        let mut policies = self.policies.iter();
        if !policies.any(|policy| policy.action == Action::Allow && is_active(policy)) {
            return Verdict { is_allowed: true, reason: Reason::NoPolicy, is_unsure: false };
        }
        let mut is_unsure = false;
        for (rule, answer) in self.matches(Action::Allow, request, context) {
            if !self.is(rule, is_active) {
                continue;
            }
            if answer == Answer::Yes {
                let reason = Reason::Rule(rule);
                return Verdict { is_allowed: true, reason, is_unsure: false };
            }
            is_unsure = true;
        }
        Verdict { is_allowed: false, reason: Reason::NoPolicyAllows, is_unsure }
    }

    /// Returns the rules with an action that match, surely or possibly, in the order of the
    /// document.
    fn matches(
        &self,
        action: Action,
        request: &Request,
        context: Context,
    ) -> impl Iterator<Item = (RuleId, Answer)> {
        let rules = self.actions.of(action);
        let candidates = rules.index.candidates(request, context.normalization);
        let all = if candidates.is_none() { 0..rules.rules.len() } else { 0..0 };
        let numbers = candidates.unwrap_or_default().into_iter().chain(all);
        numbers.filter_map(move |number| {
            let id = *rules.rules.get(number)?;
            let policy = self.policies.get(id.policy)?;
            let answer = policy.answer(policy.rules.get(id.rule)?, request, context);
            (answer != Answer::No).then_some((id, answer))
        })
    }

    /// Returns `true` if a condition holds for the policy of a rule.
    fn is(&self, rule: RuleId, condition: impl Fn(&Policy) -> bool) -> bool {
        self.policies.get(rule.policy).is_some_and(condition)
    }

    fn is_tolerated(&self, verdict: Verdict, request: &Request, now: SystemTime) -> bool {
        let (enforced, salt) = match verdict.reason {
            Reason::Rule(rule) => {
                let Some(policy) = self.policies.get(rule.policy) else { return false };
                (policy.schedule.ramped(policy.enforced, now), policy.name.as_str())
            }
            Reason::NoPolicyAllows => (self.enforced, ""),
            Reason::NoPolicy | Reason::Unreadable => return false,
        };
        if enforced == Percentage::ALL {
            return false;
        }
        let address = request.attributes.get(subject::SOURCE).map(|text| without_port(text));
        let key = request.source_principal.as_deref().or(address).unwrap_or_default();
        !enforced.contains(sticky_draw(sticky_hash(salt, key, "enforced")))
    }
}

impl Actions {
    fn new(policies: &[Policy]) -> Self {
        let mut actions = Self::default();
        for (index, policy) in policies.iter().enumerate() {
            let rules = match policy.action {
                Action::Allow => &mut actions.allow,
                Action::Deny => &mut actions.deny,
                Action::Audit => &mut actions.audit,
            };
            for (rule, compiled) in policy.rules.iter().enumerate() {
                rules.index.insert(rules.rules.len(), compiled);
                rules.rules.push(RuleId { policy: index, rule });
            }
        }
        actions
    }

    const fn of(&self, action: Action) -> &ActionRules {
        match action {
            Action::Allow => &self.allow,
            Action::Deny => &self.deny,
            Action::Audit => &self.audit,
        }
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
