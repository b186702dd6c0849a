//! Performs the I/O of the exporter: calls, metrics, and the handoff queue.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_core::Headers;
use filter_host::{
    HostError,
    calls::{self, CallId},
    clock, random,
    timers::Timers,
};

use self::active::Active;
use crate::{
    Node, Policy,
    export::otlp::{Item, LogRecord, Signal},
    export::{Exporter, HandoffBatch, OutgoingRequest, PipelineId, RequestId, Response},
    signals::access_log::LogTarget,
};

mod active;
mod counters;
mod node;

/// Maximum length of a response body that is read, in bytes.
const MAX_RESPONSE_LEN: usize = 4_096;

/// The exporter of this worker and its calls in flight. It is idle if the document exports nothing.
pub(super) struct Export {
    exporter: RefCell<Exporter>,
    /// `None` if it is idle.
    active: Option<Active>,
    pipelines: BTreeMap<(usize, Signal), PipelineId>,
    calls: RefCell<BTreeMap<CallId, RequestId>>,
    /// The time origin of the exporter.
    started: Duration,
    is_gateway: bool,
}

impl Export {
    /// Opens the pipelines of a document.
    pub(super) fn open(policy: &Policy, plugin_key: String, timers: &Rc<Timers>) -> Self {
        let exporters = policy.exporters();
        let mut exporter = Exporter::default();
        let tracers = exporters.tracing().tracers().iter().filter(|tracer| tracer.has_spans);
        let spans = tracers
            .filter_map(|tracer| Some(((tracer.provider?, Signal::Traces), tracer.istio_tags)));
        let logs = policy.access_logs().iter().filter_map(|log| match log.target {
            LogTarget::Provider(provider) => Some(((provider, Signal::Logs), true)),
            LogTarget::Proxy(_) => None,
        });
        let wanted: Vec<_> = spans.chain(logs).collect();
        let node = if wanted.is_empty() { Node::default() } else { node::read() };
        let mut pipelines = BTreeMap::new();
        for (key, istio_tags) in wanted {
            let (index, signal) = key;
            let Some(provider) = exporters.providers().get(index) else { continue };
            let open = || exporter.open(provider, signal, &node.attributes(istio_tags));
            pipelines.entry(key).or_insert_with(open);
        }
        let is_labelled = policy.metrics().is_labelled;
        let active = (!exporter.is_empty()).then(|| Active::new(is_labelled, plugin_key, timers));
        Self {
            exporter: RefCell::new(exporter),
            active,
            pipelines,
            calls: RefCell::default(),
            started: clock::monotonic(),
            is_gateway: node.is_gateway(),
        }
    }

    /// Returns `true` if the proxy is an Istio gateway; `false` if the document exports nothing.
    pub(super) const fn is_gateway(&self) -> bool {
        self.is_gateway
    }

    /// Returns the time since the exporter started.
    pub(super) fn time_at(&self, instant: Duration) -> Duration {
        instant.saturating_sub(self.started)
    }

    fn now(&self) -> Duration {
        self.time_at(clock::monotonic())
    }

    /// Adds a span to the queue of a provider.
    pub(super) fn enqueue_span(&self, provider: usize, span: Item, now: Duration) {
        self.enqueue((provider, Signal::Traces), span, now);
    }

    /// Adds a log record to the queue of a provider.
    pub(super) fn enqueue_log(&self, provider: usize, record: &LogRecord<'_>, now: Duration) {
        self.enqueue((provider, Signal::Logs), record.encode(), now);
    }

    fn enqueue(&self, key: (usize, Signal), item: Item, now: Duration) {
        if let (Some(pipeline), Some(active)) = (self.pipelines.get(&key), &self.active) {
            self.exporter.borrow_mut().enqueue(*pipeline, item, self.time_at(now));
            active.ensure_ticking();
        }
    }

    /// Takes over handed-over batches, sends requests that are due, and updates the metrics.
    pub(super) fn on_tick(&self) {
        let Some(active) = self.active.as_ref().filter(|active| active.timer.is_due()) else {
            return;
        };
        self.take_over(active);
        self.send();
        active.counters.update(&mut self.exporter.borrow_mut());
    }

    /// Handles the response to a call.
    pub(super) fn on_call_response(&self, call: CallId, body_size: usize) {
        let Some(id) = self.calls.borrow_mut().remove(&call) else { return };
        // An unreadable response counts as none, so the request is sent again.
        let response = response(body_size).unwrap_or_default();
        if let (Some(elapsed), Some(active)) = (self.complete(id, Some(&response)), &self.active) {
            active.counters.export_ms.record(elapsed);
        }
        self.send();
    }

    /// Completes a request, `None` if the proxy does not know the cluster. Returns its duration.
    fn complete(&self, id: RequestId, response: Option<&Response>) -> Option<Duration> {
        let wall = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        let mut exporter = self.exporter.borrow_mut();
        let result = exporter.on_response(id, response, self.now(), wall, random::bits());
        if let Some(warning) = result.warning {
            log::warn!("{warning}");
        }
        result.elapsed
    }

    fn send(&self) {
        loop {
            let mut exporter = self.exporter.borrow_mut();
            let Some(request) = exporter.next_request(self.now()) else { return };
            let id = request.id;
            let called = call(&request);
            drop(exporter);
            match called {
                Ok(call) => drop(self.calls.borrow_mut().insert(call, id)),
                Err(HostError::BadArgument) => drop(self.complete(id, None)),
                Err(_) => drop(self.complete(id, Some(&Response::default()))),
            }
        }
    }

    /// Takes over batches of an earlier plugin, while there is room.
    fn take_over(&self, active: &Active) {
        let Ok(queue) = active.handoff() else { return };
        while self.exporter.borrow().has_room() {
            let Ok(Some(message)) = queue.pop() else { return };
            // Other plugins can write to the queue: ignore messages that do not decode.
            if let Some(batch) = HandoffBatch::decode(&message) {
                self.exporter.borrow_mut().take_over(&batch);
            }
        }
    }
}

impl Drop for Export {
    /// Hands everything over to the next plugin. The proxy cancels calls in flight.
    fn drop(&mut self) {
        let Some(active) = &self.active else { return };
        let exporter = self.exporter.get_mut();
        for batch in exporter.hand_over() {
            let pushed = active.handoff().and_then(|queue| queue.push(&batch.encode()));
            if let Err(error) = pushed {
                log::error!("{} items lost, handoff queue not written: {error:?}", batch.items);
                exporter.lose(&batch);
            }
        }
        active.counters.update(exporter);
    }
}

fn call(request: &OutgoingRequest<'_>) -> filter_host::Result<CallId> {
    let headers = request.headers.iter();
    let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
    calls::http(request.cluster, &headers, request.body, request.timeout)
}

/// Reads the response to a call.
fn response(body_size: usize) -> filter_host::Result<Response> {
    let body = if body_size == 0 { Vec::new() } else { calls::response_body(MAX_RESPONSE_LEN)? };
    let trailers = match calls::response_trailers() {
        // The response has no trailers.
        Err(HostError::BadArgument) => Headers::default(),
        trailers => trailers?,
    };
    Ok(Response { headers: calls::response_headers()?, body, trailers })
}
