//! Carries out what the exporter asks for: calls, counters, and what is left to the next plugin.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use filter_host::{
    HostError,
    calls::{self, CallId},
    clock,
    metrics::{Counter, Gauge, Histogram},
    property, random,
    shared_queue::SharedQueue,
};

use crate::{
    Node, Policy,
    export::otlp::{Item, LogRecord, Signal},
    export::{Answer, Arrival, Departure, Exporter, HandedOver, LaneId, Metric, Ticket},
    signals::access_log::LogTarget,
};

/// How much of an answer is read.
const ANSWER: usize = 4_096;

/// The exporter of this worker, and what is under way from it.
pub(super) struct Export {
    exporter: RefCell<Exporter>,
    lanes: BTreeMap<(usize, Signal), LaneId>,
    calls: RefCell<BTreeMap<CallId, Ticket>>,
    /// Where a plugin leaves its items to the next one.
    estate: Option<SharedQueue>,
    counters: Option<Counters>,
    clock: Instant,
    is_gateway: bool,
}

/// The counters of each signal, and what both have in common.
struct Counters {
    traces: Vec<Option<Counter>>,
    logs: Vec<Option<Counter>>,
    bytes: Gauge,
    took: Histogram,
}

impl Export {
    /// Opens the lanes of a document.
    pub(super) fn open(policy: &Policy) -> Self {
        let outlets = policy.outlets();
        let mut exporter = Exporter::default();
        let node = node();
        let spans = outlets.tracing().tracers().iter().filter(|tracer| tracer.has_spans);
        let spans = spans.filter_map(|tracer| Some((tracer.provider?, tracer.istio_tags)));
        let spans = spans.map(|(place, tags)| ((place, Signal::Traces), tags));
        let logs = policy.access_logs().iter().filter_map(|log| match log.target {
            LogTarget::Provider(place) => Some(((place, Signal::Logs), true)),
            LogTarget::Proxy(_) => None,
        });
        let mut lanes = BTreeMap::new();
        for (key, istio_tags) in spans.chain(logs) {
            let Some(provider) = outlets.providers().get(key.0) else { continue };
            let open = || exporter.open(provider, key.1, &node.attributes(istio_tags));
            lanes.entry(key).or_insert_with(open);
        }
        let is_idle = exporter.is_empty();
        Self {
            exporter: RefCell::new(exporter),
            lanes,
            calls: RefCell::default(),
            estate: if is_idle { None } else { estate() },
            counters: (!is_idle).then(|| Counters::define(policy.metrics().is_labelled)),
            clock: Instant::now(),
            is_gateway: node.is_gateway(),
        }
    }

    /// Says whether the proxy is a gateway of Istio.
    pub(super) const fn is_gateway(&self) -> bool {
        self.is_gateway
    }

    /// Says whether there is nothing to export, now or ever.
    pub(super) fn is_idle(&self) -> bool {
        self.exporter.borrow().is_empty()
    }

    /// Returns a moment by the clock of the queues.
    pub(super) fn at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.clock)
    }

    fn now(&self) -> Duration {
        self.at(Instant::now())
    }

    /// Puts a span in the queue of a provider.
    pub(super) fn span(&self, provider: usize, span: Item, now: Instant) {
        self.offer((provider, Signal::Traces), span, now);
    }

    /// Puts a log record in the queue of a provider.
    pub(super) fn log(&self, provider: usize, record: &LogRecord<'_>, now: Instant) {
        self.offer((provider, Signal::Logs), record.encode(), now);
    }

    fn offer(&self, key: (usize, Signal), item: Item, now: Instant) {
        if let Some(lane) = self.lanes.get(&key) {
            self.exporter.borrow_mut().offer(*lane, item, self.at(now));
        }
    }

    /// Wakes up: takes over what was left behind, and sends what is due.
    pub(super) fn wake(&self) {
        self.inherit();
        self.send();
        self.tell();
    }

    /// Takes the answer to a call.
    pub(super) fn take_answer(&self, call: CallId, size: usize) {
        let Some(ticket) = self.calls.borrow_mut().remove(&call) else { return };
        let body = if size == 0 { Ok(Vec::new()) } else { calls::response_body(ANSWER) };
        let answer = Answer {
            headers: calls::response_headers().unwrap_or_default(),
            body: body.unwrap_or_default(),
            trailers: calls::response_trailers().unwrap_or_default(),
        };
        self.arrive(ticket, Some(&answer));
        self.send();
    }

    fn arrive(&self, ticket: Ticket, answer: Option<&Answer>) {
        let wall = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        let mut exporter = self.exporter.borrow_mut();
        let Arrival { took, warning } =
            exporter.arrive(ticket, answer, self.now(), wall, random::bits());
        if let (Some(took), Some(counters)) = (took, &self.counters) {
            counters.took.record(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
        if let Some(warning) = warning {
            log::warn!("{warning}");
        }
    }

    fn send(&self) {
        loop {
            let mut exporter = self.exporter.borrow_mut();
            let Some(departure) = exporter.depart(self.now()) else { return };
            let ticket = departure.ticket;
            let sent = dispatch(&departure);
            drop(exporter);
            match sent {
                Ok(call) => drop(self.calls.borrow_mut().insert(call, ticket)),
                Err(HostError::BadArgument) => self.arrive(ticket, None),
                Err(_) => self.arrive(ticket, Some(&Answer::default())),
            }
        }
    }

    /// Takes over what an earlier plugin has left, as far as there is room.
    fn inherit(&self) {
        let Some(estate) = self.estate else { return };
        while self.exporter.borrow().has_room() {
            let Ok(Some(message)) = estate.pop() else { return };
            // What is none of ours was written by a stranger.
            if let Some(batch) = HandedOver::decode(&message) {
                self.exporter.borrow_mut().adopt(&batch);
            }
        }
    }

    fn tell(&self) {
        let Some(counters) = &self.counters else { return };
        let told = self.exporter.borrow_mut().tell();
        for (signal, metric, count) in told.counts {
            if let Some(counter) = counters.of(signal, metric) {
                counter.add(count);
            }
        }
        if told.growth != 0 {
            counters.bytes.add(told.growth);
        }
    }
}

impl Drop for Export {
    /// Leaves everything to the plugin to come: calls that are under way end with this one.
    fn drop(&mut self) {
        let Some(estate) = self.estate else { return };
        for batch in self.exporter.borrow_mut().hand_over() {
            if let Err(error) = estate.push(&batch.encode()) {
                log::error!("{} items are lost: {error:?}", batch.items);
            }
        }
        self.tell();
    }
}

impl Counters {
    fn define(labels: bool) -> Self {
        let of = |signal| {
            let names = Metric::all().map(|metric| metric.name(signal, labels));
            names.map(|name| name.map(|name| Counter::define(&name))).collect()
        };
        Self {
            traces: of(Signal::Traces),
            logs: of(Signal::Logs),
            bytes: Gauge::define("weir_telemetry_queue_bytes"),
            took: Histogram::define("weir_telemetry_export_ms"),
        }
    }

    fn of(&self, signal: Signal, metric: Metric) -> Option<Counter> {
        let counters = match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
        };
        counters.get(metric.index()).copied().flatten()
    }
}

fn dispatch(departure: &Departure<'_>) -> filter_host::Result<CallId> {
    let headers = departure.headers.iter();
    let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
    calls::http(departure.cluster, &headers, departure.body, departure.timeout)
}

/// Finds the queue between this plugin and the next one of its name.
fn estate() -> Option<SharedQueue> {
    let name = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
    let name = format!("weir.telemetry.{}", String::from_utf8_lossy(&name));
    SharedQueue::open(&name)
        .inspect_err(|error| log::warn!("a change of configuration loses items: {error:?}"))
        .ok()
}

/// Reads who the proxy is.
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
