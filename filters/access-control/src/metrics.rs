//! The names of the metrics.

use filter_core::{label_value, metric_name_part};

const PREFIX: &str = "weir_access_control_";

/// A counter of the filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Requests that were allowed.
    Allowed,
    /// Requests that were denied.
    Denied,
    /// Denials by a DENY policy.
    DeniedByPolicy,
    /// Denials because no ALLOW policy matched.
    DeniedNoPolicy,
    /// Requests that an AUDIT policy matched.
    Audited,
    /// Allowed requests that policies in dry run would deny.
    DryRunDenied,
    /// Denied requests that policies in dry run would allow.
    DryRunAllowed,
    /// Decisions that depend on a value that could not be read.
    Unsure,
    /// Denials that did not happen, because of `enforced` or `dryRun`.
    NotEnforced,
    /// Audit lines over `maxPerSecond`, which were not written.
    AuditLimited,
    /// Failed fetches of lists.
    ListFetchFailed,
    /// Failed host calls.
    Errors,
}

/// A counter of a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyMetric {
    /// Requests that a rule matched and that decided.
    Matched,
    /// Requests that it denied.
    Denied,
    /// Requests that would have another verdict if it were not in dry run.
    DryRun,
}

impl Metric {
    /// All counters.
    pub const ALL: [Self; 12] = [
        Self::Allowed,
        Self::Denied,
        Self::DeniedByPolicy,
        Self::DeniedNoPolicy,
        Self::Audited,
        Self::DryRunDenied,
        Self::DryRunAllowed,
        Self::Unsure,
        Self::NotEnforced,
        Self::AuditLimited,
        Self::ListFetchFailed,
        Self::Errors,
    ];

    /// Returns the index in [`Metric::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the name.
    #[must_use]
    pub fn name(self) -> String {
        let stem = match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::DeniedByPolicy => "denied_by_policy",
            Self::DeniedNoPolicy => "denied_no_policy",
            Self::Audited => "audited",
            Self::DryRunDenied => "dry_run_denied",
            Self::DryRunAllowed => "dry_run_allowed",
            Self::Unsure => "unsure",
            Self::NotEnforced => "not_enforced",
            Self::AuditLimited => "audit_limited",
            Self::ListFetchFailed => "list_fetch_failed",
            Self::Errors => "errors",
        };
        format!("{PREFIX}{stem}_total")
    }
}

/// Returns the name of the counter of requests that a rule matched.
pub(crate) fn rule_matched(policy: &str, rule: &str, has_labels: bool) -> String {
    if has_labels {
        let (policy, rule) = (label_value(policy.as_bytes()), label_value(rule.as_bytes()));
        format!("{PREFIX}rule_matched_total.policy=.={policy};.;rule=.={rule};.;")
    } else {
        let (policy, rule) = (metric_name_part(policy), metric_name_part(rule));
        format!("{PREFIX}rule_{policy}_{rule}_matched_total")
    }
}

/// Returns the name of a gauge of a list: `age_seconds` or `entries`.
pub(crate) fn list_gauge(list: &str, stem: &str, has_labels: bool) -> String {
    if has_labels {
        format!("{PREFIX}list_{stem}.list=.={};.;", label_value(list.as_bytes()))
    } else {
        format!("{PREFIX}list_{}_{stem}", metric_name_part(list))
    }
}

/// Returns the name of the counter of all rules without one of their own.
pub(crate) fn rule_other() -> String {
    format!("{PREFIX}rule_other_matched_total")
}

impl PolicyMetric {
    /// All counters of a policy.
    pub const ALL: [Self; 3] = [Self::Matched, Self::Denied, Self::DryRun];

    /// Returns the name for a policy.
    #[must_use]
    pub fn name(self, policy: &str, has_labels: bool) -> String {
        let stem = match self {
            Self::Matched => "matched",
            Self::Denied => "denied",
            Self::DryRun => "dry_run",
        };
        if has_labels {
            format!("{PREFIX}policy_{stem}_total.policy=.={};.;", label_value(policy.as_bytes()))
        } else {
            format!("{PREFIX}policy_{}_{stem}_total", metric_name_part(policy))
        }
    }
}
