//! The draws of a request.

use std::time::{Duration, SystemTime};

use filter_core::{Captures, Match, Percentage, Request, sticky_draw, sticky_hash};
use smallvec::SmallVec;

use super::{GlobalDraw, LimitKind, Policy, Rule, global};
use crate::{
    config::MissingKeyConfig,
    key::{KeyStatus, Secret},
    rate::Rate,
    windows::Amount,
};

/// The maximum number of draws of a request, which is refused if it needs more: only one that many
/// entries may match, such as one with an unreadable header.
const MAX_DRAWS: usize = 32;

/// Values that do not come from the request.
#[derive(Clone, Copy)]
pub struct Inputs {
    /// The secret of the pod.
    pub secret: Secret,
    /// The wall clock; 1970 if [`Policy::uses_wall_clock`] returns `false`.
    pub now: SystemTime,
    /// A random draw, in millionths.
    pub draw: u32,
}

/// The draws of a request: those of its entry, then the top-level ones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// The draws that the pod counts.
    pub draws: SmallVec<[PlannedDraw; 2]>,
    /// The draws that the rate-limit service counts.
    pub global: Vec<GlobalDraw>,
    /// The rule that refuses the request, because its key is missing or there are too many draws.
    pub denied_by: Option<usize>,
    /// Number of limits whose key the request lacks.
    pub missing_keys: u64,
    /// Number of rules that would refuse the request if they were enforced.
    pub tolerated: u64,
}

/// A draw from a limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PlannedDraw {
    /// Index of the rule.
    pub rule: usize,
    /// Index of the limit in [`Policy::limits`].
    pub limit: usize,
    /// Keyed hash of the request's key; 0 without a key.
    pub key: u64,
    /// The window; `None` for a limit on concurrent requests.
    pub rate: Option<Rate>,
    /// Units to draw.
    pub amount: Amount,
    /// `true` if the units are taken at the response; the draw then only checks that one is left.
    pub is_charged: bool,
    /// `true` if a request over the limit is refused.
    pub is_enforced: bool,
    /// Units in each window.
    pub quota: u64,
    /// Units that are available at most.
    pub burst: u64,
}

/// A request with the captures of the entry that matches it.
#[derive(Clone, Copy)]
struct RequestSource<'r> {
    request: &'r Request,
    captures: &'r Captures,
    /// `false` if only some readings of the request match the entry.
    is_sure: bool,
}

impl Policy {
    /// Plans the draws of a request. Equal arguments give equal plans.
    ///
    /// The limits of an entry with an unsure match apply, and so do those of the following entries.
    /// An unsure exemption has no effect.
    #[must_use]
    pub fn plan(&self, request: &Request, inputs: &Inputs) -> Plan {
        let mut plan = Plan::default();
        let mut is_exempt = false;
        let matches = (!self.entries.is_empty()).then(|| self.matcher.matches(request));
        for found in matches.into_iter().flatten() {
            let (index, is_sure) = match found {
                Match::Sure(index) => (index, true),
                Match::Unsure(index) => (index, false),
            };
            let Some(entry) = self.entries.get(index) else { continue };
            if !entry.schedule.is_active(inputs.now) {
                continue;
            }
            let captures = self.captures(index, request);
            for rule in &entry.rules {
                let ramp = |share| entry.schedule.ramped(share, inputs.now);
                let source = RequestSource { request, captures: &captures, is_sure };
                self.add(&mut plan, *rule, source, inputs, ramp);
            }
            if is_sure {
                is_exempt = entry.rules.is_empty() && plan == Plan::default();
                break;
            }
        }
        if !is_exempt {
            let none = Captures::default();
            let source = RequestSource { request, captures: &none, is_sure: true };
            for rule in &self.global {
                self.add(&mut plan, *rule, source, inputs, |share| share);
            }
        }
        plan
    }

    fn captures(&self, entry: usize, request: &Request) -> Captures {
        let rules = self.entries.get(entry).map(|entry| entry.rules.as_slice()).unwrap_or_default();
        let reads = |rule: &usize| {
            let reads_cost =
                self.rules.get(*rule).is_some_and(|rule| rule.cost.path_variable().is_some());
            let reads_key = |limit: &super::Limit| {
                let described = limit.descriptor.iter().flat_map(|spec| spec.path_variables());
                limit.key.path_variables().chain(described).next().is_some()
            };
            reads_cost || self.limit_of(*rule).is_some_and(reads_key)
        };
        if rules.iter().any(reads) {
            self.matcher.captures_in_all_readings(entry, request)
        } else {
            Captures::new()
        }
    }

    fn add(
        &self,
        plan: &mut Plan,
        index: usize,
        source: RequestSource<'_>,
        inputs: &Inputs,
        ramp: impl Fn(Percentage) -> Percentage,
    ) {
        let Some(rule) = self.rules.get(index) else { return };
        let Some(limit) = self.limits.get(rule.limit) else { return };
        let RequestSource { request, captures, is_sure } = source;
        let key = match limit.is_keyed() {
            true => limit.key.of(&limit.name, inputs.secret, request, captures),
            false => crate::key::Key { hash: 0, status: KeyStatus::Found },
        };
        let enforced = ramp(rule.enforced);
        let draw = if limit.is_keyed() {
            sticky_draw(sticky_hash(&limit.name, &key.hash.to_le_bytes(), "enforced"))
        } else {
            inputs.draw
        };
        let is_enforced = enforced.contains(draw);
        if plan.draws.len().saturating_add(plan.global.len()) >= MAX_DRAWS {
            plan.refuse(index, is_enforced);
            return;
        }
        let status = match &limit.descriptor {
            Some(descriptor) if key.status == KeyStatus::Found => {
                descriptor.status(request, captures)
            }
            _ => key.status,
        };
        if status != KeyStatus::Found {
            plan.missing_keys = plan.missing_keys.saturating_add(1);
            match (limit.on_missing_key, status) {
                (MissingKeyConfig::Deny, _) => {
                    plan.refuse(index, is_enforced);
                    return;
                }
                (MissingKeyConfig::Skip, KeyStatus::Missing) if is_sure => return,
                // Ambiguous values and unsure matches do not avoid the limit.
                (MissingKeyConfig::Skip | MissingKeyConfig::Share, _) => {}
            }
        }
        let (rate, quota) = match &limit.kind {
            LimitKind::Rate(spec) => {
                let (rate, requests) = spec.for_request(request);
                (Some(rate), requests)
            }
            LimitKind::Concurrent(max) => (None, *max),
        };
        let burst = limit.burst(quota);
        let planned = PlannedDraw {
            rule: index,
            limit: rule.limit,
            key: key.hash,
            rate,
            amount: rule.amount(request, captures, burst),
            is_charged: rule.charge.is_some(),
            is_enforced,
            quota,
            burst,
        };
        if !limit.is_global {
            plan.draws.push(planned);
            return;
        }
        let descriptor = self.describe(limit, request, captures);
        let key = global::hash(&descriptor, inputs.secret);
        plan.global.push(GlobalDraw { draw: planned, descriptor, key });
    }
}

impl Rule {
    pub(super) fn amount(&self, request: &Request, captures: &Captures, burst: u64) -> Amount {
        let cost = if self.charge.is_some() { 1 } else { self.cost.units(request, captures) };
        let reserve = u128::from(burst).saturating_mul(self.reserve.parts_per_million().into());
        Amount {
            cost,
            reserve: u64::try_from(reserve.div_ceil(1_000_000)).unwrap_or(u64::MAX),
            max_wait: self.max_wait,
            lease: 0,
        }
    }
}

impl super::Limit {
    /// Returns the units that are available at most.
    pub(super) fn burst(&self, quota: u64) -> u64 {
        match &self.kind {
            LimitKind::Rate(spec) => spec.burst_for(quota),
            LimitKind::Concurrent(max) => *max,
        }
    }
}

impl Plan {
    /// Returns `true` if no limit applies to the request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.draws.is_empty() && self.global.is_empty() && self.denied_by.is_none()
    }

    /// Refuses the request because of a rule, if the rule is enforced.
    fn refuse(&mut self, rule: usize, is_enforced: bool) {
        if is_enforced {
            self.denied_by.get_or_insert(rule);
        } else {
            self.tolerated = self.tolerated.saturating_add(1);
        }
    }

    /// Forbids waiting, so that a request over its limit is refused.
    pub fn forbid_waits(&mut self) {
        self.draws.iter_mut().for_each(|draw| draw.amount.max_wait = Duration::ZERO);
    }
}
