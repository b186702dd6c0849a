//! Compilation of configurations.

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use filter_core::{
    ConfigErrors, HeaderName, InvalidConfig, Matcher, MatcherOptions, Mode, Needs,
    PathNormalization, Warning,
};

use super::{
    Policy,
    admission::{CONNECTION, SIGNATURE_VERIFIED},
    explain, preflight,
};
use crate::{
    cache::Limits,
    compile_context::CompileContext,
    config::{Config, RuleConfig, TokenCacheConfig},
    denial::{EXPLAIN, ReplyBuilder},
    locations::Location,
    provider::{CompileState, Issuer, PEER_DIGEST, Provider},
    rule::{Rule, overlaps},
    token::Padding,
};

const MAX_RULES: usize = 256;
const DEFAULT_CACHE_SIZE: u64 = 1024;
const DEFAULT_TTL: Duration = Duration::from_secs(300);
const DEFAULT_NEGATIVE_TTL: Duration = Duration::from_secs(5);
const DEFAULT_MAX_TOKENS: u64 = 4;
const DEFAULT_MAX_TOKEN_BYTES: u64 = 16_384;

impl Policy {
    /// Compiles a configuration.
    ///
    /// # Errors
    ///
    /// Fails with the path and the error of every invalid field.
    pub fn new(config: &Config, context: &CompileContext<'_>) -> Result<Self, InvalidConfig> {
        let mut state = CompileState::default();
        if !(1..=MAX_RULES).contains(&config.jwt_rules.len()) {
            state.errors.add("jwtRules", "must have 1 to 256 entries");
        }
        let compile = |(index, rule)| Provider::compile(rule, index, context, &mut state);
        let providers: Vec<Provider> = config.jwt_rules.iter().enumerate().map(compile).collect();
        check_names(config, &providers, &mut state.errors);
        check_outputs(&providers, &mut state.errors);
        state.warnings.extend(nested_issuers(&providers));
        if config.dry_run {
            state.warnings.push(Warning::new("dryRun", "inbound output headers are not stripped"));
        }
        let (rules, matcher) = rules(config, &providers, &mut state);
        let explain = explain::compile(&config.explain, &mut state.errors);
        let mut needs = needs(&rules, &providers, [matcher.as_ref(), explain.as_ref()]);
        // A request may wait for a document, but not a preflight.
        if config.bypass_cors_preflight && !state.sources.is_empty() {
            needs.headers.extend(preflight::HEADERS.map(ToOwned::to_owned));
        }
        let policy = Self {
            strip: stripped(&providers).into(),
            by_issuer: by_issuer(&providers),
            needs,
            matcher,
            explain,
            sources: state.sources.into_iter().map(Rc::new).collect(),
            cache: limits(config.token_cache),
            padding: padding(&providers),
            providers,
            rules,
            crypto: *context.crypto,
            multiple_tokens: config.multiple_tokens,
            max_tokens: size(config.max_tokens.map_or(DEFAULT_MAX_TOKENS, |max| max.get())),
            max_token_bytes: size(
                config.max_token_bytes.map_or(DEFAULT_MAX_TOKEN_BYTES, |max| max.get()),
            ),
            publish: config.publish.unwrap_or_default(),
            is_publish_set: config.publish.is_some(),
            replies: ReplyBuilder::new(&config.replies, config.problem),
            mode: Mode::new(config.dry_run),
            bypass_cors_preflight: config.bypass_cors_preflight,
            label_metrics: config.metrics.labels,
            warnings: state.warnings,
        };
        state.errors.finish(policy)
    }
}

/// Compiles `rules`; if absent, one rule that admits requests without a token is implied.
fn rules(
    config: &Config,
    providers: &[Provider],
    state: &mut CompileState,
) -> (Vec<Rule>, Option<Matcher>) {
    let Some(list) = &config.rules else {
        state.warnings.push(Warning::new("rules", "without rules, requests without a token pass"));
        return (vec![Rule::implied(providers)], None);
    };
    if list.is_empty() {
        state.errors.add("rules", "must have 1 to 1024 entries");
    }
    state.warnings.extend(overlaps(list));
    let compile = |(index, rule)| Rule::compile(rule, index, providers, &mut state.errors);
    let rules: Vec<Rule> = list.iter().enumerate().map(compile).collect();
    let mut seen = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let name = rule.name.as_deref().unwrap_or_default();
        if !seen.insert(name) {
            state.errors.add(
                format!("rules[{index}].name"),
                format_args!("must be unique, got \"{name}\""),
            );
        }
    }
    (rules, matcher(list, config.path_normalization, &mut state.errors))
}

fn matcher(
    rules: &[RuleConfig],
    normalization: PathNormalization,
    errors: &mut ConfigErrors,
) -> Option<Matcher> {
    let matches: Vec<_> = rules.iter().map(|rule| rule.matches.clone()).collect();
    let options = MatcherOptions { normalization, ..MatcherOptions::guarding("rules") };
    match Matcher::compile(&matches, &options) {
        Err(invalid) => {
            errors.extend(invalid);
            None
        }
        Ok(matcher) => Some(matcher),
    }
}

fn needs(rules: &[Rule], providers: &[Provider], matchers: [Option<&Matcher>; 2]) -> Needs {
    let mut needs = Needs::default();
    matchers.into_iter().flatten().for_each(|matcher| needs.merge(matcher.needs()));
    needs.headers.extend(matchers[1].map(|_| EXPLAIN.to_owned()));
    if providers.iter().any(Provider::reads_certificate) {
        needs.attributes.insert(PEER_DIGEST.to_owned());
    }
    needs.headers.extend(rules.iter().flat_map(Rule::headers).map(ToOwned::to_owned));
    needs.headers.extend(stripped(providers).iter().map(ToString::to_string));
    needs.headers.insert(CONNECTION.to_string());
    needs
}

fn limits(cache: TokenCacheConfig) -> Limits {
    Limits {
        size: size(cache.size.map_or(DEFAULT_CACHE_SIZE, |size| size.get())),
        ttl: cache.ttl.map_or(DEFAULT_TTL, |ttl| ttl.get()),
        negative_ttl: cache.negative_ttl.map_or(DEFAULT_NEGATIVE_TTL, |ttl| ttl.get()),
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn check_names(config: &Config, providers: &[Provider], errors: &mut ConfigErrors) {
    let mut seen = BTreeSet::new();
    for (index, provider) in providers.iter().enumerate() {
        let is_named = config.jwt_rules.get(index).is_some_and(|rule| rule.name.is_some());
        if !seen.insert(&*provider.name) {
            let text = match is_named {
                true => format!("must be unique, got \"{}\"", provider.name),
                false => format!("must be set, because the default {} is in use", provider.name),
            };
            errors.add(format!("jwtRules[{index}].name"), text);
        }
    }
}

/// Returns a warning for each issuer that another one could impersonate by its subjects.
fn nested_issuers(providers: &[Provider]) -> Vec<Warning> {
    let exact = |provider: &Provider| match &provider.issuer {
        Issuer::Exact(issuer) => Some(issuer.clone()),
        Issuer::Matching(_) | Issuer::Any => None,
    };
    let is_prefix = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    let nested = |(index, provider): (usize, &Provider)| {
        let inner = exact(provider)?;
        let outer =
            providers.iter().position(|p| exact(p).is_some_and(|o| is_prefix(&o, &inner)))?;
        let message = format!(
            "begins with that of jwtRules[{outer}] and a slash, so both can have the same iss/sub; \
             distinguish them by providers or by a header with iss"
        );
        Some(Warning::new(format_args!("jwtRules[{index}].issuer"), message))
    };
    providers.iter().enumerate().filter_map(nested).collect()
}

/// Refuses outputs to headers that contain tokens.
fn check_outputs(providers: &[Provider], errors: &mut ConfigErrors) {
    let locations = || providers.iter().flat_map(|provider| &provider.locations);
    let sources: BTreeSet<&str> = locations().map(Location::header).collect();
    for (index, provider) in providers.iter().enumerate() {
        for name in provider.outputs.names() {
            let at = format!("jwtRules[{index}]");
            if sources.contains(name.as_str()) {
                let text = format!("must not write to {}, which contains tokens", name.as_str());
                errors.add(at, text);
            } else if *name == SIGNATURE_VERIFIED {
                errors.add(at, format!("must not write to {}", name.as_str()));
            }
        }
    }
}

fn by_issuer(providers: &[Provider]) -> Vec<usize> {
    // A stable sort would add 6 kB of code per type.
    let of_rank = |rank| {
        let found = providers
            .iter()
            .enumerate()
            .filter(move |(_, provider)| provider.issuer.rank() == rank);
        found.map(|(index, _)| index)
    };
    (0..=2).flat_map(of_rank).collect()
}

fn padding(providers: &[Provider]) -> Padding {
    let accepted = |provider: &Provider| provider.padding == Padding::Accepted;
    if providers.iter().any(accepted) { Padding::Accepted } else { Padding::Refused }
}

fn stripped(providers: &[Provider]) -> Vec<HeaderName> {
    let outputs = providers.iter().flat_map(|provider| provider.outputs.names().cloned());
    let names: BTreeSet<HeaderName> = outputs.chain([SIGNATURE_VERIFIED]).collect();
    names.into_iter().collect()
}
