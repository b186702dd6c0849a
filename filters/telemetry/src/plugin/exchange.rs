//! One HTTP stream.

use std::rc::Rc;

use filter_host::proxy_wasm::{
    traits::{Context, HttpContext},
    types::Action,
};

use super::Telemetry;

/// A stream, from its request's headers to its end.
pub(super) struct Stream {
    plugin: Rc<Telemetry>,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<Telemetry>) -> Self {
        Self { plugin }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    fn on_log(&mut self) {
        log::debug!("ended, dry run {}", self.plugin.policy.is_dry_run());
    }
}
