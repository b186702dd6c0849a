//! One HTTP stream.

use std::{rc::Rc, time::Instant};

use filter_host::{
    body,
    metric_buffer::BufferedMetric,
    proxy_wasm::{
        traits::{Context, HttpContext},
        types::Action,
    },
};

use super::{
    Telemetry,
    attributes::Seen,
    reading::{self, Passed},
    spans::Moment,
};

/// A stream, from its request's headers to its end.
pub(super) struct Stream {
    plugin: Rc<Telemetry>,
    passed: Passed,
    seen: Option<Seen>,
    /// The gauge that counts it while it runs.
    in_flight: Option<BufferedMetric>,
}

impl Stream {
    pub(super) fn new(plugin: Rc<Telemetry>) -> Self {
        Self { plugin, passed: Passed::default(), seen: None, in_flight: None }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        let now = Instant::now();
        self.passed.began = Some(now);
        self.passed.has_body = !end_of_stream;
        let mut seen = self.plugin.look();
        self.plugin.trace(&mut seen, Moment::Request, now);
        self.plugin.prepare(&mut seen);
        self.in_flight = self.plugin.enter(&seen);
        self.seen = Some(seen);
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        add(&mut self.passed.request_bytes, size);
        if let Some(messages) = self.seen.as_mut().and_then(|seen| seen.messages.as_mut()) {
            messages
                .request
                .take(size, |from, max| body::request_bytes(from, max).unwrap_or_default());
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        self.passed.has_ended |= end_of_stream;
        if let (Some(seen), Some(began)) = (&self.seen, self.passed.began) {
            self.plugin.tell(seen, began);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        add(&mut self.passed.response_bytes, size);
        if let Some(messages) = self.seen.as_mut().and_then(|seen| seen.messages.as_mut()) {
            messages
                .response
                .take(size, |from, max| body::response_bytes(from, max).unwrap_or_default());
        }
        self.passed.has_ended |= end_of_stream;
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> Action {
        self.passed.has_ended = true;
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(gauge) = self.in_flight.take() {
            self.plugin.meters.leave(gauge);
        }
        let ended = Instant::now();
        // One that an earlier filter answered was not seen before.
        let seen = self.seen.take().unwrap_or_else(|| {
            reading::sizes(&mut self.passed);
            let mut seen = self.plugin.look();
            self.plugin.trace(&mut seen, Moment::End, ended);
            seen
        });
        let record = reading::record(&self.passed, &seen, ended);
        self.plugin.record(&record, &seen, ended);
    }
}

fn add(sum: &mut u64, size: usize) {
    *sum = sum.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
}
