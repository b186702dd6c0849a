//! Writes access logs.

use std::{
    cell::{OnceCell, RefCell},
    time::{Duration, SystemTime},
};

use filter_host::{clock, metrics::Counter, random};

use super::redaction;
use crate::{
    Direction, Generator, Policy, SpanId, TraceId,
    config::Level,
    export::otlp::{Attribute, LogRecord, Value},
    signals::access_log::{
        AccessLog, FieldValue, LogTarget, LoggedStream, RateLimits, line, severity,
    },
    signals::redactor::Redactor,
};

/// The access logs of a worker.
pub(super) struct AccessLogs {
    limits: RefCell<Vec<RateLimits>>,
    generator: RefCell<Generator>,
    redactor: OnceCell<Option<Redactor>>,
    counters: Option<Counters>,
    /// The time origin of the rate limits.
    started: Duration,
}

#[derive(Clone, Copy)]
struct Counters {
    built: Counter,
    limited: Counter,
}

/// The trace of a logged stream, and where its records go.
#[derive(Clone, Copy)]
pub(super) struct LogContext<'a> {
    pub(super) trace: Option<(TraceId, SpanId)>,
    pub(super) is_sampled: bool,
    /// Exports a record to the provider at this index.
    pub(super) export: &'a dyn Fn(usize, &LogRecord<'_>),
    /// Counts a failed filter expression.
    pub(super) failed: &'a dyn Fn(),
    pub(super) ended: Duration,
}

impl AccessLogs {
    /// Defines the counters, if there are access logs.
    pub(super) fn define(policy: &Policy) -> Self {
        let logs = policy.access_logs();
        if logs.iter().any(AccessLog::hashes) && policy.redaction_key().is_none() {
            redaction::seed();
        }
        let counters = (!logs.is_empty()).then(|| Counters {
            built: Counter::define("weir_telemetry_logs_built_total"),
            limited: Counter::define("weir_telemetry_logs_limited_total"),
        });
        Self {
            limits: RefCell::new(logs.iter().map(AccessLog::limits).collect()),
            generator: RefCell::new(Generator::new(random::bits())),
            redactor: OnceCell::new(),
            counters,
            started: clock::monotonic(),
        }
    }

    /// Logs a stream to each entry that selects it.
    pub(super) fn write(
        &self,
        policy: &Policy,
        direction: Direction,
        stream: &LoggedStream<'_>,
        context: &LogContext<'_>,
    ) {
        for (index, log) in policy.access_logs().iter().enumerate() {
            if !log.fits(direction) || is_hidden(log.target) {
                continue;
            }
            let draw = self.generator.borrow_mut().millionths();
            let reason = match log.selects(stream, draw) {
                Ok(Some(reason)) => reason,
                Ok(None) => continue,
                Err(_) => {
                    (context.failed)();
                    continue;
                }
            };
            let mut limits = self.limits.borrow_mut();
            let limit = limits.get_mut(index);
            let now = context.ended.saturating_sub(self.started);
            let is_allowed = limit.is_some_and(|limit| limit.allow(reason, now));
            self.count(is_allowed);
            if is_allowed && let Some(redactor) = self.redactor(policy) {
                write(log, stream, context, redactor);
            }
        }
    }

    fn count(&self, is_allowed: bool) {
        if let Some(counters) = self.counters {
            if is_allowed { counters.built.increment() } else { counters.limited.increment() }
        }
    }

    fn redactor(&self, policy: &Policy) -> Option<&Redactor> {
        self.redactor.get_or_init(|| redaction::redactor(policy.redaction_key())).as_ref()
    }
}

/// Returns `true` if the proxy's log level hides the lines of a target.
fn is_hidden(target: LogTarget) -> bool {
    match target {
        LogTarget::Proxy(Level::Info) => !log::log_enabled!(log::Level::Info),
        LogTarget::Proxy(Level::Warn) => !log::log_enabled!(log::Level::Warn),
        LogTarget::Provider(_) => false,
    }
}

fn write(
    log: &AccessLog,
    stream: &LoggedStream<'_>,
    context: &LogContext<'_>,
    redactor: &Redactor,
) {
    let fields = log.fields(stream, redactor);
    match log.target {
        LogTarget::Proxy(Level::Info) => log::info!("{}", line(&fields)),
        LogTarget::Proxy(Level::Warn) => log::warn!("{}", line(&fields)),
        LogTarget::Provider(provider) => {
            (context.export)(provider, &record(fields, stream, context));
        }
    }
}

fn record<'a>(
    fields: Vec<(&'a str, FieldValue)>,
    stream: &LoggedStream<'_>,
    context: &LogContext<'_>,
) -> LogRecord<'a> {
    let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
    let observed = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let fields = fields.into_iter().map(|(name, value)| {
        let value = match value {
            FieldValue::Text(text) => Value::Text(text.into()),
            FieldValue::Int(number) => Value::Int(number),
            FieldValue::Double(number) => Value::Double(number),
            FieldValue::Bool(value) => Value::Bool(value),
        };
        Attribute::new(name, value)
    });
    LogRecord {
        time: observed.saturating_sub(stream.ended.record.duration),
        observed,
        severity: severity(stream),
        fields: fields.collect(),
        trace: context.trace,
        is_sampled: context.is_sampled,
    }
}
