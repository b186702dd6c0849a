//! A virtual machine with a plugin.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use filter_core::Headers;

use super::{
    state::{Answer, Current, Machine, PLUGIN, with},
    stream::StreamState,
};
use crate::{
    headers,
    plugin::{Action, Plugin, Setup, Stream},
    published,
    stream::{self, ContextId, Direction},
    sys::Map,
    timers::Timers,
};

/// A virtual machine with a plugin and its streams.
pub struct Worker<P: Plugin> {
    index: usize,
    setup: Setup,
    /// Dropped before the plugin.
    streams: BTreeMap<ContextId, P::Stream>,
    /// `None` only while it is dropped.
    plugin: Option<Rc<P>>,
}

impl<P: Plugin> Worker<P> {
    pub(super) fn start(document: &str) -> Result<Self, String> {
        let index = with(|state| {
            state.machines.push(Machine::default());
            state.machines.len() - 1
        });
        let setup = Setup { context: PLUGIN, timers: Rc::new(Timers::default()), section: "" };
        let configured =
            run(index, PLUGIN, "configure", || P::configure(document.as_bytes(), &setup));
        let plugin = configured.map_err(|error| error.to_string())?;
        Ok(Self { index, setup, streams: BTreeMap::new(), plugin: Some(Rc::new(plugin)) })
    }

    /// Returns the plugin.
    #[must_use]
    pub fn plugin(&self) -> Rc<P> {
        self.plugin.clone().expect("the worker is dropped")
    }

    /// Starts a stream whose request has no body. Returns its context.
    pub fn request(&mut self, headers: &[(&str, &str)]) -> ContextId {
        self.open(headers.iter().copied().collect(), true)
    }

    /// Starts a stream with these request headers. Returns its context.
    pub fn open(&mut self, headers: Headers, end_of_stream: bool) -> ContextId {
        let context = self.create(headers);
        self.call(context, "request_headers", Direction::Request, |stream| {
            stream.on_request_headers(end_of_stream)
        });
        context
    }

    /// Starts a stream that an earlier filter answered, so that no callback sees its messages.
    ///
    /// Only [`Worker::end`] can follow. Returns its context.
    pub fn answered_earlier(&mut self, request: Headers, response: Headers) -> ContextId {
        let context = self.create(request);
        self.set_map(context, Map::ResponseHeaders, response);
        context
    }

    /// Passes a chunk of the request body. Returns the action of the plugin.
    pub fn request_body(&mut self, context: ContextId, body: &[u8], end_of_stream: bool) -> Action {
        let before = with(|state| std::mem::replace(&mut state.body, body.to_vec()));
        let action = self.call(context, "request_body", Direction::Request, |stream| {
            stream.on_request_body(body.len(), end_of_stream)
        });
        with(|state| state.body = before);
        action
    }

    /// Passes the request trailers.
    pub fn request_trailers(&mut self, context: ContextId, trailers: &[(&str, &str)]) {
        self.set_map(context, Map::RequestTrailers, trailers.iter().copied().collect());
        self.call(context, "request_trailers", Direction::Request, Stream::on_request_trailers);
    }

    /// Passes a response without a body.
    pub fn respond(&mut self, context: ContextId, status: u16) {
        self.response_headers(context, &[(":status", &status.to_string())], true);
    }

    /// Passes the response headers.
    pub fn response_headers(
        &mut self,
        context: ContextId,
        headers: &[(&str, &str)],
        end_of_stream: bool,
    ) {
        self.set_map(context, Map::ResponseHeaders, headers.iter().copied().collect());
        self.call(context, "response_headers", Direction::Response, |stream| {
            stream.on_response_headers(end_of_stream)
        });
    }

    /// Passes a chunk of the response body. Returns the action of the plugin.
    pub fn response_body(
        &mut self,
        context: ContextId,
        body: &[u8],
        end_of_stream: bool,
    ) -> Action {
        let before = with(|state| std::mem::replace(&mut state.body, body.to_vec()));
        let action = self.call(context, "response_body", Direction::Response, |stream| {
            stream.on_response_body(body.len(), end_of_stream)
        });
        with(|state| {
            let body = std::mem::replace(&mut state.body, before);
            if let Some(stream) = state.machines[self.index].streams.get_mut(&context) {
                stream.response_body.extend_from_slice(&body);
            }
        });
        action
    }

    /// Passes the response trailers.
    pub fn response_trailers(&mut self, context: ContextId, trailers: &[(&str, &str)]) {
        self.set_map(context, Map::ResponseTrailers, trailers.iter().copied().collect());
        self.call(context, "response_trailers", Direction::Response, Stream::on_response_trailers);
    }

    /// Ends a stream. Returns its last state.
    pub fn end(&mut self, context: ContextId) -> StreamState {
        let mut stream = self.streams.remove(&context).expect("no such stream");
        run(self.index, context, "log", || stream.on_log());
        run(self.index, context, "delete", || drop(stream));
        with(|state| state.machines[self.index].streams.remove(&context)).expect("no such stream")
    }

    /// Ends a stream whose client left. Returns its last state.
    pub fn leave(&mut self, context: ContextId) -> StreamState {
        const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;
        let flags = DOWNSTREAM_CONNECTION_TERMINATION.to_le_bytes();
        self.set_property(context, "response.flags", &flags);
        self.end(context)
    }

    /// Returns the state of a stream.
    #[must_use]
    pub fn stream(&self, context: ContextId) -> StreamState {
        with(|state| state.machines[self.index].streams.get(&context).cloned())
            .expect("no such stream")
    }

    /// Sets a property of a stream, by its path with dots.
    pub fn set_property(&mut self, context: ContextId, path: &str, value: &[u8]) {
        with(|state| {
            let stream = state.machines[self.index].streams.get_mut(&context);
            let stream = stream.expect("no such stream");
            stream.properties.insert(path.to_owned(), value.to_vec());
        });
    }

    /// Returns the period of the timer; `None` if it is stopped.
    #[must_use]
    pub fn tick_period(&self) -> Option<Duration> {
        let period = with(|state| state.machines[self.index].period);
        (!period.is_zero()).then_some(period)
    }

    /// Lets time pass, with the ticks that become due.
    pub fn advance(&mut self, time: Duration) {
        let end = with(|state| state.monotonic.saturating_add(time));
        loop {
            let (now, due) = with(|state| (state.monotonic, state.machines[self.index].due));
            let due = due.max(now);
            if self.tick_period().is_none() || due > end {
                pass(end.saturating_sub(now));
                return;
            }
            pass(due.saturating_sub(now));
            self.tick();
        }
    }

    /// Runs host calls in the context of the plugin.
    pub fn run<T>(&mut self, calls: impl FnOnce() -> T) -> T {
        run(self.index, PLUGIN, "test", calls)
    }

    /// Delivers a tick now.
    pub fn tick(&mut self) {
        with(|state| {
            let now = state.monotonic;
            let machine = &mut state.machines[self.index];
            machine.due = now.saturating_add(machine.period);
        });
        let plugin = self.plugin();
        run(self.index, PLUGIN, "tick", || self.setup.timers.tick(|| plugin.on_tick()));
        self.deliver_replies();
    }

    /// Delivers the response to an HTTP call of this worker.
    pub fn answer(&mut self, call: u32, headers: &[(&str, &str)], body: &[u8]) {
        let sent = with(|state| state.calls.remove(&call)).expect("no such call");
        // As in Envoy, the response to a call of a stream does not reach the plugin.
        if sent.context != PLUGIN {
            return;
        }
        let before = with(|state| {
            let (headers, trailers) = (headers.iter().copied().collect(), Headers::default());
            let answer = Answer { headers, trailers, body: body.to_vec() };
            std::mem::replace(&mut state.answer, answer)
        });
        let plugin = self.plugin();
        run(self.index, PLUGIN, "http_call_response", || {
            plugin.on_http_call_response(call, body.len());
        });
        with(|state| state.answer = before);
        self.deliver_replies();
    }

    /// Returns the calls of this worker that wait for a response.
    #[must_use]
    pub fn calls(&self) -> Vec<u32> {
        let own = |worker: usize| worker == self.index;
        with(|state| {
            let calls = state.calls.iter().filter(|(_, call)| own(call.worker));
            calls.map(|(id, _)| *id).collect()
        })
    }

    /// Creates the context of a stream with these request headers.
    fn create(&mut self, headers: Headers) -> ContextId {
        let context = with(|state| {
            let context = state.next_context;
            state.next_context += 1;
            let stream = StreamState {
                maps: BTreeMap::from([(Map::RequestHeaders, headers)]),
                ..StreamState::default()
            };
            state.machines[self.index].streams.insert(context, stream);
            context
        });
        let stream = run(self.index, context, "open", || self.plugin().open(context));
        self.streams.insert(context, stream);
        context
    }

    fn set_map(&mut self, context: ContextId, map: Map, headers: Headers) {
        with(|state| {
            let stream = state.machines[self.index].streams.get_mut(&context);
            stream.expect("no such stream").maps.insert(map, headers);
        });
    }

    /// Runs a callback of a stream, and the response callbacks of a local reply that it sent.
    fn call(
        &mut self,
        context: ContextId,
        callback: &'static str,
        direction: Direction,
        function: impl FnOnce(&mut P::Stream) -> Action,
    ) -> Action {
        let stream = self.streams.get_mut(&context).expect("no such stream");
        let action = run(self.index, context, callback, || function(stream));
        with(|state| {
            let stream = state.machines[self.index].streams.get_mut(&context);
            let paused = stream.expect("no such stream").paused(direction);
            *paused = action == Action::Pause;
        });
        self.deliver_replies();
        action
    }

    /// Passes local replies to the response callbacks.
    fn deliver_replies(&mut self) {
        let replies = with(|state| {
            let streams = state.machines[self.index].streams.iter();
            let new = |(context, stream): (&ContextId, &StreamState)| {
                let is_new = !stream.maps.contains_key(&Map::ResponseHeaders);
                stream.reply.clone().filter(|_| is_new).map(|reply| (*context, reply))
            };
            streams.filter_map(new).collect::<Vec<_>>()
        });
        for (context, reply) in replies {
            let status = reply.status.to_string();
            let mut headers = Headers::from_iter([(":status", status.as_str())]);
            reply.headers.iter().for_each(|(name, value)| headers.push(name, value));
            self.set_map(context, Map::ResponseHeaders, headers);
            let is_bodiless = reply.body.is_empty();
            self.call(context, "response_headers", Direction::Response, |stream| {
                stream.on_response_headers(is_bodiless)
            });
            if !is_bodiless {
                self.response_body(context, &reply.body, true);
            }
        }
    }
}

impl<P: Plugin> Drop for Worker<P> {
    fn drop(&mut self) {
        for (context, stream) in std::mem::take(&mut self.streams) {
            run(self.index, context, "delete", || drop(stream));
        }
        let plugin = self.plugin.take();
        run(self.index, PLUGIN, "delete", || drop(plugin));
    }
}

fn pass(time: Duration) {
    with(|state| {
        state.wall = state.wall.saturating_add(time);
        state.monotonic = state.monotonic.saturating_add(time);
    });
}

/// Runs a callback in a context, and restores the previous one: workers can be nested.
fn run<T>(
    worker: usize,
    context: ContextId,
    callback: &'static str,
    function: impl FnOnce() -> T,
) -> T {
    let current = Current { worker, context, callback };
    let before = with(|state| std::mem::replace(&mut state.current, current));
    let (facts, entered) = (published::enter(None), stream::swap_entered(context));
    let kept = headers::swap_kept((None, None));
    let result = function();
    headers::swap_kept(kept);
    published::enter(facts);
    stream::swap_entered(entered);
    with(|state| state.current = before);
    result
}

/// Runs host calls in the context of a plugin without a worker, for tests of this crate.
#[cfg(test)]
pub(crate) fn run_in_plugin<T>(calls: impl FnOnce() -> T) -> T {
    let index = with(|state| {
        state.machines.push(Machine::default());
        state.machines.len() - 1
    });
    run(index, PLUGIN, "test", calls)
}

/// Runs host calls in a stream with these request headers. Returns the headers at the end as well.
#[cfg(test)]
pub(crate) fn run_in_stream<T>(headers: Headers, calls: impl FnOnce() -> T) -> (T, Headers) {
    run_in_plugin(|| {
        let index = with(|state| state.machines.len() - 1);
        let stream = StreamState {
            maps: BTreeMap::from([(Map::RequestHeaders, headers)]),
            ..StreamState::default()
        };
        let context = PLUGIN + 1;
        with(|state| state.machines[index].streams.insert(context, stream));
        let result = run(index, context, "test", calls);
        (result, with(|state| state.machines[index].streams[&context].request()))
    })
}
