//! Compilation of the document.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::{
    ConfigErrors, HeaderName, HttpMatch, InvalidConfig, Matcher, MatcherOptions, Mode, Needs,
    Shadowed, Warning, metric_name_part,
};

use super::Policy;
use crate::{
    config::{self, Config, TagHeader},
    entry::Entry,
    metrics,
    operations::Operations,
};

mod entry;

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Every error, each with the path of its field.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let tag_headers = tag_headers(config);
        let names: BTreeSet<_> = tag_headers.iter().cloned().collect();
        let entries: Vec<Entry> = config
            .http
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                entry::compile(entry, index, config, &tag_headers, &names, &mut errors)
            })
            .collect();
        check_names(&entries, &mut errors);
        let operations = Operations::compile(&config.headers, "headers", &names, &mut errors);
        let no_variables = BTreeSet::new();
        entry::check_operations(&operations, "headers", &tag_headers, &no_variables, &mut errors);
        let matcher = match_entries(config, &entries, &mut errors);
        let trust = match_any(&config.trust_inbound, "trustInbound", &mut errors);
        let explain = match_any(&config.explain, "explain", &mut errors);
        let Some(matcher) = matcher else { return Err(errors.into()) };
        let labels = entries.iter().map(|entry| (&*entry.name, entry.source.labels()));
        let (counters, rules) = metrics::define(labels, config.metrics.labels);
        let mut policy = Self {
            uses_time: entries.iter().any(Entry::uses_time),
            matcher,
            entries,
            tag_headers,
            trust,
            operations,
            explain,
            counters,
            rules,
            baggage_key: config.baggage_key.as_ref().map(|key| key.as_str().to_owned()),
            filter_state: config.filter_state,
            mode: Mode::new(config.dry_run),
            needs: Needs::default(),
            warnings: warnings(config),
            precomputed: Vec::new(),
            untagged: None,
        };
        policy.collect_needs();
        policy.precompute();
        errors.finish(policy)
    }

    /// Sets the inputs of decisions.
    fn collect_needs(&mut self) {
        let mut needs = self.matcher.needs().clone();
        for matcher in self.trust.iter().chain(&self.explain) {
            needs.merge(matcher.needs());
        }
        needs.headers.extend(self.baggage_key.is_some().then(|| "baggage".to_owned()));
        self.entries.iter().for_each(|entry| entry.add_needs(&mut needs));
        self.operations.add_needs(&mut needs);
        let explains = self.explain.is_some().then(|| config::EXPLAIN.to_owned());
        needs.headers.extend(explains);
        // Headers are read in one call, so reading the tags costs nothing if others are read.
        if self.trust.is_some() || !needs.headers.is_empty() {
            needs.headers.extend(self.tag_headers.iter().map(ToString::to_string));
        }
        self.needs = needs;
    }

    /// Returns `true` if the inbound tags are read.
    pub(super) fn reads_tags(&self) -> bool {
        !self.needs.headers.is_empty()
    }
}

/// Returns the headers that carry tags, the top-level one first.
fn tag_headers(config: &Config) -> Vec<HeaderName> {
    let top = config.tag_header.clone().unwrap_or(TagHeader::DEFAULT).name().clone();
    let mut tag_headers = vec![top];
    for header in config.http.iter().filter_map(|entry| entry.tag_header.as_ref()) {
        if !tag_headers.contains(header.name()) {
            tag_headers.push(header.name().clone());
        }
    }
    tag_headers
}

fn check_names(entries: &[Entry], errors: &mut ConfigErrors) {
    let mut seen = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(other) = seen.insert(metric_name_part(&entry.name), index) {
            let rule = format!(
                "must be unique, also with special characters replaced by _ in metrics, got \"{}\" as in http[{other}]",
                entry.name
            );
            errors.add(format_args!("http[{index}].name"), rule);
        }
    }
}

/// Compiles the matches of all entries. Returns `None` on an error.
fn match_entries(config: &Config, entries: &[Entry], errors: &mut ConfigErrors) -> Option<Matcher> {
    let rules: Vec<Vec<HttpMatch>> =
        config.http.iter().map(|entry| entry.r#match.clone()).collect();
    let options = MatcherOptions { shadowed: Shadowed::Allowed, ..MatcherOptions::new("http") };
    let matcher = match Matcher::compile(&rules, &options) {
        Ok(matcher) => matcher,
        Err(invalid) => {
            errors.extend(invalid);
            return None;
        }
    };
    let hides = |first: usize, second: usize| match (entries.get(first), entries.get(second)) {
        (Some(first), Some(second)) => {
            first.header_index == second.header_index && first.always_decides()
        }
        (Some(_) | None, None) | (None, Some(_)) => false,
    };
    for (entry, by) in matcher.shadowed(hides) {
        let rule = format!("can never match, because http[{by}] always does before it");
        errors.add(format_args!("http[{entry}].match"), rule);
    }
    Some(matcher)
}

/// Compiles a list of matches, of which one must match. Returns `None` if the list is empty or on an
/// error.
fn match_any(list: &[HttpMatch], field: &str, errors: &mut ConfigErrors) -> Option<Matcher> {
    if list.is_empty() {
        return None;
    }
    let compiled = Matcher::compile_list(list, &MatcherOptions::guarding(field));
    compiled.map_err(|invalid| errors.extend(invalid)).ok()
}

fn warnings(config: &Config) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if config.dry_run {
        warnings.push(Warning::new("dryRun", "inbound tags of untrusted clients are not removed"));
    }
    if config.trust_inbound.iter().any(HttpMatch::is_unconditional) {
        let message = "trusts every client: correct only if the client is the application itself \
                       (mode: CLIENT)";
        warnings.push(Warning::new("trustInbound", message));
    }
    warnings
}
