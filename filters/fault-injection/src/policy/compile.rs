//! Compilation of the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use filter_core::{
    ConfigErrors, DurationWithin, EntryName, HttpMatch, IntegerWithin, InvalidConfig, Matcher,
    MatcherOptions, Mode, Needs, Percentage, Schedule, SuccessCriteria, Warning, metric_name_part,
};

use super::{Entry, Fault, Policy, Shares};
use crate::{
    config::{self, Config},
    delay::DelayLength,
    header_control,
};

const MAX_DELAY: Duration = Duration::from_secs(30);
const MAX_ACTIVE: u64 = 1_000;
const WINDOW: Duration = Duration::from_secs(60);

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Every error, each with the path of its field.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let max_delay = config.max_delay.map_or(MAX_DELAY, DurationWithin::get);
        let names = names(&config.http, &mut errors);
        let mut entries = Vec::with_capacity(config.http.len());
        for (index, (entry, name)) in config.http.iter().zip(names).enumerate() {
            let path = format!("http[{index}]");
            check_schedules(config.schedule.as_ref(), entry, &path, &mut errors);
            check_header_faults(entry, &path, &mut errors);
            check_hash(entry, &path, &mut errors);
            entries.push(Entry::compile(entry, name, max_delay, &path, &mut errors));
        }
        let rules: Vec<Vec<HttpMatch>> =
            config.http.iter().map(|entry| entry.r#match.clone()).collect();
        let normalization = config.path_normalization;
        let options = MatcherOptions { normalization, ..MatcherOptions::new("http") };
        match Matcher::compile(&rules, &options) {
            Ok(matcher) => errors.finish(Self::assemble(config, matcher, entries)),
            Err(invalid) => {
                errors.extend(invalid);
                Err(errors.into())
            }
        }
    }

    fn assemble(config: &Config, matcher: Matcher, entries: Vec<Entry>) -> Self {
        let schedule = config.schedule.clone().unwrap_or_default();
        let criteria = config.success_criteria.as_ref();
        let guard = criteria.map(|criteria: &SuccessCriteria| criteria.guard(WINDOW));
        Self {
            needs: needs(&matcher, &entries),
            max_shares: Shares::max(&entries),
            is_keyed: entries.iter().any(|entry| entry.hash.is_some() && entry.fault.is_some()),
            warnings: warnings(&schedule, &entries, &config.http),
            max_delay: config.max_delay.map_or(MAX_DELAY, DurationWithin::get),
            max_active: config.max_active_faults.map_or(MAX_ACTIVE, IntegerWithin::get),
            max_faults_per_second: config.max_faults_per_second.map(rate),
            guard,
            mark_header: config.mark_header.as_ref().map(|header| header.as_header_name().clone()),
            mode: Mode::new(config.dry_run),
            label_metrics: config.metrics.labels,
            schedule,
            matcher,
            entries,
        }
    }
}

impl Entry {
    fn compile(
        entry: &config::Entry,
        name: String,
        max_delay: Duration,
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        let salt = entry.salt.as_ref().map(|salt| salt.as_str().to_owned());
        let path = format!("{path}.fault");
        let fault = entry.fault.as_ref();
        Self {
            schedule: entry.schedule.clone().unwrap_or_default(),
            hash: entry.consistent_hash.clone(),
            fault: fault.map(|fault| Fault::compile(fault, max_delay, &path, errors)),
            salt: salt.unwrap_or_else(|| name.clone()),
            name,
        }
    }
}

impl Shares {
    /// Returns the maximum of each percentage.
    fn max(entries: &[Entry]) -> Self {
        let faults = entries.iter().filter_map(|entry| entry.fault.as_ref());
        faults.map(Self::of_draws).fold(Self::default(), |max, shares| Self {
            delay: max.delay.max(shares.delay),
            abort: max.abort.max(shares.abort),
            response: max.response.max(shares.response),
            rate: max.rate.max(shares.rate),
        })
    }

    /// Returns the maximum percentage with which each draw is compared.
    fn of_draws(fault: &Fault) -> Self {
        let share = |share: Option<Percentage>| share.unwrap_or_default();
        let each = Self {
            delay: share(fault.delay.as_ref().map(|delay| delay.share)),
            abort: share(fault.abort.as_ref().map(|abort| abort.share)),
            response: share(fault.response.as_ref().map(|change| change.share)),
            rate: share(fault.rate.as_ref().map(|rate| rate.share)),
        };
        if !fault.is_draw_shared {
            return each;
        }
        // All faults use the draw of the delay.
        let delay = each.delay.max(each.abort).max(each.response).max(each.rate);
        Self { delay, ..Self::default() }
    }
}

/// Returns the name of each entry. Names must be unique in metrics.
fn names(entries: &[config::Entry], errors: &mut ConfigErrors) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let given = entry.name.as_ref().map(EntryName::as_str);
        let name = given.map_or_else(|| format!("http-{index}"), str::to_owned);
        if let Some(other) = seen.insert(metric_name_part(&name), index) {
            errors.add(
                format_args!("http[{index}].name"),
                format_args!(
                    "must be unique, also with special characters replaced by _ in metrics, got \"{name}\" as in http[{other}]"
                ),
            );
        }
        names.push(name);
    }
    names
}

fn check_schedules(
    top: Option<&Schedule>,
    entry: &config::Entry,
    path: &str,
    errors: &mut ConfigErrors,
) {
    let has_ramp =
        |schedule: Option<&Schedule>| schedule.is_some_and(|schedule| schedule.ramp_up().is_some());
    if has_ramp(top) && has_ramp(entry.schedule.as_ref()) {
        errors.add(
            format_args!("{path}.schedule.rampUp"),
            "must not be given: the top-level schedule has a rampUp",
        );
    }
}

/// Refuses faults that every client can control by headers.
fn check_header_faults(entry: &config::Entry, path: &str, errors: &mut ConfigErrors) {
    let Some(fault) = &entry.fault else { return };
    let is_open = entry.r#match.is_empty() || entry.r#match.iter().any(HttpMatch::is_unconditional);
    if !is_open {
        return;
    }
    let delay = fault.delay.as_ref().and_then(|delay| delay.header_delay);
    let abort = fault.abort.as_ref().and_then(|abort| abort.header_abort);
    let limit = fault.response_rate_limit.as_ref().and_then(|rate| rate.header_limit);
    let fields = [
        ("delay.headerDelay", delay),
        ("abort.headerAbort", abort),
        ("responseRateLimit.headerLimit", limit),
    ];
    for (field, _) in fields.iter().filter(|(_, header)| header.is_some()) {
        errors.add(
            format_args!("{path}.fault.{field}"),
            "must have a match that restricts the clients, by source.principal, source.ip or claims",
        );
    }
}

fn check_hash(entry: &config::Entry, path: &str, errors: &mut ConfigErrors) {
    let cookie = entry.consistent_hash.as_ref().and_then(|hash| hash.issued_cookie());
    if cookie.is_some() {
        errors.add(
            format_args!("{path}.consistentHash.httpCookie.ttl"),
            "must not be given: faults issue no cookies",
        );
    }
    if entry.salt.is_some() && entry.consistent_hash.is_none() {
        errors.add(format_args!("{path}.salt"), "must not be given without consistentHash");
    }
    if entry.consistent_hash.is_some() && entry.salt.is_none() && entry.name.is_none() {
        errors.add(
            format_args!("{path}.consistentHash"),
            "must be given with name or salt: otherwise a new entry would reassign the keys",
        );
    }
}

fn needs(matcher: &Matcher, entries: &[Entry]) -> Needs {
    let mut needs = matcher.needs().clone();
    let mut headers = BTreeSet::new();
    for entry in entries {
        let Some(fault) = &entry.fault else { continue };
        if let Some(hash) = &entry.hash {
            needs.merge(&hash.needs());
        }
        if fault.delay.as_ref().is_some_and(|delay| delay.length == DelayLength::Header) {
            headers.extend(header_control::DELAY_HEADERS);
        }
        if fault.abort.as_ref().is_some_and(|abort| abort.kind.is_none()) {
            headers.extend(header_control::ABORT_HEADERS);
        }
        if fault.rate.as_ref().is_some_and(|rate| rate.limit.is_none()) {
            headers.extend(header_control::RATE_HEADERS);
        }
        if fault.abort.as_ref().is_some_and(|abort| abort.grpc_message.is_some()) {
            headers.insert("content-type");
        }
    }
    needs.headers.extend(headers.into_iter().map(str::to_owned));
    needs
}

fn rate(per_second: IntegerWithin<1, 1_000_000>) -> u32 {
    u32::try_from(per_second.get()).unwrap_or(u32::MAX)
}

fn warnings(top: &Schedule, entries: &[Entry], configs: &[config::Entry]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (index, (entry, config)) in entries.iter().zip(configs).enumerate() {
        let Some(fault) = &config.fault else { continue };
        let rate = fault.response_rate_limit.as_ref();
        let parts = [
            ("delay", fault.delay.as_ref().map(config::DelayConfig::has_percentage)),
            ("abort", fault.abort.as_ref().map(|abort| abort.percentage.is_some())),
            ("response", fault.response.as_ref().map(|change| change.percentage.is_some())),
            ("responseRateLimit", rate.map(|rate| rate.percentage.is_some())),
        ];
        for (part, _) in parts.into_iter().filter(|(_, has_share)| *has_share == Some(false)) {
            let path = format_args!("http[{index}].fault.{part}");
            warnings.push(Warning::new(path, "has no percentage, so it never fires"));
        }
        if top.expires_at().is_none() && entry.schedule.expires_at().is_none() {
            let path = format_args!("http[{index}].schedule");
            warnings.push(Warning::new(path, "has no expiresAt, so the faults never end"));
        }
    }
    warnings
}
