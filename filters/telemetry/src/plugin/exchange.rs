//! One HTTP stream.

use std::{rc::Rc, time::Instant};

use filter_host::{
    metrics::Gauge,
    proxy_wasm::{
        traits::{Context, HttpContext},
        types::Action,
    },
};

use super::{
    Telemetry,
    reading::{self, Passed},
};

/// A stream, from its request's headers to its end.
pub(super) struct Stream {
    plugin: Rc<Telemetry>,
    passed: Passed,
    /// The gauge that counts it while it runs.
    in_flight: Option<Gauge>,
}

impl Stream {
    pub(super) fn new(plugin: Rc<Telemetry>) -> Self {
        Self { plugin, passed: Passed::default(), in_flight: None }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        self.passed.began = Some(Instant::now());
        self.passed.has_body = !end_of_stream;
        self.in_flight = self.plugin.meters.in_flight();
        if let Some(gauge) = self.in_flight {
            gauge.add(1);
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        add(&mut self.passed.request_bytes, size);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        add(&mut self.passed.response_bytes, size);
        self.passed.has_ended |= end_of_stream;
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(gauge) = self.in_flight.take() {
            gauge.add(-1);
        }
        self.plugin.record(&reading::record(&self.passed));
    }
}

fn add(sum: &mut u64, size: usize) {
    *sum = sum.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
}
