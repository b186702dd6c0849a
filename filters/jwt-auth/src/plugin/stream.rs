//! The streams.

use std::rc::Rc;

use filter_host::{Action, stream::ContextId};

use super::JwtAuth;

/// A stream, which may wait.
pub struct Stream {
    plugin: Rc<JwtAuth>,
    context: ContextId,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<JwtAuth>, context: ContextId) -> Self {
        Self { plugin, context }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.plugin.forget(self.context);
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let plugin = &self.plugin;
        plugin.ensure_ticking();
        plugin.deny_on_error(plugin.handle_request(self.context))
    }

    fn on_request_trailers(&mut self) -> Action {
        self.plugin.deny_on_error(self.plugin.strip_trailers())
    }
}
