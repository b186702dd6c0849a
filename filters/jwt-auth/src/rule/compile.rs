//! Compilation of `rules`.

use std::rc::Rc;

use filter_core::ConfigErrors;

use super::{
    Conditions, Rule, TokenLocation, conditions::StepUp, principal::PrincipalPattern, when::When,
};
use crate::{
    config::{NonEmpty, RuleConfig, RuleName, StepUpConfig, TokenNeed},
    provider::{Audiences, Issuer, Provider},
};

impl Rule {
    /// Compiles the entry at `index`; errors are collected.
    pub(crate) fn compile(
        rule: &RuleConfig,
        index: usize,
        providers: &[Provider],
        errors: &mut ConfigErrors,
    ) -> Self {
        let path = format!("rules[{index}]");
        let name =
            rule.name.as_ref().map_or_else(|| format!("rule-{index}"), |n| n.as_str().into());
        check_fields(rule, &path, errors);
        let (named, all) = named_providers(rule, &path, providers, errors);
        check_outputs(&all, &path, providers, errors);
        let used = if rule.token == TokenNeed::None { &[][..] } else { &named };
        let audiences = rule.audiences.as_ref().map(|list| list.iter().map(NonEmpty::as_str));
        Self {
            name: Some(Rc::from(name)),
            need: rule.token,
            locations: TokenLocation::of(providers, used),
            all,
            audiences: audiences.map(Audiences::new),
            conditions: Conditions::compile(rule, &issuers(providers), &path, errors),
        }
    }
}

/// Refuses fields that have no effect with the value of `token`.
fn check_fields(rule: &RuleConfig, path: &str, errors: &mut ConfigErrors) {
    let conditions = [
        ("scopes", rule.scopes.is_some()),
        ("requestPrincipals", rule.request_principals.is_some()),
        ("notRequestPrincipals", rule.not_request_principals.is_some()),
        ("when", rule.when.is_some()),
        ("stepUp", rule.step_up.is_some()),
    ];
    let others = [("providers", rule.providers.is_some()), ("audiences", rule.audiences.is_some())];
    let misplaced: Vec<_> = match rule.token {
        TokenNeed::Required => Vec::new(),
        TokenNeed::None => conditions.iter().chain(&others).collect(),
        TokenNeed::Optional | TokenNeed::AllowMissingOrFailed | TokenNeed::ExtractOnly => {
            conditions.iter().collect()
        }
    };
    for (field, _) in misplaced.into_iter().filter(|(_, given)| *given) {
        let need = if rule.token == TokenNeed::None {
            "must not be given together with token: NONE"
        } else {
            "needs token: REQUIRED"
        };
        errors.add(format!("{path}.{field}"), need);
    }
    let lists = [
        ("audiences", rule.audiences.as_ref().map(Vec::len)),
        ("requestPrincipals", rule.request_principals.as_ref().map(Vec::len)),
        ("notRequestPrincipals", rule.not_request_principals.as_ref().map(Vec::len)),
        ("when", rule.when.as_ref().map(Vec::len)),
    ];
    for (field, _) in lists.into_iter().filter(|(_, length)| *length == Some(0)) {
        errors.add(format!("{path}.{field}"), "must not be empty");
    }
    for (index, entry) in rule.matches.iter().enumerate() {
        if entry.reads_claims() {
            errors.add(format!("{path}.match[{index}].claims"), CLAIMS_IN_MATCH);
        }
    }
}

pub(crate) const CLAIMS_IN_MATCH: &str =
    "must not be given: claims are not verified yet; use when of a rule";

/// Returns the indices of the providers of a rule, and those of `providers.all`.
fn named_providers(
    rule: &RuleConfig,
    path: &str,
    providers: &[Provider],
    errors: &mut ConfigErrors,
) -> (Vec<usize>, Vec<usize>) {
    let Some(config) = &rule.providers else {
        return ((0..providers.len()).collect(), Vec::new());
    };
    let path = format!("{path}.providers");
    match (&config.any, &config.all) {
        (Some(any), None) => (indices(any, &format!("{path}.any"), providers, errors), Vec::new()),
        (None, Some(all)) => {
            if rule.token != TokenNeed::Required {
                errors.add(format!("{path}.all"), "needs token: REQUIRED");
            }
            let all = indices(all, &format!("{path}.all"), providers, errors);
            (all.clone(), all)
        }
        _ => {
            errors.add(path, "must have exactly one of any and all");
            (Vec::new(), Vec::new())
        }
    }
}

fn indices(
    names: &[RuleName],
    path: &str,
    providers: &[Provider],
    errors: &mut ConfigErrors,
) -> Vec<usize> {
    if names.is_empty() {
        errors.add(path, "must not be empty");
    }
    let mut found = Vec::new();
    for (position, name) in names.iter().enumerate() {
        match providers.iter().position(|provider| *provider.name == *name.as_str()) {
            Some(index) if !found.contains(&index) => found.push(index),
            Some(_) => {
                let text = format!("must be unique, got \"{}\"", name.as_str());
                errors.add(format!("{path}[{position}]"), text);
            }
            None => {
                let text = format!("must be a name of jwtRules, got \"{}\"", name.as_str());
                errors.add(format!("{path}[{position}]"), text);
            }
        }
    }
    found
}

fn check_outputs(all: &[usize], path: &str, providers: &[Provider], errors: &mut ConfigErrors) {
    let mut seen = Vec::new();
    for provider in all.iter().filter_map(|index| providers.get(*index)) {
        for name in provider.outputs.names() {
            if seen.contains(&name) {
                let text = format!("must not write header {} twice", name.as_str());
                errors.add(format!("{path}.providers.all"), text);
            }
        }
        seen.extend(provider.outputs.names());
    }
}

impl Conditions {
    fn compile(
        rule: &RuleConfig,
        issuers: &[Box<str>],
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        let (scopes_all, scopes_any) = scopes(rule, path, errors);
        let required: Vec<&str> =
            scopes_all.iter().chain(&scopes_any).map(|scope| &**scope).collect();
        let scope = (!required.is_empty()).then(|| required.join(" ").into());
        let when = rule.when.iter().flatten().enumerate();
        Self {
            principals: principals(rule.request_principals.as_ref(), issuers),
            not_principals: principals(rule.not_request_principals.as_ref(), issuers),
            when: when
                .map(|(index, when)| {
                    When::compile(when, issuers, &format!("{path}.when[{index}]"), errors)
                })
                .collect(),
            step_up: rule.step_up.as_ref().map(|step_up| StepUp::compile(step_up, path, errors)),
            scopes_all,
            scopes_any,
            scope,
        }
    }
}

type Scopes = (Vec<Box<str>>, Vec<Box<str>>);

fn scopes(rule: &RuleConfig, path: &str, errors: &mut ConfigErrors) -> Scopes {
    let Some(scopes) = &rule.scopes else { return Scopes::default() };
    if scopes.all.is_empty() && scopes.any.is_empty() {
        errors.add(format!("{path}.scopes"), "must have all or any");
    }
    for (field, list) in [("all", &scopes.all), ("any", &scopes.any)] {
        for (index, scope) in list.iter().enumerate() {
            if !scope.as_str().bytes().all(is_scope_byte) {
                errors.add(format!("{path}.scopes.{field}[{index}]"), "must be a scope (RFC 6749)");
            }
        }
    }
    let copied = |list: &Vec<NonEmpty>| list.iter().map(|scope| scope.as_str().into()).collect();
    (copied(&scopes.all), copied(&scopes.any))
}

/// Returns `true` if a scope may contain the byte (RFC 6749 section 3.3).
const fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

fn principals(list: Option<&Vec<NonEmpty>>, issuers: &[Box<str>]) -> Vec<PrincipalPattern> {
    let compile = |text: &NonEmpty| PrincipalPattern::new(text.as_str(), issuers);
    list.into_iter().flatten().map(compile).collect()
}

/// Returns the issuers that are not conditions.
fn issuers(providers: &[Provider]) -> Vec<Box<str>> {
    let exact = |provider: &Provider| match &provider.issuer {
        Issuer::Exact(issuer) => Some(issuer.clone()),
        Issuer::Matching(_) | Issuer::Any => None,
    };
    providers.iter().filter_map(exact).collect()
}

impl StepUp {
    fn compile(config: &StepUpConfig, path: &str, errors: &mut ConfigErrors) -> Self {
        let path = format!("{path}.stepUp");
        if config.acr_values.is_empty() && config.max_age.is_none() {
            errors.add(&path, "must have acrValues or maxAge");
        }
        for (index, value) in config.acr_values.iter().enumerate() {
            if !value.as_str().bytes().all(is_scope_byte) {
                let text = "must be printable ASCII without space, quote and backslash";
                errors.add(format!("{path}.acrValues[{index}]"), text);
            }
        }
        Self {
            acr_values: config.acr_values.iter().map(|value| value.as_str().into()).collect(),
            max_age: config.max_age.map(|max_age| max_age.get()),
        }
    }
}
