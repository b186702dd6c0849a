//! Performs the I/O of the exporter: calls, metrics, and the handoff queue.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_host::{
    HostError,
    calls::{self, CallId},
    clock,
    metrics::{Counter, DurationHistogram, Gauge},
    property, random, shared_data,
    shared_queue::SharedQueue,
    timers::{Timer, Timers},
};

use crate::{
    Node, Policy,
    export::otlp::{Item, LogRecord, Signal},
    export::{
        ExportResult, Exporter, HandoffBatch, Metric, OutgoingRequest, PipelineId, RequestId,
        Response,
    },
    signals::access_log::LogTarget,
};

/// The interval at which the queues are checked.
const TICK: Duration = Duration::from_millis(200);
/// Maximum length of a response body that is read, in bytes.
const MAX_RESPONSE_LEN: usize = 4_096;

/// The exporter of this worker and its calls in flight.
pub(super) struct Export {
    exporter: RefCell<Exporter>,
    /// `None` if the document exports nothing.
    timer: Option<Timer>,
    pipelines: BTreeMap<(usize, Signal), PipelineId>,
    calls: RefCell<BTreeMap<CallId, RequestId>>,
    /// The queue through which a plugin hands its items over to its successor.
    handoff: Option<SharedQueue>,
    counters: Option<Counters>,
    /// The time origin of the exporter.
    started: Duration,
    is_gateway: bool,
}

/// The metrics of the exporter.
struct Counters {
    traces: Vec<Option<Counter>>,
    logs: Vec<Option<Counter>>,
    queue_bytes: Gauge,
    export_ms: DurationHistogram,
}

impl Export {
    /// Opens the pipelines of a document.
    pub(super) fn open(policy: &Policy, timers: &Rc<Timers>) -> Self {
        let exporters = policy.exporters();
        let mut exporter = Exporter::default();
        let node = node();
        let tracers = exporters.tracing().tracers().iter().filter(|tracer| tracer.has_spans);
        let spans = tracers
            .filter_map(|tracer| Some(((tracer.provider?, Signal::Traces), tracer.istio_tags)));
        let logs = policy.access_logs().iter().filter_map(|log| match log.target {
            LogTarget::Provider(provider) => Some(((provider, Signal::Logs), true)),
            LogTarget::Proxy(_) => None,
        });
        let mut pipelines = BTreeMap::new();
        for (key, istio_tags) in spans.chain(logs) {
            let (index, signal) = key;
            let Some(provider) = exporters.providers().get(index) else { continue };
            let open = || exporter.open(provider, signal, &node.attributes(istio_tags));
            pipelines.entry(key).or_insert_with(open);
        }
        let is_idle = exporter.is_empty();
        let timer = (!is_idle).then(|| Timer::new(timers));
        if let Some(Err(error)) = timer.as_ref().map(|timer| timer.every(TICK)) {
            log::error!("timer not started, nothing is exported: {error:?}");
        }
        Self {
            timer,
            exporter: RefCell::new(exporter),
            pipelines,
            calls: RefCell::default(),
            handoff: if is_idle { None } else { handoff_queue() },
            counters: (!is_idle).then(|| Counters::define(policy.metrics().is_labelled)),
            started: clock::monotonic(),
            is_gateway: node.is_gateway(),
        }
    }

    /// Returns `true` if the proxy is an Istio gateway.
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
        if let Some(pipeline) = self.pipelines.get(&key) {
            self.exporter.borrow_mut().enqueue(*pipeline, item, self.time_at(now));
        }
    }

    /// Takes over handed-over batches, sends requests that are due, and updates the metrics.
    pub(super) fn on_tick(&self) {
        if !self.timer.as_ref().is_some_and(Timer::is_due) {
            return;
        }
        self.take_over();
        self.send();
        self.update_metrics();
    }

    /// Handles the response to a call.
    pub(super) fn on_call_response(&self, call: CallId, body_size: usize) {
        let Some(id) = self.calls.borrow_mut().remove(&call) else { return };
        let body =
            if body_size == 0 { Ok(Vec::new()) } else { calls::response_body(MAX_RESPONSE_LEN) };
        let response = Response {
            headers: calls::response_headers().unwrap_or_default(),
            body: body.unwrap_or_default(),
            trailers: calls::response_trailers().unwrap_or_default(),
        };
        self.complete(id, Some(&response));
        self.send();
    }

    fn complete(&self, id: RequestId, response: Option<&Response>) {
        let wall = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        let mut exporter = self.exporter.borrow_mut();
        let ExportResult { elapsed, warning } =
            exporter.on_response(id, response, self.now(), wall, random::bits());
        if let (Some(elapsed), Some(counters)) = (elapsed, &self.counters) {
            counters.export_ms.record(elapsed);
        }
        if let Some(warning) = warning {
            log::warn!("{warning}");
        }
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
                Err(HostError::BadArgument) => self.complete(id, None),
                Err(_) => self.complete(id, Some(&Response::default())),
            }
        }
    }

    /// Takes over batches of an earlier plugin, while there is room.
    fn take_over(&self) {
        let Some(queue) = self.handoff else { return };
        while self.exporter.borrow().has_room() {
            let Ok(Some(message)) = queue.pop() else { return };
            // Other plugins can write to the queue: ignore messages that do not decode.
            if let Some(batch) = HandoffBatch::decode(&message) {
                self.exporter.borrow_mut().take_over(&batch);
            }
        }
    }

    fn update_metrics(&self) {
        let Some(counters) = &self.counters else { return };
        let delta = self.exporter.borrow_mut().take_stats();
        for (signal, metric, count) in delta.counts {
            if let Some(counter) = counters.get(signal, metric) {
                counter.add(count);
            }
        }
        if delta.bytes != 0 {
            counters.queue_bytes.add(delta.bytes);
        }
    }
}

impl Drop for Export {
    /// Hands everything over to the next plugin. The proxy cancels calls in flight.
    fn drop(&mut self) {
        let Some(queue) = self.handoff else { return };
        for batch in self.exporter.borrow_mut().hand_over() {
            if let Err(error) = queue.push(&batch.encode()) {
                log::error!("{} items lost, handoff queue not written: {error:?}", batch.items);
            }
        }
        self.update_metrics();
    }
}

impl Counters {
    fn define(is_labelled: bool) -> Self {
        let define = |signal| {
            let names = Metric::all().map(|metric| metric.name(signal, is_labelled));
            names.map(|name| name.map(|name| Counter::define(&name))).collect()
        };
        Self {
            traces: define(Signal::Traces),
            logs: define(Signal::Logs),
            queue_bytes: Gauge::define("weir_telemetry_queue_bytes"),
            export_ms: DurationHistogram::define("weir_telemetry_export_ms"),
        }
    }

    fn get(&self, signal: Signal, metric: Metric) -> Option<Counter> {
        let counters = match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
        };
        counters.get(metric.index()).copied().flatten()
    }
}

fn call(request: &OutgoingRequest<'_>) -> filter_host::Result<CallId> {
    let headers = request.headers.iter();
    let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
    calls::http(request.cluster, &headers, request.body, request.timeout)
}

/// Opens the handoff queue of plugins with this name.
fn handoff_queue() -> Option<SharedQueue> {
    SharedQueue::open(&shared_data::plugin_key("telemetry"))
        .inspect_err(|error| {
            log::warn!("handoff queue not opened, configuration changes lose items: {error:?}");
        })
        .ok()
}

/// Reads the proxy's node.
fn node() -> Node {
    let text = |path: &[&str]| {
        let path: Vec<&str> = ["xds", "node"].into_iter().chain(path.iter().copied()).collect();
        String::from_utf8(property::read(&path).ok()??).ok()
    };
    let label = |name| text(&["metadata", "LABELS", name]);
    Node {
        id: text(&["id"]),
        cluster: text(&["cluster"]),
        name: text(&["metadata", "NAME"]),
        namespace: text(&["metadata", "NAMESPACE"]),
        mesh: text(&["metadata", "MESH_ID"]),
        cluster_id: text(&["metadata", "CLUSTER_ID"]),
        service: label("service.istio.io/canonical-name"),
        revision: label("service.istio.io/canonical-revision"),
    }
}
