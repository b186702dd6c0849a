//! The callbacks of one HTTP stream.

use std::rc::Rc;

use filter_host::{Action, body, clock, metric_buffer::BufferedMetric};

use super::{
    Telemetry,
    attributes::RequestSnapshot,
    record::{self, StreamCounters},
    spans::TraceStage,
};

/// A stream, from its request headers to its end.
pub struct Stream {
    plugin: Rc<Telemetry>,
    counters: StreamCounters,
    snapshot: Option<RequestSnapshot>,
    /// The gauge of running streams to decrement at the end.
    in_flight: Option<BufferedMetric>,
}

impl Stream {
    pub(super) fn new(plugin: Rc<Telemetry>) -> Self {
        Self { plugin, counters: StreamCounters::default(), snapshot: None, in_flight: None }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, end_of_stream: bool) -> Action {
        let now = clock::monotonic();
        self.counters.started_at = Some(now);
        self.counters.has_request_body = !end_of_stream;
        let mut snapshot = self.plugin.snapshot();
        self.plugin.start_trace(&mut snapshot, TraceStage::Request, now);
        self.plugin.prepare_response(&mut snapshot);
        self.in_flight = self.plugin.enter(&snapshot);
        self.snapshot = Some(snapshot);
        Action::Continue
    }

    fn on_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        add(&mut self.counters.request_bytes, size);
        if let Some(messages) =
            self.snapshot.as_mut().and_then(|snapshot| snapshot.messages.as_mut())
        {
            messages
                .request
                .read(size, |start, max| body::request_bytes(start, max).unwrap_or_default());
        }
        Action::Continue
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.counters.is_response_complete |= end_of_stream;
        if let (Some(snapshot), Some(started_at)) = (&self.snapshot, self.counters.started_at) {
            self.plugin.add_response_headers(snapshot, started_at);
        }
        Action::Continue
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        add(&mut self.counters.response_bytes, size);
        if let Some(messages) =
            self.snapshot.as_mut().and_then(|snapshot| snapshot.messages.as_mut())
        {
            messages
                .response
                .read(size, |start, max| body::response_bytes(start, max).unwrap_or_default());
        }
        self.counters.is_response_complete |= end_of_stream;
        Action::Continue
    }

    fn on_response_trailers(&mut self) -> Action {
        self.counters.is_response_complete = true;
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(gauge) = self.in_flight.take() {
            self.plugin.metrics.leave(gauge);
        }
        let ended = clock::monotonic();
        // If an earlier filter responded, the request headers were never seen here.
        let snapshot = self.snapshot.take().unwrap_or_else(|| {
            record::read_sizes(&mut self.counters);
            let mut snapshot = self.plugin.snapshot();
            self.plugin.start_trace(&mut snapshot, TraceStage::End, ended);
            snapshot
        });
        let record = record::read(&self.counters, &snapshot, ended);
        self.plugin.record(&record, &snapshot, ended);
    }
}

fn add(sum: &mut u64, size: usize) {
    *sum = sum.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
}
