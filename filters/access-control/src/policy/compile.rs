//! Compilation of the document.

use std::collections::BTreeSet;

use filter_core::{
    BodyText, ConfigErrors, InvalidConfig, Mode, Needs, PathNormalization, Percentage,
};

use self::{named_lists::NamedLists, trust_domains::TrustDomains};
use super::{
    Actions, Audit, EXPLAIN, Explain, Policies, Policy, ReplyTemplate,
    lint::{self, Located},
    subject::SOURCE,
    test_case,
};
use crate::config::{Action, Config, PolicyConfig, ReplyConfig, RuleConfig};

mod condition;
mod list;
mod named_lists;
mod rule;
mod trust_domains;

const MAX_POLICIES: usize = 256;
const MAX_RULES: usize = 512;
const MAX_TESTS: usize = 256;
const DRY_RUN: &str = "istio.io/dry-run";

impl Policies {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Every error, each with the path of its field.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let lists = NamedLists::compile(&config.lists, &mut errors);
        let inherited = Inherited {
            normalization: config.path_normalization,
            lists: &lists,
            trust_domains: TrustDomains::compile(&config.trust_domain_aliases, &mut errors),
        };
        let located = policies(config, inherited, &mut errors);
        check_names(&located, &mut errors);
        let reply = config.reply.as_ref();
        let mut warnings = lint::warnings(&located);
        let lists = lists.into_fetched(&mut warnings);
        let mut compiled = Self {
            normalization: config.path_normalization,
            needs: Needs::default(),
            reply: reply.map(|reply| template(reply, "reply", &mut errors)).unwrap_or_default(),
            enforced: config.enforced.unwrap_or(Percentage::ALL),
            challenges: challenges(config, &mut errors),
            audit: config.audit.as_ref().map(|audit| Audit::compile(audit, &mut errors)),
            explain: Explain::compile(config, &mut errors),
            detail: config.problem.detail,
            mode: Mode::new(config.dry_run),
            label_metrics: config.metrics.labels,
            warnings,
            conditional_warnings: lint::conditional(&located),
            lists,
            policies: Vec::new(),
            actions: Actions::default(),
            uses_wall_clock: false,
            has_dry_run: false,
        };
        let rules_paths: Vec<_> =
            located.iter().map(|located| located.rules_path.clone()).collect();
        compiled.policies = located.into_iter().map(|located| located.policy).collect();
        compiled.uses_wall_clock = compiled.reads_wall_clock();
        compiled.has_dry_run = compiled.policies.iter().any(|policy| policy.is_dry_run);
        compiled.actions = Actions::new(&compiled.policies);
        compiled.needs = compiled.collect_needs();
        if let Some(explain) = &mut compiled.explain {
            explain.needs.merge(&compiled.needs);
            explain.needs.istio_identity = true;
        }
        let got = config.tests.len();
        if got > MAX_TESTS {
            errors.add("tests", format_args!("must have at most {MAX_TESTS} entries, got {got}"));
        } else if errors.is_empty() {
            // Tests of policies with errors would only repeat them.
            let reached = test_case::run(&compiled, &config.tests, &mut errors);
            if !config.tests.is_empty() {
                let untested = lint::untested(&compiled.policies, &rules_paths, &reached);
                compiled.warnings.extend(untested);
            }
        }
        errors.finish(compiled)
    }

    fn reads_wall_clock(&self) -> bool {
        let mut schedules = self.policies.iter().flat_map(|policy| {
            policy.rules.iter().map(|rule| &rule.schedule).chain([&policy.schedule])
        });
        self.audit.as_ref().is_some_and(Audit::has_time)
            || schedules.any(|schedule| !schedule.is_always())
    }

    fn collect_needs(&self) -> Needs {
        let mut needs = Needs::default();
        let rules = self.policies.iter().flat_map(|policy| &policy.rules);
        rules.for_each(|rule| rule.add_needs(&mut needs));
        let is_shared = |policy: &Policy| {
            policy.enforced != Percentage::ALL || policy.schedule.ramp_up().is_some()
        };
        if self.enforced != Percentage::ALL || self.policies.iter().any(is_shared) {
            needs.source_principal = true;
            needs.attributes.insert(SOURCE.to_owned());
        }
        if let Some(audit) = &self.audit {
            audit.add_needs(&mut needs);
        }
        if self.explain.is_some() {
            needs.headers.insert(EXPLAIN.to_owned());
        }
        if self.challenges {
            needs.source_principal = true;
            needs.claims |= !needs.typed_claims;
        }
        needs.istio_identity = needs.source_principal || needs.claims || needs.typed_claims;
        needs
    }
}

/// Values that all policies of a document share.
#[derive(Clone, Copy)]
struct Inherited<'c> {
    normalization: PathNormalization,
    lists: &'c NamedLists<'c>,
    trust_domains: TrustDomains<'c>,
}

impl<'c> Inherited<'c> {
    /// Returns the scope of the rules of a policy.
    const fn scope(self, action: Action, namespace: Option<&'c str>) -> rule::Scope<'c> {
        let Self { normalization, lists, trust_domains } = self;
        rule::Scope { action, namespace, normalization, lists, trust_domains }
    }
}

/// Compiles the policies, each with its path in the document.
fn policies(config: &Config, inherited: Inherited<'_>, errors: &mut ConfigErrors) -> Vec<Located> {
    let is_single = config.action.is_some() || config.rules.is_some();
    if is_single && !config.policies.is_empty() {
        errors.add("policies", "must not be given together with action and rules");
    }
    if is_single {
        let rules = config.rules.as_deref().unwrap_or_default();
        let action = config.action.unwrap_or_default();
        let scope = inherited.scope(action, None);
        let rules = rule_list(rules, "rules", scope, errors);
        let policy = Policy {
            name: "policy-0".to_owned(),
            action,
            rules,
            is_dry_run: false,
            enforced: Percentage::ALL,
            schedule: filter_core::Schedule::default(),
            reply: None,
        };
        let path = "rules".to_owned();
        return vec![Located { rules_path: path.clone(), path, policy }];
    }
    let got = config.policies.len();
    if got == 0 {
        errors.add(
            "policies",
            "must have at least one policy: to deny every request, write [{action: ALLOW}]",
        );
    }
    if got > MAX_POLICIES {
        errors.add("policies", format_args!("must have at most {MAX_POLICIES} entries, got {got}"));
    }
    let policies = config.policies.iter().enumerate();
    policies
        .map(|(index, policy)| {
            let path = format!("policies[{index}]");
            compile(policy, index, path, inherited, errors)
        })
        .collect()
}

fn compile(
    config: &PolicyConfig,
    index: usize,
    path: String,
    inherited: Inherited<'_>,
    errors: &mut ConfigErrors,
) -> Located {
    check_document(config, &path, errors);
    let metadata = config.metadata.as_ref();
    let named = config.name.as_deref().or(metadata.and_then(|metadata| metadata.name.as_deref()));
    let name = named.map_or_else(|| format!("policy-{index}"), str::to_owned);
    if !is_name(&name) {
        let field = if config.name.is_some() { "name" } else { "metadata.name" };
        errors.add(
            format_args!("{path}.{field}"),
            "must be 1 to 253 characters A-Z, a-z, 0-9, '.', '_' and '-'",
        );
    }
    let spec = config.spec.as_ref();
    let (rules, rules_path) = match spec {
        Some(spec) => (spec.rules.as_deref(), format!("{path}.spec.rules")),
        None => (config.rules.as_deref(), format!("{path}.rules")),
    };
    let namespace = metadata.and_then(|metadata| metadata.namespace.as_deref());
    let action = spec.and_then(|spec| spec.action).or(config.action).unwrap_or_default();
    if action != Action::Deny {
        for (field, is_given) in
            [("enforced", config.enforced.is_some()), ("reply", config.reply.is_some())]
        {
            if is_given {
                errors.add(format_args!("{path}.{field}"), "must be given for action DENY only");
            }
        }
        let schedule = config.schedule.as_ref();
        if schedule.is_some_and(|schedule| schedule.ramp_up().is_some()) {
            errors
                .add(format_args!("{path}.schedule.rampUp"), "must be given for action DENY only");
        }
    }
    let annotated = metadata.and_then(|metadata| metadata.annotations.get(DRY_RUN));
    if let Some(value) = annotated.filter(|value| !matches!(value.as_str(), "true" | "false")) {
        errors.add(
            format_args!("{path}.metadata.annotations[\"{DRY_RUN}\"]"),
            format_args!("must be true or false, got \"{value}\""),
        );
    }
    let policy = Policy {
        rules: rule_list(
            rules.unwrap_or_default(),
            &rules_path,
            inherited.scope(action, namespace),
            errors,
        ),
        name,
        action,
        is_dry_run: config.dry_run || annotated.is_some_and(|value| value == "true"),
        enforced: config.enforced.unwrap_or(Percentage::ALL),
        schedule: config.schedule.clone().unwrap_or_default(),
        reply: config.reply.as_ref().map(|reply| template(reply, &format!("{path}.reply"), errors)),
    };
    Located { path, rules_path, policy }
}

/// Checks that an AuthorizationPolicy document is whole, and has no fields of the short form.
fn check_document(config: &PolicyConfig, path: &str, errors: &mut ConfigErrors) {
    let mut expect = |field: &str, got: Option<&String>, expected: &[&str]| {
        if let Some(got) = got.filter(|got| !expected.contains(&got.as_str())) {
            errors.add(
                format_args!("{path}.{field}"),
                format_args!("must be {}, got \"{got}\"", expected.join(" or ")),
            );
        }
    };
    expect(
        "apiVersion",
        config.api_version.as_ref(),
        &["security.istio.io/v1", "security.istio.io/v1beta1"],
    );
    expect("kind", config.kind.as_ref(), &["AuthorizationPolicy"]);
    if config.spec.is_some() {
        for (field, is_given) in
            [("action", config.action.is_some()), ("rules", config.rules.is_some())]
        {
            if is_given {
                errors.add(format_args!("{path}.{field}"), "must not be given together with spec");
            }
        }
    } else if config.kind.is_some() {
        errors.add(
            format_args!("{path}.spec"),
            "must be given with kind: a document without spec denies every request, write spec: {}",
        );
    }
}

fn rule_list(
    configs: &[RuleConfig],
    path: &str,
    scope: rule::Scope<'_>,
    errors: &mut ConfigErrors,
) -> Vec<super::Rule> {
    let got = configs.len();
    if got > MAX_RULES {
        errors.add(path, format_args!("must have at most {MAX_RULES} entries, got {got}"));
    }
    let compiled = configs.iter().enumerate().map(|(index, config)| {
        rule::compile(config, index, &format!("{path}[{index}]"), scope, errors)
    });
    compiled.collect()
}

fn is_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=253).contains(&name.len()) && name.bytes().all(is_valid)
}

fn check_names(policies: &[Located], errors: &mut ConfigErrors) {
    let mut seen = BTreeSet::new();
    for Located { path, policy, .. } in policies {
        if !seen.insert(policy.name.as_str()) {
            errors.add(
                format_args!("{path}.name"),
                format_args!("must be unique, got \"{}\" twice", policy.name),
            );
        }
    }
}

fn template(config: &ReplyConfig, path: &str, errors: &mut ConfigErrors) -> ReplyTemplate {
    if !config.headers.request.is_empty() {
        errors.add(
            format_args!("{path}.headers.request"),
            "must not be given: the request is denied",
        );
    }
    if !config.headers.response.remove.is_empty() {
        errors.add(
            format_args!("{path}.headers.response.remove"),
            "must not be given: the reply has only the headers that are set",
        );
    }
    let edits = config.headers.response.edits();
    ReplyTemplate {
        status: config.http_status.and_then(|status| u16::try_from(status.get()).ok()),
        headers: edits.set.into_iter().chain(edits.add).collect(),
        body: config.body.as_ref().map(|body| BodyText::as_bytes(body).to_vec()),
    }
}

/// Returns `true` if requests without an identity are asked for one.
fn challenges(config: &Config, errors: &mut ConfigErrors) -> bool {
    let status = config.unauthenticated_status.map_or(403, |status| status.get());
    if !matches!(status, 401 | 403) {
        errors.add("unauthenticatedStatus", format_args!("must be 401 or 403, got {status}"));
    }
    status == 401
}
