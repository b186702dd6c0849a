//! The contexts that the SDK calls, and the entry point of a module.

use std::rc::Rc;

use proxy_wasm::{
    traits::{Context, HttpContext, RootContext},
    types::{Action as SdkAction, ContextType},
};

use crate::{
    host_error::HostError,
    logger,
    plugin::{Action, Plugin, Setup, Stream},
    sys::{self, wasm::responses},
    timers::Timers,
};

/// Registers the root context of a plugin, which is the start of a module.
pub fn start<P: Plugin>() {
    proxy_wasm::set_root_context(|context| {
        logger::install();
        let setup = Setup { context, timers: Rc::new(Timers::default()), section: "" };
        Box::new(Root::<P> { setup, plugin: None })
    });
}

/// The root context of every filter.
struct Root<P> {
    setup: Setup,
    plugin: Option<Rc<P>>,
}

impl<P: Plugin> Context for Root<P> {}

impl<P> Drop for Root<P> {
    fn drop(&mut self) {
        responses::unregister(self.setup.context);
    }
}

impl<P: Plugin> RootContext for Root<P> {
    fn on_configure(&mut self, size: usize) -> bool {
        let document = match sys::configuration(size) {
            Ok(document) => document,
            Err(HostError::NotFound | HostError::Empty) => Vec::new(),
            Err(error) => {
                log::error!("configuration refused: not readable: {error:?}");
                return false;
            }
        };
        match P::configure(&document, &self.setup) {
            Ok(plugin) => {
                let plugin = Rc::new(plugin);
                responses::register(self.setup.context, &plugin);
                self.plugin = Some(plugin);
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
            self.setup.timers.tick(|| plugin.on_tick());
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        // The SDK panics on `None`. Envoy creates no streams for a plugin that refused its
        // configuration; in another host, such streams get status 500.
        Some(match self.plugin.clone() {
            Some(plugin) => Box::new(Http(plugin.open(context))),
            None => Box::new(Unconfigured),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// The context of a stream.
struct Http<S>(S);

impl<S: Stream> Context for Http<S> {}

impl<S: Stream> HttpContext for Http<S> {
    fn on_http_request_headers(&mut self, _headers: usize, end_of_stream: bool) -> SdkAction {
        sdk(self.0.on_request_headers(end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> SdkAction {
        sdk(self.0.on_request_body(size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> SdkAction {
        sdk(self.0.on_request_trailers())
    }

    fn on_http_response_headers(&mut self, _headers: usize, end_of_stream: bool) -> SdkAction {
        sdk(self.0.on_response_headers(end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> SdkAction {
        sdk(self.0.on_response_body(size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> SdkAction {
        sdk(self.0.on_response_trailers())
    }

    fn on_log(&mut self) {
        self.0.on_log();
    }
}

const fn sdk(action: Action) -> SdkAction {
    match action {
        Action::Continue => SdkAction::Continue,
        Action::Pause => SdkAction::Pause,
    }
}

/// The context of a stream without a configuration.
struct Unconfigured;

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> SdkAction {
        let _ = sys::send_local_response(500, b"weir_not_configured", &[], &[], -1);
        SdkAction::Pause
    }
}
