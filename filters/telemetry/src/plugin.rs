//! Joins the policy to the proxy: notes what passes, and records it when the stream ends.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Root,
    calls::CallId,
    metric_buffer::{BufferedMetric, MetricBuffer},
    proxy_wasm::{self, traits::HttpContext},
    request::Reader,
    stream::ContextId,
};

use crate::{
    Config, Ended, Policy, Record, Trace,
    plugin::{
        access_log::{AccessLogs, Sink},
        attributes::{Seen, View},
        exchange::Stream,
        export::Export,
        meters::Meters,
        spans::Spans,
        values::Labels,
    },
    signals::access_log::LoggedStream,
};

mod access_log;
mod admitting;
mod attributes;
mod exchange;
mod export;
mod meters;
mod reading;
mod redaction;
mod series;
mod spans;
mod telling;
mod values;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<Telemetry>::boxed);
}}

/// How often queues are looked at, and how long a count may stay in the worker.
const TICK: Duration = Duration::from_millis(200);

/// The filter with its configuration in force.
struct Telemetry {
    policy: Policy,
    /// Reads each request, where there is something to read.
    reader: Option<Reader>,
    meters: Meters,
    access_logs: AccessLogs,
    spans: Spans,
    export: Export,
}

impl Plugin for Telemetry {
    fn configure(document: &[u8], _context: ContextId) -> Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let policy = Policy::new(&config, &|name| std::env::var(name).ok())?;
        policy.warnings().iter().for_each(|warning| log::warn!("{warning}"));
        let export = Export::open(&policy);
        let meters = Meters::define(&policy, MetricBuffer::new(TICK, !export.is_idle()));
        let access_logs = AccessLogs::define(&policy);
        let spans = Spans::new(&policy);
        let reader = (!policy.needs().is_empty()).then(|| Reader::new(policy.needs()));
        log::info!("configuration applied");
        Ok(Self { policy, reader, meters, access_logs, spans, export })
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream::new(self))
    }

    fn on_tick(&self) {
        self.meters.flush();
        self.export.wake();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.export.take_answer(call, body_size);
    }
}

impl Telemetry {
    /// Counts a stream among those that run.
    fn enter(&self, seen: &Seen) -> Option<BufferedMetric> {
        let record = Record { method: seen.method, operation: seen.operation, ..Record::default() };
        let view = View { plugin: self, seen, is_error: false, record: None };
        self.meters.enter(Labels { policy: &self.policy, record: &record, at: &view })
    }

    /// Records a stream that has ended.
    fn record(&self, record: &Record, seen: &Seen, ended: Instant) {
        let is_failed = record.is_failed();
        let unjudged = View { plugin: self, seen, is_error: is_failed, record: Some(record) };
        let failed = || self.meters.expression_failed();
        let is_error = self.policy.is_error(record, &unjudged, failed);
        let view = View { is_error, ..unjudged };
        let stream = Ended { record, at: &view, request: &seen.request };
        let findings = self.policy.find(&stream, is_error, failed);
        self.meters.record(Labels { policy: &self.policy, record, at: &view }, &findings);
        self.log_access(&LoggedStream { ended: stream, is_error }, view.trace(), ended);
        self.report(&view, record, ended);
    }

    /// Logs a stream that has ended.
    fn log_access(&self, stream: &LoggedStream<'_>, trace: Option<&Trace>, ended: Instant) {
        let sink = Sink {
            trace: trace.map(|trace| (trace.trace_id, trace.span_id)),
            is_sampled: trace.is_some_and(|trace| trace.is_sampled),
            export: &|provider, record| self.export.log(provider, record, ended),
            failed: &|| self.meters.expression_failed(),
            ended,
        };
        self.access_logs.write(&self.policy, self.meters.direction(), stream, &sink);
    }
}
