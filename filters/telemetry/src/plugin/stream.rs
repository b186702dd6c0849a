//! The callbacks of one HTTP stream.

use std::rc::Rc;

use filter_host::{Action, body, clock, metric_buffer::BufferedMetric};

use super::{
    Telemetry,
    ending::StreamEnd,
    record,
    snapshot::{MessageCounts, RequestSnapshot},
    spans::TraceStage,
};
use crate::stream::progress::Progress;

/// A stream, from its request headers to its end.
pub struct Stream {
    plugin: Rc<Telemetry>,
    progress: Progress,
    snapshot: Option<RequestSnapshot>,
    /// The gauge of running streams to decrement at the end.
    in_flight: Option<BufferedMetric>,
}

impl Stream {
    pub(super) fn new(plugin: Rc<Telemetry>) -> Self {
        Self { plugin, progress: Progress::default(), snapshot: None, in_flight: None }
    }

    fn messages(&mut self) -> Option<&mut MessageCounts> {
        self.snapshot.as_mut()?.messages.as_mut()
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, end_of_stream: bool) -> Action {
        let now = clock::monotonic();
        self.progress.on_request_headers(now, end_of_stream);
        let mut snapshot = self.plugin.snapshot();
        self.plugin.start_trace(&mut snapshot, TraceStage::Request, now);
        self.plugin.prepare_response(&mut snapshot);
        self.in_flight = self.plugin.enter(&snapshot);
        self.snapshot = Some(snapshot);
        Action::Continue
    }

    fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.progress.on_request_body(size, end_of_stream);
        if let Some(messages) = self.messages() {
            messages
                .request
                .read(size, |start, max| body::request_bytes(start, max).unwrap_or_default());
        }
        Action::Continue
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.progress.on_response_headers(end_of_stream);
        if let (Some(snapshot), Some(started_at)) = (&self.snapshot, self.progress.started_at) {
            self.plugin.add_response_headers(snapshot, started_at);
        }
        Action::Continue
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.progress.on_response_body(size, end_of_stream);
        if let Some(messages) = self.messages() {
            messages
                .response
                .read(size, |start, max| body::response_bytes(start, max).unwrap_or_default());
        }
        Action::Continue
    }

    fn on_response_trailers(&mut self) -> Action {
        self.progress.on_response_trailers();
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(gauge) = self.in_flight.take() {
            self.plugin.metrics.leave(gauge);
        }
        let end = StreamEnd::now();
        // If an earlier filter responded, the request headers were never seen here.
        let snapshot = self.snapshot.take().unwrap_or_else(|| {
            record::read_sizes(&mut self.progress);
            let mut snapshot = self.plugin.snapshot();
            self.plugin.start_trace(&mut snapshot, TraceStage::End, end.at);
            snapshot
        });
        let record = record::read(&self.progress, &snapshot, end.at);
        self.plugin.record(&record, &snapshot, &end);
    }
}
