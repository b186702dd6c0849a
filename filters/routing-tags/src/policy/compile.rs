//! From the document to the policy.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::{
    ConfigErrors, HeaderName, HttpMatch, InvalidConfig, Matcher, MatcherOptions, Mode, Needs,
    Shadowed, Warning,
};

use super::Policy;
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
        let mut errors = ConfigErrors::default();
        let owned = owned(config);
        let names: BTreeSet<_> = owned.iter().cloned().collect();
        let entries: Vec<Entry> = config
            .http
            .iter()
            .enumerate()
            .map(|(index, entry)| choice::entry(entry, index, config, &owned, &names, &mut errors))
            .collect();
        check_names(&entries, &mut errors);
        let operations = Operations::compile(&config.headers, "headers", &names, &mut errors);
        choice::check_operations(&operations, "headers", &owned, &BTreeSet::new(), &mut errors);
        let matcher = match_entries(config, &entries, &mut errors);
        let trust = match_any(&config.trust_inbound, "trustInbound", &mut errors);
        let explain = match_any(&config.explain, "explain", &mut errors);
        let Some(matcher) = matcher else { return Err(errors.into()) };
        let named = entries.iter().map(|entry| (&*entry.name, entry.choice.labels()));
        let (counters, rules) = metrics::define(named, config.metrics.labels);
        let mut policy = Self {
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
            mode: Mode::new(config.dry_run),
            needs: Needs::default(),
            warnings: warnings(config),
            ready: Vec::new(),
            untagged: None,
        };
        policy.find_needs();
        policy.make_ready();
        errors.finish(policy)
    }

    /// Notes what must be read.
    fn find_needs(&mut self) {
        let mut needs = self.matcher.needs().clone();
        for matcher in self.trust.iter().chain(&self.explain) {
            needs.merge(matcher.needs());
        }
        needs.headers.extend(self.baggage_key.is_some().then(|| "baggage".to_owned()));
        self.entries.iter().for_each(|entry| entry.add_needs(&mut needs));
        self.operations.add_needs(&mut needs);
        let explains = self.explain.is_some().then(|| config::EXPLAIN.to_owned());
        needs.headers.extend(explains);
        // Headers are read all at once, so tags are only free to look at where others are read.
        if self.trust.is_some() || !needs.headers.is_empty() {
            needs.headers.extend(self.owned.iter().map(ToString::to_string));
        }
        self.needs = needs;
    }

    /// Says whether the request's own tags are among what is read.
    pub(super) fn sees_tags(&self) -> bool {
        !self.needs.headers.is_empty()
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

fn check_names(entries: &[Entry], errors: &mut ConfigErrors) {
    let mut seen = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(first) = seen.insert(metrics::clean(&entry.name), index) {
            let rule = format!(
                "must differ from that of http[{first}] also where metrics replace characters by _, got \"{}\"",
                entry.name
            );
            errors.add(format_args!("http[{index}].name"), rule);
        }
    }
}

/// Compiles the matches of all entries; `None` where that failed.
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
        (Some(first), Some(second)) => first.slot == second.slot && first.always_decides(),
        _ => false,
    };
    for (entry, by) in matcher.shadowed(hides) {
        let rule = format!("can never match, because http[{by}] always does before it");
        errors.add(format_args!("http[{entry}].match"), rule);
    }
    Some(matcher)
}

/// Compiles a list of matches of which one must hold; `None` for an empty list, which holds never.
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
        warnings.push(Warning::new("dryRun", "inbound tags of untrusted callers are not stripped"));
    }
    let everyone = config.trust_inbound.iter().any(HttpMatch::is_unconditional);
    if everyone {
        let message = "trusts every caller: correct only where the caller is the application \
                       itself (mode: CLIENT)";
        warnings.push(Warning::new("trustInbound", message));
    }
    warnings
}
