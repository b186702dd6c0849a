//! Warnings about rules without the effect that they seem to have.

use std::{collections::BTreeSet, time::SystemTime};

use filter_core::{Percentage, Warning};

use super::{
    Policy, RuleId,
    pattern::Pattern,
    rule::{Rule, Test, TextTest, Values},
    subject::{AddressSubject, Subject},
};
use crate::config::Action;

/// The maximum number of rules that a warning names.
const MAX_NAMES: usize = 8;

/// A compiled policy with its place in the document.
#[derive(Debug)]
pub(super) struct Located {
    /// The path of the policy.
    pub(super) path: String,
    /// The path of its rules.
    pub(super) rules_path: String,
    pub(super) policy: Policy,
}

/// Warnings that depend on the proxy or on the time.
#[derive(Debug, Default)]
pub(super) struct Conditional {
    /// The warnings in a sidecar.
    pub(super) sidecar: Vec<Warning>,
    /// Warnings, each with the time from which it applies.
    pub(super) expired: Vec<(SystemTime, Warning)>,
}

/// Returns the warnings that depend on the document only.
pub(super) fn warnings(policies: &[Located]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for Located { path, rules_path, policy } in policies {
        if policy.rules.is_empty() && policy.action != Action::Allow {
            warnings.push(Warning::new(path, "has no rules, so it matches no request"));
        }
        if policy.action == Action::Deny {
            warnings.extend(policy.rules.iter().enumerate().flat_map(|(index, rule)| {
                hosts_without_ports(rule, &format!("{rules_path}[{index}]"))
            }));
        }
    }
    for action in [Action::Allow, Action::Deny, Action::Audit] {
        warnings.extend(shadowed(policies, action));
    }
    warnings
}

/// Returns the warnings that depend on the proxy or on the time.
pub(super) fn conditional(policies: &[Located]) -> Conditional {
    let mut found = Conditional::default();
    for Located { path, rules_path, policy } in policies {
        let mut expires = |path: &str, at: Option<SystemTime>| {
            let warning = Warning::new(
                format_args!("{path}.schedule.expiresAt"),
                "is in the past, so nothing matches any more",
            );
            found.expired.extend(at.map(|at| (at, warning)));
        };
        expires(path, policy.schedule.expires_at());
        for (index, rule) in policy.rules.iter().enumerate() {
            let path = format!("{rules_path}[{index}]");
            expires(&path, rule.schedule.expires_at());
            found.sidecar.extend(peer_addresses(rule, &path));
        }
    }
    found
}

/// Returns a warning for each policy with rules that no test reaches.
///
/// `rules_paths` are the paths of the rules of each policy.
pub(super) fn untested(
    policies: &[Policy],
    rules_paths: &[String],
    reached: &BTreeSet<RuleId>,
) -> Vec<Warning> {
    let of = |(index, (policy, path)): (usize, (&Policy, &String))| {
        let rules = policy.rules.iter().enumerate();
        let is_untested = |rule: usize| !reached.contains(&RuleId { policy: index, rule });
        let names: Vec<_> = rules
            .filter(|(rule, _)| is_untested(*rule))
            .map(|(_, rule)| rule.name.as_str())
            .collect();
        (!names.is_empty()).then(|| {
            let named = names.iter().copied().take(MAX_NAMES).collect::<Vec<_>>().join(", ");
            let others = match names.len().saturating_sub(MAX_NAMES) {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            Warning::new(path, format_args!("no test reaches {named}{others}"))
        })
    };
    policies.iter().zip(rules_paths).enumerate().filter_map(of).collect()
}

/// Returns a warning for each host of a rule that is listed without its ports.
fn hosts_without_ports(rule: &Rule, path: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (index, tests) in rule.to.iter().enumerate() {
        for test in tests.iter().filter(|test| !test.is_negated) {
            let Values::Texts(Subject::Host, values) = &test.values else { continue };
            for value in values {
                let TextTest::Pattern(Pattern::Exact(host)) = value else { continue };
                let with_port = [host.as_slice(), b":1"].concat();
                if host.contains(&b':') || values.iter().any(|value| value.matches(&with_port)) {
                    continue;
                }
                let host = String::from_utf8_lossy(host);
                warnings.push(Warning::new(
                    format_args!("{path}.to[{index}].operation.hosts"),
                    format_args!(
                        "has \"{host}\" without \"{host}:*\": with a port, the host is unsure \
                         here and bypasses the rule in Istio"
                    ),
                ));
            }
        }
    }
    warnings
}

/// Returns a warning for each list of a rule that reads the address of the peer.
fn peer_addresses(rule: &Rule, path: &str) -> Vec<Warning> {
    let reads_peer = |test: &&Test| {
        let peer = AddressSubject::Peer;
        matches!(&test.values, Values::Addresses(subject, _) | Values::AddressLists(subject, _)
            if *subject == peer)
    };
    let from = rule.from.iter().enumerate().flat_map(|(index, tests)| {
        let found = tests.iter().filter(reads_peer);
        found.map(move |test| format!("{path}.from[{index}].source.{}", test.field))
    });
    let when = rule.when.iter().find(reads_peer).map(|_| format!("{path}.when"));
    let warning = |path: String| {
        Warning::new(
            path,
            "in a sidecar the address of the peer is hidden behind x-forwarded-for, so it is \
             unsure: identify callers by principals",
        )
    };
    from.chain(when).map(warning).collect()
}

/// Returns a warning for each policy with rules of an action that never decide, because an earlier
/// rule of the action matches every request.
fn shadowed(policies: &[Located], action: Action) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut always: Option<String> = None;
    for Located { rules_path, policy, .. } in policies {
        if policy.action != action {
            continue;
        }
        let mut rules = policy.rules.iter().enumerate();
        if always.is_none() && policy.always_applies() {
            let first = rules.find(|(_, rule)| rule.is_unconditional());
            always = first.map(|(index, _)| format!("{rules_path}[{index}]"));
        }
        if let (Some(always), Some((index, _))) = (&always, rules.next()) {
            let others = match rules.count() {
                0 => String::new(),
                count => format!(", nor do the {count} after it"),
            };
            warnings.push(Warning::new(
                format_args!("{rules_path}[{index}]"),
                format_args!("never decides{others}, because {always} always matches before it"),
            ));
        }
    }
    warnings
}

impl Policy {
    /// Returns `true` if all matches of the policy have an effect at all times.
    fn always_applies(&self) -> bool {
        !self.is_dry_run && self.schedule.is_always() && self.enforced == Percentage::ALL
    }
}

impl Rule {
    /// Returns `true` if the rule matches every request.
    fn is_unconditional(&self) -> bool {
        let is_empty = self.from.is_empty() && self.to.is_empty() && self.when.is_empty();
        is_empty && self.matcher.is_none() && self.schedule.is_always()
    }
}
