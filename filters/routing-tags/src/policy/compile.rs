//! From the document to the policy.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::{
    HeaderName, HttpMatch, InvalidConfig, Matcher, MatcherOptions, Needs, Problems, Shadowed,
};

use super::{Mode, Policy};
use crate::{
    config::{self, Config, TagHeader},
    entry::Entry,
    metrics,
    operations::Operations,
};

mod choice;

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Names every field that is wrong by its path, and what is wanted there.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut problems = Problems::default();
        let owned = owned(config);
        let names: BTreeSet<_> = owned.iter().cloned().collect();
        let entries: Vec<Entry> = config
            .http
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                choice::entry(entry, index, config, &owned, &names, &mut problems)
            })
            .collect();
        check_names(&entries, &mut problems);
        let operations = Operations::compile(&config.headers, "headers", &names, &mut problems);
        choice::check_operations(&operations, "headers", &owned, &BTreeSet::new(), &mut problems);
        let matcher = match_entries(config, &entries, &mut problems);
        let trust = match_any(&config.trust_inbound, "trustInbound", &mut problems);
        let explain = match_any(&config.explain, "explain", &mut problems);
        let Some(matcher) = matcher else { return Err(problems.into()) };
        let (counters, rules) = metrics::define(&entries, config.metrics.labels);
        let mut policy = Self {
            is_first_final: is_first_final(config, &owned),
            tells_time: entries.iter().any(Entry::tells_time),
            matcher,
            entries,
            owned,
            trust,
            operations,
            explain,
            counters,
            rules,
            baggage_key: config.baggage_key.as_ref().map(|key| key.as_str().to_owned()),
            filter_state: config.filter_state,
            mode: if config.dry_run { Mode::DryRun } else { Mode::Enforce },
            needs: Needs::default(),
            repeatable: Vec::new(),
            warnings: warnings(config),
            ready: Vec::new(),
            untagged: None,
        };
        policy.find_needs();
        policy.make_ready();
        problems.finish(policy)
    }

    /// Notes what must be read, and which of it may have several values.
    fn find_needs(&mut self) {
        let mut repeatable = self.matcher.needs().headers.clone();
        let mut needs = self.matcher.needs().clone();
        for matcher in self.trust.iter().chain(&self.explain) {
            needs.merge(matcher.needs());
            repeatable.extend(matcher.needs().headers.iter().cloned());
        }
        if self.trust.is_some() {
            repeatable.extend(self.owned.iter().map(ToString::to_string));
        }
        repeatable.extend(self.baggage_key.is_some().then(|| "baggage".to_owned()));
        needs.headers.extend(repeatable.iter().cloned());
        self.entries.iter().for_each(|entry| entry.add_needs(&mut needs));
        self.operations.add_needs(&mut needs);
        let explains = self.explain.is_some().then(|| config::EXPLAIN.to_owned());
        needs.headers.extend(explains);
        // Envoy joins cookies, and a pseudo-header occurs once.
        let is_single = |name: &String| name.starts_with(':') || name == "cookie";
        self.repeatable = repeatable.into_iter().filter(|name| !is_single(name)).collect();
        self.needs = needs;
    }
}

/// Returns every header that carries a tag, the top-level one first.
fn owned(config: &Config) -> Vec<HeaderName> {
    let top = config.tag_header.clone().unwrap_or(TagHeader::DEFAULT).name().clone();
    let mut owned = vec![top];
    for header in config.http.iter().filter_map(|entry| entry.tag_header.as_ref()) {
        if !owned.contains(header.name()) {
            owned.push(header.name().clone());
        }
    }
    owned
}

fn check_names(entries: &[Entry], problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(first) = seen.insert(metrics::clean(&entry.name), index) {
            let rule = format!(
                "must differ from that of http[{first}] also where - and . are _, got \"{}\"",
                entry.name
            );
            problems.add(format_args!("http[{index}].name"), rule);
        }
    }
}

/// Compiles the matches of all entries; `None` where that failed.
fn match_entries(config: &Config, entries: &[Entry], problems: &mut Problems) -> Option<Matcher> {
    let rules: Vec<Vec<HttpMatch>> =
        config.http.iter().map(|entry| entry.r#match.clone()).collect();
    let options = MatcherOptions { shadowed: Shadowed::Allowed, ..MatcherOptions::new("http") };
    let matcher = match Matcher::compile(&rules, &options) {
        Ok(matcher) => matcher,
        Err(invalid) => {
            problems.extend(invalid);
            return None;
        }
    };
    let hides = |first: usize, second: usize| match (entries.get(first), entries.get(second)) {
        (Some(first), Some(second)) => first.slot == second.slot && first.always_decides(),
        _ => false,
    };
    for (entry, by) in matcher.shadowed(hides) {
        let rule = format!("can never match, because http[{by}] always does before it");
        problems.add(format_args!("http[{entry}].match"), rule);
    }
    Some(matcher)
}

/// Compiles a list of matches of which one must hold; `None` for an empty list, which holds never.
fn match_any(list: &[HttpMatch], field: &str, problems: &mut Problems) -> Option<Matcher> {
    if list.is_empty() {
        return None;
    }
    let options =
        MatcherOptions { field: "", shadowed: Shadowed::Allowed, ..MatcherOptions::new(field) };
    Matcher::compile(&[list.to_vec()], &options)
        .map_err(|invalid| {
            // The matcher was given a list of one list.
            for error in invalid.errors() {
                problems.add(error.path.replacen("[0]", "", 1), &error.message);
            }
        })
        .ok()
}

/// Says whether the first entry's word is the last one: no other tag, nobody's own tag, nothing
/// that a further value of a header could take back.
fn is_first_final(config: &Config, owned: &[HeaderName]) -> bool {
    let first = config.http.first();
    let positive = first
        .is_some_and(|entry| entry.schedule.is_none() && !entry.r#match.iter().any(has_negation));
    positive
        && owned.len() == 1
        && config.trust_inbound.is_empty()
        && config.explain.is_empty()
        && config.baggage_key.is_none()
}

fn has_negation(entry: &HttpMatch) -> bool {
    let nested = entry.any.iter().chain(&entry.all).flatten();
    !entry.without_headers.is_empty() || entry.not.is_some() || nested.into_iter().any(has_negation)
}

fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.dry_run {
        warnings.push("dryRun: inbound tags of strangers are not stripped".to_owned());
    }
    let everyone = config.trust_inbound.iter().any(HttpMatch::is_unconditional);
    if everyone {
        warnings.push(
            "trustInbound trusts everyone: right only where the sender is the application itself (mode: CLIENT)"
                .to_owned(),
        );
    }
    warnings
}
