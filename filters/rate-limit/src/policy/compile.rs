//! Compilation of the document.

use std::collections::BTreeMap;

use filter_core::{
    ConfigErrors, EntryName, HttpMatch, InvalidConfig, Matcher, MatcherOptions, Mode, Needs,
    Schedule, Shadowed,
};

use super::{Entry, Limit, MAX_PER_REQUEST, Policy, Rule};
use crate::config::{Config, EXPLAIN, LimitConfig, LimitName};

mod key;
mod limit;
pub(super) mod rate;
mod reference;
mod service;
mod warnings;

const MAX_WAITING: usize = 1_000;
/// Names that an error lists.
const MAX_NAMES: usize = 5;
/// Pages of shared data over all limits, about 30 MB.
const MAX_PAGES: u64 = 65_536;

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Every error, each with the path of its field.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let definitions = definitions(config, &mut errors);
        let rules = Rules::compile(&definitions, &mut errors);
        let (global, entries) = assign(config, &definitions);
        check_counts(config, &global, &entries, &mut errors);
        let matcher = match_entries(config, &mut errors);
        let explain = match_explain(config, &mut errors);
        let service = service::compile(config, &definitions, &mut errors);
        let Some(matcher) = matcher else { return Err(errors.into()) };
        let mut policy = Self {
            needs: Needs::default(),
            global,
            entries,
            limits: rules.limits,
            rules: rules.rules,
            explain,
            service,
            headers: config.rate_limit_headers,
            has_x_ratelimit: config.x_ratelimit_headers,
            max_waiting: config
                .max_waiting
                .map_or(MAX_WAITING, |max| usize::try_from(max.get()).unwrap_or(MAX_WAITING)),
            detail: config.problem.detail,
            mode: Mode::new(config.dry_run),
            label_metrics: config.metrics.labels,
            uses_wall_clock: false,
            warnings: Vec::new(),
            matcher,
        };
        policy.needs = policy.collect_needs();
        policy.uses_wall_clock = policy.limits.iter().any(Limit::uses_wall_clock)
            || policy.entries.iter().any(|entry| !entry.schedule.is_always());
        policy.warnings = warnings::all(config, &definitions, &policy);
        check_pages(&policy.limits, &mut errors);
        errors.finish(policy)
    }

    fn collect_needs(&self) -> Needs {
        let mut needs = Needs::default();
        if !self.is_idle() {
            needs.merge(self.matcher.needs());
        }
        if let Some(explain) = &self.explain {
            needs.merge(explain.needs());
            needs.headers.insert(EXPLAIN.to_owned());
        }
        self.limits.iter().for_each(|limit| limit.add_needs(&mut needs));
        self.rules.iter().for_each(|rule| rule.cost.add_needs(&mut needs));
        needs
    }
}

/// A configured limit with its path in the document.
struct Definition<'c> {
    config: &'c LimitConfig,
    path: String,
    name: String,
    /// Index of the entry; `None` for a top-level limit.
    entry: Option<usize>,
    matches: &'c [HttpMatch],
}

/// The compiled limits and rules.
#[derive(Default)]
struct Rules {
    limits: Vec<Limit>,
    rules: Vec<Rule>,
}

impl Rules {
    fn compile(definitions: &[Definition<'_>], errors: &mut ConfigErrors) -> Self {
        let mut compiled = Self::default();
        let mut by_name = BTreeMap::new();
        let own = definitions.iter().filter(|definition| definition.config.r#ref.is_none());
        for definition in own {
            by_name.insert(definition.name.as_str(), (compiled.limits.len(), definition));
            let overdraft = overdraft(definition, definitions);
            compiled.limits.push(Limit::compile(definition, overdraft, errors));
        }
        for definition in definitions {
            if definition.config.r#ref.is_some() {
                reference::check_fields(definition.config, &definition.path, errors);
            }
            let Some((limit, other)) = by_name.get(target(definition)) else {
                let is_reference = definitions.iter().any(|other| other.name == target(definition));
                let names: Vec<_> = by_name.keys().take(MAX_NAMES).copied().collect();
                let hint = match (is_reference, names.as_slice()) {
                    (true, _) => ", not of another ref".to_owned(),
                    (false, []) => String::new(),
                    (false, names) => format!(", such as {}", names.join(", ")),
                };
                errors.add(
                    format_args!("{}.ref", definition.path),
                    format_args!(
                        "must be the name of a limit{hint}, got \"{}\"",
                        target(definition)
                    ),
                );
                continue;
            };
            if definition.config.r#ref.is_some() {
                reference::check_target(definition, other, errors);
            }
            compiled.rules.push(Rule::compile(definition, *limit, errors));
        }
        compiled
    }
}

/// Returns the reasons for which the rules of a limit can overdraw it.
fn overdraft(limit: &Definition<'_>, definitions: &[Definition<'_>]) -> rate::Overdraft {
    let rules = definitions.iter().filter(|other| target(other) == limit.name);
    let waits = rules.clone().filter_map(|rule| rule.config.wait).map(|wait| wait.get());
    rate::Overdraft {
        wait: waits.max().unwrap_or_default(),
        is_charged: rules.clone().any(|rule| rule.config.charge.is_some()),
    }
}

/// Returns the name of the limit whose counts a limit uses.
fn target<'d>(definition: &'d Definition<'_>) -> &'d str {
    definition.config.r#ref.as_ref().map_or(&definition.name, LimitName::as_str)
}

/// Lists the limits of a document, the top-level ones first.
fn definitions<'c>(config: &'c Config, errors: &mut ConfigErrors) -> Vec<Definition<'c>> {
    let mut definitions = Vec::new();
    let mut add =
        |limits: &'c [LimitConfig], owner: &str, path: &str, entry, matches: &'c [HttpMatch]| {
            for (index, limit) in limits.iter().enumerate() {
                let given = limit.name.as_ref().map(|name| name.as_str().to_owned());
                definitions.push(Definition {
                    config: limit,
                    path: format!("{path}[{index}]"),
                    name: given.unwrap_or_else(|| format!("{owner}-{index}")),
                    entry,
                    matches,
                });
            }
        };
    add(&config.limits, "limits", "limits", None, &[]);
    for (index, entry) in config.http.iter().enumerate() {
        let given = entry.name.as_ref().map(EntryName::as_str);
        let owner = given.map_or_else(|| format!("http-{index}"), slug);
        add(&entry.limits, &owner, &format!("http[{index}].limits"), Some(index), &entry.r#match);
    }
    check_names(&definitions, errors);
    definitions
}

/// Returns the name of an entry in the characters of a limit's name.
fn slug(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
    };
    name.chars().take(55).map(letter).collect()
}

fn check_names(definitions: &[Definition<'_>], errors: &mut ConfigErrors) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for definition in definitions {
        if let Some(other) = seen.insert(&definition.name, &definition.path) {
            errors.add(
                format_args!("{}.name", definition.path),
                format_args!("must be unique, got \"{}\" as in {other}", definition.name),
            );
        }
    }
}

/// Returns the indices of the top-level rules, and the entries with those of their rules.
fn assign(config: &Config, definitions: &[Definition<'_>]) -> (Vec<usize>, Vec<Entry>) {
    let of = |entry: Option<usize>| -> Vec<usize> {
        let all = definitions.iter().enumerate();
        all.filter(|(_, definition)| definition.entry == entry).map(|(index, _)| index).collect()
    };
    let entries = config.http.iter().enumerate().map(|(index, entry)| Entry {
        schedule: entry.schedule.clone().unwrap_or_default(),
        rules: of(Some(index)),
    });
    (of(None), entries.collect())
}

fn check_counts(config: &Config, global: &[usize], entries: &[Entry], errors: &mut ConfigErrors) {
    let got = global.len();
    if got > MAX_PER_REQUEST {
        errors
            .add("limits", format_args!("must have at most {MAX_PER_REQUEST} entries, got {got}"));
    }
    for (index, entry) in entries.iter().enumerate() {
        let sum = entry.rules.len().saturating_add(got);
        if sum > MAX_PER_REQUEST && !entry.rules.is_empty() {
            errors.add(
                format_args!("http[{index}].limits"),
                format_args!(
                    "must have at most {MAX_PER_REQUEST} limits together with the top-level ones, got {sum}"
                ),
            );
        }
    }
    for (index, entry) in config.http.iter().enumerate() {
        let has_ramp = entry.schedule.as_ref().is_some_and(|schedule| schedule.ramp_up().is_some());
        if has_ramp && entry.limits.is_empty() {
            errors.add(
                format_args!("http[{index}].schedule.rampUp"),
                "must not be given without limits",
            );
        }
    }
}

fn match_entries(config: &Config, errors: &mut ConfigErrors) -> Option<Matcher> {
    let rules: Vec<Vec<HttpMatch>> =
        config.http.iter().map(|entry| entry.r#match.clone()).collect();
    let normalization = config.path_normalization;
    let options = MatcherOptions {
        normalization,
        shadowed: Shadowed::Allowed,
        ..MatcherOptions::guarding("http")
    };
    let matcher =
        Matcher::compile(&rules, &options).map_err(|invalid| errors.extend(invalid)).ok()?;
    // An entry with a schedule leaves requests to later ones.
    let is_always = |index: usize| {
        let schedule = config.http.get(index).and_then(|entry| entry.schedule.as_ref());
        schedule.is_none_or(Schedule::is_always)
    };
    for (rule, by) in matcher.shadowed(|earlier, _| is_always(earlier)) {
        errors.add(
            format_args!("http[{rule}].match"),
            format_args!("can never match, because http[{by}] always does before it"),
        );
    }
    Some(matcher)
}

fn match_explain(config: &Config, errors: &mut ConfigErrors) -> Option<Matcher> {
    if config.explain.is_empty() {
        return None;
    }
    let normalization = config.path_normalization;
    let options = MatcherOptions { normalization, ..MatcherOptions::guarding("explain") };
    Matcher::compile_list(&config.explain, &options).map_err(|invalid| errors.extend(invalid)).ok()
}

fn check_pages(limits: &[Limit], errors: &mut ConfigErrors) {
    let pages = limits.iter().map(|limit| limit.pages).fold(0, u64::saturating_add);
    if pages > MAX_PAGES {
        errors.add(
            "limits",
            format_args!(
                "must need at most {MAX_PAGES} pages of shared data in total, got {pages}: use a lower maxKeys"
            ),
        );
    }
}
