//! From the `fault` of an entry to what it does.

use std::{rc::Rc, time::Duration};

use filter_core::{
    ConfigErrors, DurationWithin, HeaderChanges, HeaderName, IntegerWithin, Percentage,
};

use super::{Abort, Change, Delay, Ending, Fault, Phase, RateLimit};
use crate::{
    body::BodyEdit,
    config::{
        AbortConfig, BodyText, DelayConfig, DrawConfig, FaultConfig, PercentileDelay, PhaseConfig,
        RateConfig, ResponseConfig,
    },
    delay::DelayLength,
};

const BODY: &[u8] = b"fault filter abort";

impl Fault {
    pub(super) fn compile(
        config: &FaultConfig,
        max_delay: Duration,
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        let FaultConfig { delay, abort, response, response_rate_limit: rate, draw } = config;
        if delay.is_none() && abort.is_none() && response.is_none() && rate.is_none() {
            errors.add(path, "must have at least one of delay, abort, response, responseRateLimit");
        }
        Self {
            delay: delay.as_ref().and_then(|it| compile_delay(it, max_delay, path, errors)),
            abort: abort.as_ref().and_then(|it| compile_abort(it, path, errors)),
            response: response.as_ref().and_then(|it| compile_change(it, path, errors)),
            rate: rate.as_ref().and_then(|it| compile_rate(it, path, errors)),
            is_draw_shared: *draw == DrawConfig::Shared,
        }
    }
}

impl DelayConfig {
    /// Says whether a share is given in either form.
    pub(super) const fn has_share(&self) -> bool {
        self.percentage.is_some() || self.percent.is_some()
    }
}

impl From<PhaseConfig> for Phase {
    fn from(phase: PhaseConfig) -> Self {
        match phase {
            PhaseConfig::Request => Self::Request,
            PhaseConfig::Response => Self::Response,
        }
    }
}

/// Takes the one that is given, or tells that exactly one must be.
fn only<T>(given: Vec<T>, path: &str, choices: &str, errors: &mut ConfigErrors) -> Option<T> {
    let count = given.len();
    let mut given = given.into_iter();
    let first = given.next();
    if count != 1 {
        errors.add(path, format_args!("must have exactly one of {choices}, got {count}"));
    }
    first
}

fn compile_delay(
    config: &DelayConfig,
    max: Duration,
    path: &str,
    errors: &mut ConfigErrors,
) -> Option<Delay> {
    let path = format!("{path}.delay");
    let percentiles = config.percentile_delay.as_ref();
    let lengths = [
        config.fixed_delay.map(|it| DelayLength::Fixed(it.get())),
        config.uniform_delay.map(|it| DelayLength::Uniform { min: ms(it.min), max: ms(it.max) }),
        config
            .normal_delay
            .map(|it| DelayLength::Normal { mean: ms(it.mean), stddev: ms(it.stddev) }),
        config.exponential_delay.map(|it| DelayLength::Exponential { mean: ms(it) }),
        config
            .pareto_delay
            .map(|it| DelayLength::Pareto { scale: ms(it.scale), shape: it.shape.0 }),
        percentiles.map(|rows| DelayLength::Percentiles(rows.iter().map(row).collect())),
        config.header_delay.map(|_| DelayLength::Header),
    ];
    let choices = "fixedDelay, uniformDelay, normalDelay, exponentialDelay, paretoDelay, \
                   percentileDelay and headerDelay";
    let length = only(lengths.into_iter().flatten().collect(), &path, choices, errors)?;
    check_length(&length, max.as_secs_f64() * 1_000.0, &path, errors);
    let share = delay_share(config, &path, errors);
    Some(Delay { share, length, phase: config.phase.into() })
}

fn delay_share(config: &DelayConfig, path: &str, errors: &mut ConfigErrors) -> Percentage {
    let percent = config.percent.map(|it| Percentage::from_percent(it.0));
    match (config.percentage, percent) {
        (Some(_), Some(_)) => {
            errors.add(path, "must have one of percentage and percent, which is deprecated");
            Percentage::NONE
        }
        (_, Some(Err(rule))) => {
            let got = config.percent.map(|it| it.0).unwrap_or_default();
            errors.add(format_args!("{path}.percent"), format_args!("{rule}, got {got}"));
            Percentage::NONE
        }
        (_, Some(Ok(share))) => share,
        (share, None) => share.unwrap_or_default(),
    }
}

fn ms<const MIN: u64, const MAX: u64>(length: DurationWithin<MIN, MAX>) -> f64 {
    length.get().as_secs_f64() * 1_000.0
}

fn row(row: &PercentileDelay) -> (f64, f64) {
    (row.percentile.0, ms(row.delay))
}

fn check_length(length: &DelayLength, max: f64, path: &str, errors: &mut ConfigErrors) {
    let capped = "must not be above maxDelay, which would decide alone";
    let mut refuse = |field: &str, rule: &str| errors.add(format_args!("{path}.{field}"), rule);
    match length {
        DelayLength::Uniform { min, max: most } => {
            if min >= most {
                refuse("uniformDelay", "must have min below max");
            }
            if *min > max {
                refuse("uniformDelay.min", capped);
            }
        }
        DelayLength::Normal { mean, .. } if *mean > max => refuse("normalDelay.mean", capped),
        DelayLength::Exponential { mean } if *mean > max => refuse("exponentialDelay", capped),
        DelayLength::Pareto { scale, shape } => {
            if *scale > max {
                refuse("paretoDelay.scale", capped);
            }
            if !(*shape > 0.0 && *shape <= 100.0) {
                refuse("paretoDelay.shape", "must be above 0 and at most 100");
            }
        }
        DelayLength::Percentiles(rows) => check_rows(rows, max, capped, &mut refuse),
        _ => {}
    }
}

fn check_rows(rows: &[(f64, f64)], max: f64, capped: &str, refuse: &mut impl FnMut(&str, &str)) {
    let field = "percentileDelay";
    if !(2..=32).contains(&rows.len()) {
        refuse(field, "must have 2 to 32 rows");
    }
    if rows.last().is_none_or(|last| last.0 != 100.0) {
        refuse(field, "must end with percentile 100");
    }
    let mut below = (0.0, 0.0);
    for (index, row) in rows.iter().enumerate() {
        if !(row.0 > below.0 && row.0 <= 100.0) {
            refuse(&format!("{field}[{index}].percentile"), "must be above the one before it");
        }
        if row.1 < below.1 {
            refuse(&format!("{field}[{index}].delay"), "must not be below the one before it");
        }
        if row.1 > max {
            refuse(&format!("{field}[{index}].delay"), capped);
        }
        below = *row;
    }
}

fn compile_abort(config: &AbortConfig, path: &str, errors: &mut ConfigErrors) -> Option<Abort> {
    let path = format!("{path}.abort");
    let endings = [
        config.http_status.and_then(narrow).map(|status| Some(Ending::Http(status))),
        config.grpc_status.map(|status| Some(Ending::Grpc(status.0))),
        config.header_abort.map(|_| None),
        config.reset.map(|_| Some(Ending::Reset)),
    ];
    let choices = "httpStatus, grpcStatus, headerAbort and reset";
    let ending = only(endings.into_iter().flatten().collect(), &path, choices, errors)?;
    let operations = &config.headers;
    if !operations.request.is_empty() || !operations.response.remove.is_empty() {
        errors.add(format_args!("{path}.headers"), "must have response.set and response.add only");
    }
    let has_reply =
        config.body.is_some() || config.grpc_message.is_some() || !operations.is_empty();
    if ending == Some(Ending::Reset) && has_reply {
        errors.add(&path, "must not have body, headers or grpcMessage beside reset");
    }
    Some(Abort {
        share: config.percentage.unwrap_or_default(),
        ending,
        phase: config.phase.into(),
        headers: added(&operations.response),
        body: config.body.as_ref().map_or(BODY, BodyText::as_bytes).to_vec(),
        grpc_message: config.grpc_message.as_ref().map(|it| it.as_str().as_bytes().to_vec()),
    })
}

fn narrow<const MIN: u64, const MAX: u64>(status: IntegerWithin<MIN, MAX>) -> Option<u16> {
    u16::try_from(status.get()).ok()
}

fn added(changes: &HeaderChanges) -> Vec<(HeaderName, Vec<u8>)> {
    let edits = changes.edits();
    edits.set.into_iter().chain(edits.add).collect()
}

fn compile_change(
    config: &ResponseConfig,
    path: &str,
    errors: &mut ConfigErrors,
) -> Option<Change> {
    let path = format!("{path}.response");
    let bodies = [
        config.body.as_ref().map(|it| BodyEdit::Replace(Rc::from(it.as_bytes()))),
        config.truncate_after.map(|it| BodyEdit::Truncate(it.get())),
        config.reset_after.map(|it| BodyEdit::Reset(it.get())),
    ];
    let mut bodies = bodies.into_iter().flatten();
    let body = bodies.next();
    if bodies.next().is_some() {
        errors.add(&path, "must have at most one of body, truncateAfter and resetAfter");
    }
    if !config.headers.request.is_empty() {
        errors.add(format_args!("{path}.headers.request"), "must not be given: only response");
    }
    let edits = config.headers.response.edits();
    let status = config.http_status.and_then(narrow);
    if status.is_none() && body.is_none() && edits.is_empty() {
        errors.add(&path, "must change something: httpStatus, headers or the body");
    }
    Some(Change { share: config.percentage.unwrap_or_default(), status, edits, body })
}

fn compile_rate(config: &RateConfig, path: &str, errors: &mut ConfigErrors) -> Option<RateLimit> {
    let path = format!("{path}.responseRateLimit");
    let limits =
        [config.fixed_limit.map(|it| Some(it.limit_kbps.get())), config.header_limit.map(|_| None)];
    let limits = limits.into_iter().flatten().collect();
    let limit = only(limits, &path, "fixedLimit and headerLimit", errors)?;
    Some(RateLimit { share: config.percentage.unwrap_or_default(), limit })
}
