//! The part of a stream that belongs to one filter.

use std::rc::Rc;

use filter_host::{Action, Plugin, Stream, stream::ContextId};

use crate::event::Event;

/// A filter's part of a stream; `None` until its request headers arrive.
pub(crate) struct FilterStream<P: Plugin>(Option<P::Stream>);

impl<P: Plugin> Default for FilterStream<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P: Plugin> FilterStream<P> {
    /// Calls a callback of the filter; one that is not configured continues.
    ///
    /// As in a proxy, a filter whose request headers never arrived sees no response.
    pub(crate) fn deliver(
        &mut self,
        plugin: Option<&Rc<P>>,
        context: ContextId,
        event: Event,
    ) -> Action {
        let Some(plugin) = plugin else { return Action::Continue };
        if let Event::RequestHeaders { end_of_stream } = event {
            let stream = self.0.insert(Rc::clone(plugin).open(context));
            return stream.on_request_headers(end_of_stream);
        }
        let Some(stream) = &mut self.0 else { return Action::Continue };
        match event {
            Event::RequestHeaders { end_of_stream } => stream.on_request_headers(end_of_stream),
            Event::RequestBody { size, end_of_stream } => {
                stream.on_request_body(size, end_of_stream)
            }
            Event::RequestTrailers => stream.on_request_trailers(),
            Event::ResponseHeaders { end_of_stream } => stream.on_response_headers(end_of_stream),
            Event::ResponseBody { size, end_of_stream } => {
                stream.on_response_body(size, end_of_stream)
            }
            Event::ResponseTrailers => stream.on_response_trailers(),
        }
    }

    /// Calls the filter's callback for the end of the stream, which runs for every filter.
    pub(crate) fn log(&mut self, plugin: Option<&Rc<P>>, context: ContextId) {
        if let Some(plugin) = plugin {
            self.0.get_or_insert_with(|| Rc::clone(plugin).open(context)).on_log();
        }
    }
}
