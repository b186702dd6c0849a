//! The root context of a plugin.

use std::rc::Rc;

use filter_core::InvalidConfig;
use proxy_wasm::{
    traits::{Context, HttpContext, RootContext},
    types::{Action, ContextType},
};

use crate::{
    hostcalls::{self, Buffer, HostError},
    logger,
    stream::ContextId,
};

/// A filter with its active configuration.
pub trait Plugin: Sized + 'static {
    /// Creates the plugin from its configuration document, which is empty if it is absent.
    ///
    /// Also called in virtual machines that never receive a request, so it must not count or send
    /// anything.
    ///
    /// # Errors
    ///
    /// Returns all errors in the document; the proxy then keeps the previous configuration.
    fn configure(document: &[u8], context: ContextId) -> Result<Self, InvalidConfig>;

    /// Creates the context of an HTTP stream.
    fn open(self: Rc<Self>, context: ContextId) -> Box<dyn HttpContext>;

    /// Called for each tick of the timer.
    fn on_tick(&self) {}

    /// Called for the response to an HTTP call that was sent from [`Plugin::on_tick`].
    fn on_http_call_response(&self, _call: u32, _body_size: usize) {}
}

/// The root context of every filter.
pub struct Root<P> {
    context: ContextId,
    plugin: Option<Rc<P>>,
}

impl<P: Plugin> Root<P> {
    /// Creates the root context for `proxy_wasm::set_root_context`.
    #[must_use]
    pub fn boxed(context: ContextId) -> Box<dyn RootContext> {
        logger::install();
        Box::new(Self { context, plugin: None })
    }
}

impl<P: Plugin> Context for Root<P> {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, body_size: usize, _: usize) {
        if let Some(plugin) = &self.plugin {
            plugin.on_http_call_response(call, body_size);
        }
    }
}

impl<P: Plugin> RootContext for Root<P> {
    fn on_configure(&mut self, size: usize) -> bool {
        let document = match hostcalls::buffer(Buffer::PluginConfiguration, size) {
            Ok(document) => document,
            Err(HostError::NotFound | HostError::Empty) => Vec::new(),
            Err(error) => {
                log::error!("configuration refused: not readable: {error:?}");
                return false;
            }
        };
        match P::configure(&document, self.context) {
            Ok(plugin) => {
                self.plugin = Some(Rc::new(plugin));
                true
            }
            Err(error) => {
                log::error!("configuration refused: {error}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(plugin) = &self.plugin {
            plugin.on_tick();
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        // The SDK panics on `None`. Envoy creates no streams for a plugin that refused its
        // configuration; in another host, such streams get status 500.
        let plugin = self.plugin.clone();
        Some(plugin.map_or_else(|| Box::new(Unconfigured) as _, |plugin| plugin.open(context)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// The context of a stream without a configuration.
struct Unconfigured;

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let _ = hostcalls::send_local_response(500, b"weir_not_configured", &[], &[], -1);
        Action::Pause
    }
}
