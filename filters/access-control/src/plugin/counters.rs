//! The counters of the filter.

use std::collections::BTreeMap;

use filter_host::{
    Setup,
    metric_buffer::{BufferedMetric, MetricBuffer},
};

use super::PERIOD;
use crate::{
    Decision, Metric, Policies, PolicyMetric, Reason, RuleId,
    metrics::{rule_matched, rule_other},
};

/// The number of rules that have a counter of their own.
const MAX_RULES: usize = 256;

/// The counters, in total and by policy.
pub(super) struct Counters {
    buffer: MetricBuffer,
    /// Indexed by [`Metric::index`].
    totals: Vec<BufferedMetric>,
    /// By policy, then as [`PolicyMetric::ALL`].
    by_policy: Vec<[BufferedMetric; 3]>,
    by_rule: BTreeMap<RuleId, BufferedMetric>,
    other_rules: BufferedMetric,
}

impl Counters {
    pub(super) fn new(policies: &Policies, setup: &Setup) -> Self {
        let buffer = MetricBuffer::new(&setup.timers, PERIOD);
        let of_policy = |name: &str| {
            PolicyMetric::ALL
                .map(|metric| buffer.counter(&metric.name(name, policies.has_labels())))
        };
        let of_rule = |(id, policy, rule): (RuleId, &str, &str)| {
            (id, buffer.counter(&rule_matched(policy, rule, policies.has_labels())))
        };
        Self {
            totals: Metric::ALL.iter().map(|metric| buffer.counter(&metric.name())).collect(),
            by_policy: policies.names().map(of_policy).collect(),
            by_rule: policies.rules().take(MAX_RULES).map(of_rule).collect(),
            other_rules: buffer.counter(&rule_other()),
            buffer,
        }
    }

    /// Counts a decision; `is_enforced` is `false` if its denial does not happen.
    pub(super) fn count(&self, policies: &Policies, decision: &Decision, is_enforced: bool) {
        let verdict = decision.verdict;
        self.add(if verdict.is_allowed { Metric::Allowed } else { Metric::Denied });
        match verdict.reason {
            Reason::Rule(rule) => {
                self.add_matched(rule);
                if !verdict.is_allowed {
                    self.add(Metric::DeniedByPolicy);
                    self.add_policy(rule.policy, PolicyMetric::Denied);
                }
            }
            Reason::NoPolicyAllows => self.add(Metric::DeniedNoPolicy),
            Reason::NoPolicy | Reason::Unreadable => {}
        }
        if let Some(rule) = decision.audited {
            self.add(Metric::Audited);
            self.add_matched(rule);
        }
        if let Some(dry_run) = decision.dry_run_difference() {
            let is_allowed = dry_run.is_allowed;
            self.add(if is_allowed { Metric::DryRunAllowed } else { Metric::DryRunDenied });
            for policy in policies.dry_run_policies(decision) {
                self.add_policy(policy, PolicyMetric::DryRun);
            }
        }
        if verdict.is_unsure {
            self.add(Metric::Unsure);
        }
        if !verdict.is_allowed && !is_enforced {
            self.add(Metric::NotEnforced);
        }
    }

    pub(super) fn add(&self, metric: Metric) {
        if let Some(counter) = self.totals.get(metric.index()) {
            self.buffer.add(*counter, 1);
        }
    }

    /// Writes the counters to the proxy.
    pub(super) fn flush(&self) {
        self.buffer.flush();
    }

    fn add_matched(&self, rule: RuleId) {
        let counter = self.by_rule.get(&rule).unwrap_or(&self.other_rules);
        self.buffer.add(*counter, 1);
        self.add_policy(rule.policy, PolicyMetric::Matched);
    }

    fn add_policy(&self, policy: usize, metric: PolicyMetric) {
        if let Some([matched, denied, dry_run]) = self.by_policy.get(policy) {
            let counter = match metric {
                PolicyMetric::Matched => matched,
                PolicyMetric::Denied => denied,
                PolicyMetric::DryRun => dry_run,
            };
            self.buffer.add(*counter, 1);
        }
    }
}
