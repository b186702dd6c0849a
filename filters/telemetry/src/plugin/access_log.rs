//! Writes access logs.

use std::{cell::RefCell, time::Duration};

use filter_core::Redactor;
use filter_host::{
    clock,
    metric_buffer::{BufferedMetric, MetricBuffer},
    random,
};

use super::ending::StreamEnd;
use crate::{
    Direction, Generator, Policy, SpanId, TraceId,
    config::Level,
    export::otlp::{Attribute, LogRecord, Value},
    signals::access_log::{
        AccessLog, FieldValue, LogReason, LogTarget, LoggedStream, RateLimits, line, severity,
    },
};

/// The access logs of a worker.
pub(super) struct AccessLogs {
    limits: RefCell<Vec<RateLimits>>,
    generator: RefCell<Generator>,
    counters: Option<Counters>,
    /// The time origin of the rate limits.
    started: Duration,
}

#[derive(Clone, Copy)]
struct Counters {
    built: BufferedMetric,
    limited: BufferedMetric,
}

/// The parts of the plugin that a logged stream needs, and its trace.
#[derive(Clone, Copy)]
pub(super) struct LogContext<'a> {
    pub(super) trace: Option<(TraceId, SpanId)>,
    pub(super) is_sampled: bool,
    /// Exports a record to the provider at this index.
    pub(super) export: &'a dyn Fn(usize, &LogRecord<'_>),
    /// Counts a failed filter expression.
    pub(super) failed: &'a dyn Fn(),
    /// Returns the redactor.
    pub(super) redactor: &'a dyn Fn() -> &'a Redactor,
    pub(super) buffer: &'a MetricBuffer,
    pub(super) end: &'a StreamEnd,
}

impl AccessLogs {
    /// Defines the counters, if there are access logs.
    pub(super) fn define(policy: &Policy, buffer: &MetricBuffer) -> Self {
        let logs = policy.access_logs();
        let counters = (!logs.is_empty()).then(|| Counters {
            built: buffer.counter("weir_telemetry_logs_built_total"),
            limited: buffer.counter("weir_telemetry_logs_limited_total"),
        });
        Self {
            limits: RefCell::new(logs.iter().map(AccessLog::limits).collect()),
            generator: RefCell::new(Generator::new(random::bits())),
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
            match log.selects(stream, draw) {
                Ok(Some(reason)) if self.allows(index, reason, context) => {
                    write(log, stream, context);
                }
                Ok(_) => {}
                Err(_) => (context.failed)(),
            }
        }
    }

    /// Returns `true` if the rate limit of an entry allows a line, and counts it.
    fn allows(&self, index: usize, reason: LogReason, context: &LogContext<'_>) -> bool {
        let now = context.end.at.saturating_sub(self.started);
        let mut limits = self.limits.borrow_mut();
        let is_allowed = limits.get_mut(index).is_some_and(|limit| limit.allow(reason, now));
        if let Some(Counters { built, limited }) = self.counters {
            context.buffer.add(if is_allowed { built } else { limited }, 1);
        }
        is_allowed
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

fn write(log: &AccessLog, stream: &LoggedStream<'_>, context: &LogContext<'_>) {
    let fields = log.fields(stream, (context.redactor)());
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
    let observed = context.end.wall();
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
