//! Compilation of the `fault` of an entry.

use std::{rc::Rc, time::Duration};

use filter_core::{
    BodyText, ConfigErrors, DurationWithin, HeaderChanges, HeaderName, IntegerWithin, Percentage,
};

use super::{Abort, AbortKind, Change, Delay, Fault, Phase, RateLimit};
use crate::{
    body::BodyEdit,
    config::{
        AbortConfig, DelayConfig, DrawConfig, FaultConfig, PercentileDelay, PhaseConfig,
        RateConfig, ResponseConfig,
    },
    delay::DelayLength,
};

const BODY: &[u8] = b"fault filter abort";
const WITHIN_MAX: &str = "must be at most maxDelay";

impl Fault {
    pub(super) fn compile(
        config: &FaultConfig,
        max_delay: Duration,
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        let FaultConfig { delay, abort, response, response_rate_limit: rate, draw } = config;
        if delay.is_none() && abort.is_none() && response.is_none() && rate.is_none() {
            errors.add(
                path,
                "must have at least one of delay, abort, response and responseRateLimit",
            );
        }
        Self {
            delay: delay.as_ref().and_then(|delay| compile_delay(delay, max_delay, path, errors)),
            abort: abort.as_ref().and_then(|abort| compile_abort(abort, path, errors)),
            response: response.as_ref().and_then(|change| compile_change(change, path, errors)),
            rate: rate.as_ref().and_then(|rate| compile_rate(rate, path, errors)),
            is_draw_shared: *draw == DrawConfig::Shared,
        }
    }
}

impl DelayConfig {
    /// Returns `true` if `percentage` or `percent` is set.
    pub(super) const fn has_percentage(&self) -> bool {
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

/// Returns the first value, with an error unless there is exactly one.
fn exactly_one<T>(
    values: Vec<T>,
    path: &str,
    fields: &str,
    errors: &mut ConfigErrors,
) -> Option<T> {
    let count = values.len();
    if count != 1 {
        errors.add(path, format_args!("must have exactly one of {fields}, got {count}"));
    }
    values.into_iter().next()
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
        config.fixed_delay.map(|length| DelayLength::Fixed(length.get())),
        config
            .uniform_delay
            .map(|uniform| DelayLength::Uniform { min: ms(uniform.min), max: ms(uniform.max) }),
        config
            .normal_delay
            .map(|normal| DelayLength::Normal { mean: ms(normal.mean), stddev: ms(normal.stddev) }),
        config.exponential_delay.map(|mean| DelayLength::Exponential { mean: ms(mean) }),
        config
            .pareto_delay
            .map(|pareto| DelayLength::Pareto { scale: ms(pareto.scale), shape: pareto.shape.0 }),
        percentiles.map(|rows| DelayLength::Percentiles(rows.iter().map(row).collect())),
        config.header_delay.map(|_| DelayLength::Header),
    ];
    let fields = "fixedDelay, uniformDelay, normalDelay, exponentialDelay, paretoDelay, \
                  percentileDelay and headerDelay";
    let length = exactly_one(lengths.into_iter().flatten().collect(), &path, fields, errors)?;
    check_length(&length, max.as_secs_f64() * 1_000.0, &path, errors);
    let share = delay_share(config, &path, errors);
    Some(Delay { share, length, phase: config.phase.into() })
}

fn delay_share(config: &DelayConfig, path: &str, errors: &mut ConfigErrors) -> Percentage {
    let percent = config.percent.map(|number| Percentage::from_percent(number.0));
    match (config.percentage, percent) {
        (Some(_), Some(_)) => {
            errors.add(path, "must have at most one of percentage and percent");
            Percentage::NONE
        }
        (_, Some(Err(rule))) => {
            let got = config.percent.map(|number| number.0).unwrap_or_default();
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
    let mut refuse = |field: &str, rule: &str| errors.add(format_args!("{path}.{field}"), rule);
    match length {
        DelayLength::Uniform { min, max: upper } => {
            if min >= upper {
                refuse("uniformDelay", "must have min below max");
            }
            if *min > max {
                refuse("uniformDelay.min", WITHIN_MAX);
            }
        }
        DelayLength::Normal { mean, .. } => {
            if *mean > max {
                refuse("normalDelay.mean", WITHIN_MAX);
            }
        }
        DelayLength::Exponential { mean } => {
            if *mean > max {
                refuse("exponentialDelay", WITHIN_MAX);
            }
        }
        DelayLength::Pareto { scale, shape } => {
            if *scale > max {
                refuse("paretoDelay.scale", WITHIN_MAX);
            }
            if !(*shape > 0.0 && *shape <= 100.0) {
                let rule = format!("must be above 0 and at most 100, got {shape}");
                refuse("paretoDelay.shape", &rule);
            }
        }
        DelayLength::Percentiles(rows) => check_rows(rows, max, &mut refuse),
        DelayLength::Fixed(_) | DelayLength::Header => {}
    }
}

fn check_rows(rows: &[(f64, f64)], max: f64, refuse: &mut impl FnMut(&str, &str)) {
    let field = "percentileDelay";
    if !(2..=32).contains(&rows.len()) {
        refuse(field, &format!("must have 2 to 32 rows, got {}", rows.len()));
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
            refuse(&format!("{field}[{index}].delay"), WITHIN_MAX);
        }
        below = *row;
    }
}

fn compile_abort(config: &AbortConfig, path: &str, errors: &mut ConfigErrors) -> Option<Abort> {
    let path = format!("{path}.abort");
    let kinds = [
        config.http_status.and_then(to_u16).map(|status| Some(AbortKind::Http(status))),
        config.grpc_status.map(|status| Some(AbortKind::Grpc(status.0))),
        config.header_abort.map(|_| None),
        config.reset.map(|_| Some(AbortKind::Reset)),
    ];
    let fields = "httpStatus, grpcStatus, headerAbort and reset";
    let kind = exactly_one(kinds.into_iter().flatten().collect(), &path, fields, errors)?;
    let operations = &config.headers;
    if !operations.request.is_empty() || !operations.response.remove.is_empty() {
        errors.add(format_args!("{path}.headers"), "must have response.set and response.add only");
    }
    let has_reply =
        config.body.is_some() || config.grpc_message.is_some() || !operations.is_empty();
    if kind == Some(AbortKind::Reset) && has_reply {
        errors.add(&path, "must not have body, headers or grpcMessage together with reset");
    }
    Some(Abort {
        share: config.percentage.unwrap_or_default(),
        kind,
        phase: config.phase.into(),
        headers: reply_headers(&operations.response),
        body: config.body.as_ref().map_or(BODY, BodyText::as_bytes).to_vec(),
        grpc_message: config.grpc_message.as_ref().map(|text| text.as_str().as_bytes().to_vec()),
    })
}

fn to_u16<const MIN: u64, const MAX: u64>(status: IntegerWithin<MIN, MAX>) -> Option<u16> {
    u16::try_from(status.get()).ok()
}

fn reply_headers(changes: &HeaderChanges) -> Vec<(HeaderName, Vec<u8>)> {
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
        config.body.as_ref().map(|body| BodyEdit::Replace(Rc::from(body.as_bytes()))),
        config.truncate_after.map(|bytes| BodyEdit::Truncate(bytes.get())),
        config.reset_after.map(|bytes| BodyEdit::Reset(bytes.get())),
    ];
    let mut bodies = bodies.into_iter().flatten();
    let body = bodies.next();
    if bodies.next().is_some() {
        errors.add(&path, "must have at most one of body, truncateAfter and resetAfter");
    }
    if !config.headers.request.is_empty() {
        errors.add(
            format_args!("{path}.headers.request"),
            "must not be given: only the response can be changed",
        );
    }
    let edits = config.headers.response.edits();
    let status = config.http_status.and_then(to_u16);
    if status.is_none() && body.is_none() && edits.is_empty() {
        errors.add(
            &path,
            "must have at least one of httpStatus, headers, body, truncateAfter and resetAfter",
        );
    }
    Some(Change { share: config.percentage.unwrap_or_default(), status, edits, body })
}

fn compile_rate(config: &RateConfig, path: &str, errors: &mut ConfigErrors) -> Option<RateLimit> {
    let path = format!("{path}.responseRateLimit");
    let limits = [
        config.fixed_limit.map(|rate| Some(rate.limit_kbps.get())),
        config.header_limit.map(|_| None),
    ];
    let limits = limits.into_iter().flatten().collect();
    let limit = exactly_one(limits, &path, "fixedLimit and headerLimit", errors)?;
    Some(RateLimit { share: config.percentage.unwrap_or_default(), limit })
}
