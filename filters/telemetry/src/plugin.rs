//! The Proxy-Wasm plugin: connects the policy to the proxy.

use std::{rc::Rc, time::Duration};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Setup,
    calls::CallId,
    environment,
    metric_buffer::{BufferedMetric, MetricBuffer},
    redaction::SharedRedactor,
    request::RequestReader,
    shared_data,
    stream::ContextId,
};

use crate::{
    CompletedStream, Policy, Record, Trace,
    plugin::{
        access_log::{AccessLogs, LogContext},
        attributes::StreamAttributes,
        ending::StreamEnd,
        export::Export,
        label_values::LabelInputs,
        snapshot::RequestSnapshot,
        spans::Spans,
        stream::Stream,
        traffic_metrics::TrafficMetrics,
    },
    signals::access_log::LoggedStream,
};

mod access_log;
mod attributes;
mod cardinality;
mod ending;
mod export;
mod label_values;
mod record;
mod response_headers;
mod rows;
mod series;
mod snapshot;
mod spans;
mod stream;
#[cfg(test)]
mod tests;
mod traffic_metrics;

#[cfg(feature = "module")]
filter_host::entry!(Telemetry);

/// The interval at which metrics are flushed.
const TICK: Duration = Duration::from_millis(200);

/// The plugin with its active configuration.
pub struct Telemetry {
    policy: Policy,
    /// Reads request parts; `None` if the policy needs none.
    reader: Option<RequestReader>,
    metrics: TrafficMetrics,
    access_logs: AccessLogs,
    spans: Spans,
    redaction: SharedRedactor,
    export: Export,
}

impl Telemetry {
    /// Creates the plugin.
    #[must_use]
    pub fn start(policy: Policy, setup: &Setup) -> Self {
        policy.warnings().iter().for_each(|warning| setup.warn(warning));
        let key = shared_data::plugin_key("telemetry");
        let buffer = MetricBuffer::new(&setup.timers, TICK);
        let access_logs = AccessLogs::define(&policy, &buffer);
        let spans = Spans::new(&policy, &buffer);
        let metrics = TrafficMetrics::define(&policy, &key, buffer);
        let redaction = SharedRedactor::new(policy.redaction_key(), policy.hashes(), &key);
        let export = Export::open(&policy, key, &setup.timers);
        let reader = (!policy.needs().is_empty()).then(|| RequestReader::new(policy.needs()));
        log::info!("configuration applied");
        Self { policy, reader, metrics, access_logs, spans, redaction, export }
    }
}

impl Plugin for Telemetry {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> Result<Self, InvalidConfig> {
        let policy = Policy::new(&parse_config(document)?, &environment::variable)?;
        Ok(Self::start(policy, setup))
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Stream {
        Stream::new(self)
    }

    fn on_tick(&self) {
        self.metrics.flush();
        self.export.on_tick();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.export.on_call_response(call, body_size);
    }
}

impl Telemetry {
    /// Counts a stream as running, and returns the gauge to decrement at its end.
    fn enter(&self, snapshot: &RequestSnapshot) -> Option<BufferedMetric> {
        let method = snapshot.method.unwrap_or_default();
        let record = Record { method, operation: snapshot.operation, ..Record::default() };
        let attributes = &StreamAttributes::of_request(self, snapshot);
        self.metrics.enter(LabelInputs { policy: &self.policy, record: &record, attributes })
    }

    /// Records a completed stream in metrics, access logs and spans.
    fn record(&self, record: &Record, snapshot: &RequestSnapshot, end: &StreamEnd) {
        let failed = || self.metrics.expression_failed();
        let by_default = StreamAttributes {
            plugin: self,
            snapshot,
            is_error: record.is_failed(),
            record: Some(record),
        };
        let is_error = self.policy.is_error(record, &by_default, failed);
        let attributes = &StreamAttributes { is_error, ..by_default };
        let stream = CompletedStream { record, attributes, request: &snapshot.request };
        let measurements = self.policy.measure(&stream, is_error, failed);
        let inputs = LabelInputs { policy: &self.policy, record, attributes };
        self.metrics.record(inputs, &measurements);
        self.log_access(&LoggedStream { ended: stream, is_error }, attributes.trace(), end);
        self.export_span(attributes, record, end);
    }

    /// Logs a completed stream.
    fn log_access(&self, stream: &LoggedStream<'_>, trace: Option<&Trace>, end: &StreamEnd) {
        let context = LogContext {
            trace: trace.map(|trace| (trace.trace_id, trace.span_id)),
            is_sampled: trace.is_some_and(|trace| trace.is_sampled),
            export: &|provider, record| self.export.enqueue_log(provider, record, end.at),
            failed: &|| self.metrics.expression_failed(),
            redactor: &|| self.redactor(),
            buffer: self.metrics.buffer(),
            end,
        };
        self.access_logs.write(&self.policy, self.metrics.direction(), stream, &context);
    }
}
