//! Compilation of a rule.

use filter_core::{ConfigErrors, Matcher, MatcherOptions, PathNormalization};

use super::{
    condition,
    list::{self, Pair},
    named_lists::NamedLists,
    trust_domains::{TrustDomains, Widening},
};
use crate::{
    config::{Action, OperationConfig, RuleConfig, SourceConfig},
    policy::{
        rule::{Rule, Test, TextTest},
        subject::{AddressSubject, Subject},
    },
};

/// The maximum number of service accounts in a list, as in Istio.
const MAX_SERVICE_ACCOUNTS: usize = 16;

/// Values that a rule takes from its policy and its document.
#[derive(Clone, Copy)]
pub(super) struct Scope<'c> {
    pub(super) action: Action,
    /// The namespace of the policy.
    pub(super) namespace: Option<&'c str>,
    pub(super) normalization: PathNormalization,
    pub(super) lists: &'c NamedLists<'c>,
    pub(super) trust_domains: TrustDomains<'c>,
}

impl Scope<'_> {
    /// Returns the tests of an identity under each name of its trust domain.
    pub(super) fn identity(&self, value: &str, is_negated: bool) -> Vec<TextTest> {
        let identities = self.trust_domains.identities(value, self.widening(is_negated));
        identities.iter().map(|identity| list::spiffe(identity)).collect()
    }

    pub(super) fn trust_domain(
        &self,
        value: &str,
        is_negated: bool,
    ) -> Result<Vec<TextTest>, String> {
        let domains = self.trust_domains.trust_domains(value, self.widening(is_negated));
        domains.iter().map(|domain| list::trust_domain(domain)).collect()
    }

    fn widening(&self, is_negated: bool) -> Widening {
        match (self.action == Action::Allow) == is_negated {
            true => Widening::Denies,
            false => Widening::Allows,
        }
    }
}

pub(super) fn compile(
    config: &RuleConfig,
    index: usize,
    path: &str,
    scope: Scope<'_>,
    errors: &mut ConfigErrors,
) -> Rule {
    let name = config.name.clone().unwrap_or_else(|| format!("rule-{index}"));
    if !super::is_name(&name) {
        errors.add(
            format_args!("{path}.name"),
            "must be 1 to 253 characters A-Z, a-z, 0-9, '.', '_' and '-'",
        );
    }
    let schedule = config.schedule.clone().unwrap_or_default();
    if schedule.ramp_up().is_some() {
        errors.add(
            format_args!("{path}.schedule.rampUp"),
            "must not be given: only policies have enforced, which it grows",
        );
    }
    let mut from = Vec::new();
    for (index, entry) in given(config.from.as_ref(), &format!("{path}.from"), errors) {
        let path = format!("{path}.from[{index}].source");
        match &entry.source {
            Some(source) => from.push(source_tests(source, &path, scope, errors)),
            None => errors.add(path, "must be given"),
        }
    }
    let mut to = Vec::new();
    for (index, entry) in given(config.to.as_ref(), &format!("{path}.to"), errors) {
        let path = format!("{path}.to[{index}].operation");
        match &entry.operation {
            Some(operation) => to.push(operation_tests(operation, &path, errors)),
            None => errors.add(path, "must be given"),
        }
    }
    let mut when = Vec::new();
    for (index, entry) in given(config.when.as_ref(), &format!("{path}.when"), errors) {
        when.extend(condition::tests(entry, &format!("{path}.when[{index}]"), scope, errors));
    }
    let match_path = format!("{path}.match");
    let options = MatcherOptions {
        normalization: scope.normalization,
        ..MatcherOptions::guarding(&match_path)
    };
    let matcher = (!config.r#match.is_empty())
        .then(|| Matcher::compile_list(&config.r#match, &options))
        .and_then(|compiled| compiled.map_err(|invalid| errors.extend(invalid)).ok());
    Rule { name, from, to, when, matcher, schedule }
}

/// Returns the entries of a list, which must not be empty.
fn given<'c, T>(
    list: Option<&'c Vec<T>>,
    path: &str,
    errors: &mut ConfigErrors,
) -> impl Iterator<Item = (usize, &'c T)> + use<'c, T> {
    if list.is_some_and(Vec::is_empty) {
        errors.add(path, "must have at least one entry, or be left out to match every request");
    }
    list.into_iter().flatten().enumerate()
}

/// Checks Istio's rules about service accounts.
fn check_service_accounts(source: &SourceConfig, path: &str, errors: &mut ConfigErrors) {
    let accounts = [
        ("serviceAccounts", &source.service_accounts),
        ("notServiceAccounts", &source.not_service_accounts),
    ];
    for (field, list) in accounts {
        let got = list.len();
        if got > MAX_SERVICE_ACCOUNTS {
            errors.add(
                format_args!("{path}.{field}"),
                format_args!("must have at most {MAX_SERVICE_ACCOUNTS} entries, got {got}"),
            );
        }
    }
    let Some((given, _)) = accounts.into_iter().find(|(_, list)| !list.is_empty()) else { return };
    for (field, list) in [
        ("principals", &source.principals),
        ("notPrincipals", &source.not_principals),
        ("namespaces", &source.namespaces),
        ("notNamespaces", &source.not_namespaces),
    ] {
        if !list.is_empty() {
            errors.add(
                format_args!("{path}.{field}"),
                format_args!("must not be given together with {given}"),
            );
        }
    }
}

fn source_tests(
    source: &SourceConfig,
    path: &str,
    scope: Scope<'_>,
    errors: &mut ConfigErrors,
) -> Vec<Test> {
    check_service_accounts(source, path, errors);
    let mut tests = list::Tests::new(path, errors);
    tests.several_texts(
        Subject::Principal,
        Pair::new("principals", &source.principals, "notPrincipals", &source.not_principals),
        |value, is_negated| Ok(scope.identity(value, is_negated)),
    );
    tests.texts(
        Subject::RequestPrincipal,
        Pair::new(
            "requestPrincipals",
            &source.request_principals,
            "notRequestPrincipals",
            &source.not_request_principals,
        ),
        |value| Ok(list::request_principal(value)),
    );
    tests.texts(
        Subject::Principal,
        Pair::new("namespaces", &source.namespaces, "notNamespaces", &source.not_namespaces),
        list::namespace,
    );
    tests.texts(
        Subject::Principal,
        Pair::new(
            "serviceAccounts",
            &source.service_accounts,
            "notServiceAccounts",
            &source.not_service_accounts,
        ),
        |value| list::service_account(value, scope.namespace),
    );
    tests.several_texts(
        Subject::Principal,
        Pair::new(
            "trustDomains",
            &source.trust_domains,
            "notTrustDomains",
            &source.not_trust_domains,
        ),
        |value, is_negated| scope.trust_domain(value, is_negated),
    );
    tests.addresses(
        AddressSubject::Peer,
        Pair::new("ipBlocks", &source.ip_blocks, "notIpBlocks", &source.not_ip_blocks),
    );
    tests.addresses(
        AddressSubject::Remote,
        Pair::new(
            "remoteIpBlocks",
            &source.remote_ip_blocks,
            "notRemoteIpBlocks",
            &source.not_remote_ip_blocks,
        ),
    );
    tests.address_lists(
        AddressSubject::Remote,
        Pair::new(
            "remoteIpLists",
            &source.remote_ip_lists,
            "notRemoteIpLists",
            &source.not_remote_ip_lists,
        ),
        scope.lists,
    );
    tests.finish()
}

fn operation_tests(
    operation: &OperationConfig,
    path: &str,
    errors: &mut ConfigErrors,
) -> Vec<Test> {
    let mut tests = list::Tests::new(path, errors);
    tests.texts(
        Subject::Method,
        Pair::new("methods", &operation.methods, "notMethods", &operation.not_methods),
        |value| Ok(list::header(value)),
    );
    tests.texts(
        Subject::Path,
        Pair::new("paths", &operation.paths, "notPaths", &operation.not_paths),
        list::path,
    );
    tests.texts(
        Subject::Host,
        Pair::new("hosts", &operation.hosts, "notHosts", &operation.not_hosts),
        |value| Ok(list::host(value)),
    );
    tests.texts(
        Subject::Port,
        Pair::new("ports", &operation.ports, "notPorts", &operation.not_ports),
        list::port,
    );
    tests.finish()
}
