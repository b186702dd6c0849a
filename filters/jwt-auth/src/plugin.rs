//! The proxy-wasm plugin around the policy.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Setup,
    calls::CallId,
    environment, foreign,
    metric_buffer::{BufferedMetric, MetricBuffer},
    metrics::Gauge,
    remote::PendingCalls,
    request::RequestReader,
    stream::ContextId,
    timers::Timer,
};

use crate::{
    CompileContext, Config, Crypto, HostAnswer, Metric, Policy, Worker, key_source::Revision,
};

mod fetch;
mod gauges;
mod request;
mod stream;
mod waiting;

use gauges::Gauges;
use stream::Stream;
use waiting::WaitingRequest;

#[cfg(feature = "module")]
filter_host::entry!(JwtAuth);

/// The interval at which the metrics are flushed.
const FLUSH: Duration = Duration::from_secs(1);

/// The filter with its current configuration.
pub struct JwtAuth {
    policy: Policy,
    worker: RefCell<Worker>,
    buffer: MetricBuffer,
    /// Indexed by [`Metric::index`]; `None` for metrics that need labels.
    counters: Vec<Option<BufferedMetric>>,
    reader: RequestReader,
    /// The root context, which sends the calls.
    root: ContextId,
    /// Drives the fetches and the waits.
    timer: Timer,
    /// The current period of the timer; zero if it was not started.
    tick_period: Cell<Duration>,
    calls: PendingCalls,
    waiting: RefCell<BTreeMap<ContextId, WaitingRequest>>,
    /// The revisions of the sources when the waiting requests were last decided.
    revisions: RefCell<Vec<Revision>>,
    gauges: Gauges,
}

impl JwtAuth {
    /// Compiles a configuration, with the signature checks of the proxy.
    ///
    /// # Errors
    ///
    /// Returns all errors of rules that involve several fields.
    pub fn compile(config: &Config) -> std::result::Result<Policy, InvalidConfig> {
        let crypto = Crypto::with_host(verify_signature);
        let variable = environment::variable;
        Policy::new(config, &CompileContext { crypto: &crypto, variable: &variable })
    }

    /// Creates the plugin.
    #[must_use]
    pub fn start(policy: Policy, setup: &Setup) -> Self {
        for warning in policy.warnings() {
            setup.warn(warning);
        }
        let algorithms = policy.crypto().by_host().len();
        log::info!("configuration applied; the proxy checks {algorithms} algorithms");
        Gauge::define(Metric::HOST_CRYPTO_GAUGE).set(algorithms.into());
        let labels = policy.labels_metrics();
        let buffer = MetricBuffer::new(&setup.timers, FLUSH);
        let define = |metric: Metric| metric.name(labels).map(|name| buffer.counter(&name));
        let worker = policy.worker();
        let gauges = Gauges::define(&worker.sources, labels);
        let plugin = Self {
            worker: RefCell::new(worker),
            counters: Metric::all().map(define).collect(),
            buffer,
            reader: RequestReader::new(policy.needs()),
            policy,
            root: setup.context,
            timer: Timer::new(&setup.timers),
            tick_period: Cell::default(),
            calls: PendingCalls::default(),
            waiting: RefCell::default(),
            revisions: RefCell::default(),
            gauges,
        };
        plugin.start_sources();
        plugin
    }
}

impl Plugin for JwtAuth {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        Ok(Self::start(Self::compile(&parse_config(document)?)?, setup))
    }

    fn open(self: Rc<Self>, context: ContextId) -> Stream {
        Stream::new(self, context)
    }

    fn on_tick(&self) {
        self.buffer.flush();
        if self.timer.is_due() {
            self.tick();
        }
        self.ensure_ticking();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.handle_answer(call, body_size);
    }
}

fn verify_signature(digest: &str, key: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer {
    match foreign::verify_signature(digest, key, signature, message) {
        Ok(true) => HostAnswer::Valid,
        Ok(false) => HostAnswer::Invalid,
        Err(_) => HostAnswer::Unavailable,
    }
}

#[cfg(test)]
mod tests;
