//! The interface between a filter and its host.

use std::rc::Rc;

use filter_core::{InvalidConfig, Warning};

use crate::{calls::CallId, stream::ContextId, timers::Timers};

/// A filter with its active configuration.
pub trait Plugin: Sized + 'static {
    /// The state of an HTTP stream; dropped when the stream ends.
    type Stream: Stream + 'static;

    /// Creates the plugin from its configuration document, which is empty if it is absent.
    ///
    /// Also called in virtual machines that never receive a request, so it must not count or send
    /// anything.
    ///
    /// # Errors
    ///
    /// Returns all errors in the document; the proxy then keeps the previous configuration.
    fn configure(document: &[u8], setup: &Setup) -> Result<Self, InvalidConfig>;

    /// Creates the state of an HTTP stream.
    fn open(self: Rc<Self>, context: ContextId) -> Self::Stream;

    /// Called when a [`Timer`](crate::timers::Timer) is due.
    fn on_tick(&self) {}

    /// Called for the response to an HTTP call of this virtual machine.
    fn on_http_call_response(&self, _call: CallId, _body_size: usize) {}
}

/// Host resources of a plugin.
#[derive(Clone)]
pub struct Setup {
    /// The context of the plugin, which sends its calls.
    pub context: ContextId,
    /// The timers of the plugin.
    pub timers: Rc<Timers>,
    /// The key of the plugin's section in the document of a suite; empty outside a suite.
    pub section: &'static str,
}

impl Setup {
    /// Logs a warning about the document.
    pub fn warn(&self, warning: &Warning) {
        match self.section {
            "" => log::warn!("{warning}"),
            section => log::warn!("{section}.{warning}"),
        }
    }
}

/// An HTTP stream. The callbacks are in the order of a stream.
pub trait Stream {
    /// Called when the request headers are available.
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// Called for each chunk of the request body; `size` is its length in bytes.
    fn on_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// Called when the request trailers are available.
    fn on_request_trailers(&mut self) -> Action {
        Action::Continue
    }

    /// Called when the response headers are available, also those of a local reply.
    fn on_response_headers(&mut self, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// Called for each chunk of the response body; `size` is its length in bytes.
    fn on_response_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// Called when the response trailers are available.
    fn on_response_trailers(&mut self) -> Action {
        Action::Continue
    }

    /// Called when the stream has ended, before it is dropped.
    ///
    /// The only callback for a stream that an earlier filter of the proxy answered.
    fn on_log(&mut self) {}
}

/// The result of a callback.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Passes the message on.
    Continue,
    /// Holds the message until the stream is resumed, answered or reset.
    Pause,
}

/// Exports the entry point of a module with one plugin, if the target is Wasm.
///
/// A module has one entry point, so a filter compiles it only with its feature `module`, which is
/// off in the suite.
#[macro_export]
macro_rules! entry {
    ($plugin:ty) => {
        #[cfg(target_os = "wasi")]
        $crate::proxy_wasm::main! {{ $crate::start::<$plugin>() }}
    };
}
