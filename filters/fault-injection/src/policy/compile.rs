//! From the document to the policy.

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
    control,
    delay::DelayLength,
};

const MAX_DELAY: Duration = Duration::from_secs(30);
const MAX_ACTIVE: u64 = 1_000;
const WINDOW: Duration = Duration::from_secs(60);

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its fields.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let max_delay = config.max_delay.map_or(MAX_DELAY, DurationWithin::get);
        let names = names(&config.http, &mut errors);
        let mut entries = Vec::with_capacity(config.http.len());
        for (index, (entry, name)) in config.http.iter().zip(names).enumerate() {
            let path = format!("http[{index}]");
            check_schedules(config.schedule.as_ref(), entry, &path, &mut errors);
            check_control(entry, &path, &mut errors);
            check_hash(entry, &path, &mut errors);
            entries.push(Entry::compile(entry, name, max_delay, &path, &mut errors));
        }
        let rules: Vec<Vec<HttpMatch>> = config.http.iter().map(|it| it.r#match.clone()).collect();
        let normalization = config.path_normalization;
        let options = MatcherOptions { normalization, ..MatcherOptions::new("http") };
        match Matcher::compile(&rules, &options) {
            Ok(matcher) => errors.finish(Self::of(config, matcher, entries)),
            Err(invalid) => {
                errors.extend(invalid);
                Err(errors.into())
            }
        }
    }

    fn of(config: &Config, matcher: Matcher, entries: Vec<Entry>) -> Self {
        let schedule = config.schedule.clone().unwrap_or_default();
        let guard = config.success_criteria.as_ref().map(|it: &SuccessCriteria| it.guard(WINDOW));
        Self {
            needs: needs(&matcher, &entries),
            most: Shares::most(&entries),
            is_keyed: entries.iter().any(|entry| entry.hash.is_some() && entry.fault.is_some()),
            warnings: warnings(&schedule, &entries, &config.http),
            max_delay: config.max_delay.map_or(MAX_DELAY, DurationWithin::get),
            max_active: config.max_active_faults.map_or(MAX_ACTIVE, IntegerWithin::get),
            max_faults_per_second: config.max_faults_per_second.map(rate),
            guard,
            mark: config.mark_header.as_ref().map(|it| it.as_header_name().clone()),
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
        let salt = entry.salt.as_ref().map_or_else(|| name.clone(), |it| it.as_str().to_owned());
        let path = format!("{path}.fault");
        let fault = entry.fault.as_ref();
        Self {
            schedule: entry.schedule.clone().unwrap_or_default(),
            hash: entry.consistent_hash.clone(),
            fault: fault.map(|fault| Fault::compile(fault, max_delay, &path, errors)),
            salt,
            name,
        }
    }
}

impl Shares {
    fn most(entries: &[Entry]) -> Self {
        let faults = entries.iter().filter_map(|entry| entry.fault.as_ref());
        faults.map(Self::of).fold(Self::default(), |most, shares| Self {
            delay: most.delay.max(shares.delay),
            abort: most.abort.max(shares.abort),
            response: most.response.max(shares.response),
            rate: most.rate.max(shares.rate),
        })
    }

    /// Returns the share that each draw of a fault is compared with.
    fn of(fault: &Fault) -> Self {
        let share = |share: Option<Percentage>| share.unwrap_or_default();
        let each = Self {
            delay: share(fault.delay.as_ref().map(|it| it.share)),
            abort: share(fault.abort.as_ref().map(|it| it.share)),
            response: share(fault.response.as_ref().map(|it| it.share)),
            rate: share(fault.rate.as_ref().map(|it| it.share)),
        };
        if !fault.is_draw_shared {
            return each;
        }
        // All parts share the draw of the delay.
        let delay = each.delay.max(each.abort).max(each.response).max(each.rate);
        Self { delay, ..Self::default() }
    }
}

/// Names every entry; names that differ only in what metrics cannot show are refused.
fn names(entries: &[config::Entry], errors: &mut ConfigErrors) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let given = entry.name.as_ref().map(EntryName::as_str);
        let name = given.map_or_else(|| format!("http-{index}"), str::to_owned);
        if let Some(other) = seen.insert(metric_name_part(&name), index) {
            errors.add(
                format_args!("http[{index}].name"),
                format_args!("must be unique, also in metrics; http[{other}] has \"{name}\" too"),
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
    let ramps = |schedule: Option<&Schedule>| schedule.is_some_and(|it| it.ramp_up().is_some());
    if ramps(top) && ramps(entry.schedule.as_ref()) {
        errors.add(
            format_args!("{path}.schedule.rampUp"),
            "must not be given beside that of the top-level schedule",
        );
    }
}

/// Refuses faults on demand that anyone may demand.
fn check_control(entry: &config::Entry, path: &str, errors: &mut ConfigErrors) {
    let Some(fault) = &entry.fault else { return };
    let asked = [
        ("delay.headerDelay", fault.delay.as_ref().is_some_and(|it| it.header_delay.is_some())),
        ("abort.headerAbort", fault.abort.as_ref().is_some_and(|it| it.header_abort.is_some())),
        (
            "responseRateLimit.headerLimit",
            fault.response_rate_limit.as_ref().is_some_and(|it| it.header_limit.is_some()),
        ),
    ];
    let anyone = entry.r#match.is_empty() || entry.r#match.iter().any(HttpMatch::is_unconditional);
    for (field, _) in asked.iter().filter(|(_, is_asked)| *is_asked && anyone) {
        errors.add(
            format_args!("{path}.fault.{field}"),
            "must have a match that says who may ask: by source.principal, source.ip or claims",
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
        errors.add(format_args!("{path}.salt"), "must have consistentHash beside it");
    }
    if entry.consistent_hash.is_some() && entry.salt.is_none() && entry.name.is_none() {
        errors.add(
            format_args!("{path}.consistentHash"),
            "must have a name or a salt beside it, so that a new line reshuffles nobody",
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
        if fault.delay.as_ref().is_some_and(|it| it.length == DelayLength::Header) {
            headers.extend(control::DELAY_HEADERS);
        }
        if fault.abort.as_ref().is_some_and(|it| it.ending.is_none()) {
            headers.extend(control::ABORT_HEADERS);
        }
        if fault.rate.as_ref().is_some_and(|it| it.limit.is_none()) {
            headers.extend(control::RATE_HEADERS);
        }
        if fault.abort.as_ref().is_some_and(|it| it.grpc_message.is_some()) {
            headers.insert("content-type");
        }
    }
    needs.headers.extend(headers.into_iter().map(str::to_owned));
    needs
}

fn rate(per_second: IntegerWithin<1, 1_000_000>) -> u32 {
    u32::try_from(per_second.get()).unwrap_or(u32::MAX)
}

fn warnings(top: &Schedule, entries: &[Entry], written: &[config::Entry]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (entry, written) in entries.iter().zip(written) {
        let Some(fault) = &written.fault else { continue };
        let parts = [
            ("delay", fault.delay.as_ref().is_some_and(|it| !it.has_share())),
            ("abort", fault.abort.as_ref().is_some_and(|it| it.percentage.is_none())),
            ("response", fault.response.as_ref().is_some_and(|it| it.percentage.is_none())),
            (
                "responseRateLimit",
                fault.response_rate_limit.as_ref().is_some_and(|it| it.percentage.is_none()),
            ),
        ];
        let never = parts.into_iter().filter(|(_, without)| *without);
        warnings.extend(never.map(|(part, _)| {
            let message = format!("fault.{part} has no percentage, so it never fires");
            Warning::new(&entry.name, message)
        }));
        if top.expires_at().is_none() && entry.schedule.expires_at().is_none() {
            let message = "without an expiresAt, its faults never end";
            warnings.push(Warning::new(&entry.name, message));
        }
    }
    warnings
}
