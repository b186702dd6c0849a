//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Root,
    calls::CallId,
    foreign,
    metrics::{Counter, Gauge},
    proxy_wasm::{
        self,
        traits::{Context, HttpContext},
        types::Action,
    },
    request::RequestReader,
    stream::ContextId,
};

use crate::{
    Config, Crypto, Environment, HostAnswer, Metric, Policy, Worker, key_source::Revision,
};

mod answer;
mod fetch;
mod gauges;
mod held;

use gauges::Gauges;
use held::Held;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<JwtAuth>::boxed);
}}

/// The filter with its configuration in force.
struct JwtAuth {
    policy: Policy,
    worker: RefCell<Worker>,
    counters: Vec<Option<Counter>>,
    reader: RequestReader,
    /// The context that calls are sent from.
    root: ContextId,
    /// How often the plugin is woken at present.
    pace: Cell<Duration>,
    /// The calls under way, by the index of their source.
    calls: RefCell<BTreeMap<CallId, usize>>,
    held: RefCell<BTreeMap<ContextId, Held>>,
    /// What waiting requests were last asked about with.
    settled: RefCell<Vec<Revision>>,
    gauges: Gauges,
}

impl Plugin for JwtAuth {
    fn configure(document: &[u8], root: ContextId) -> std::result::Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let crypto = Crypto::with_host(verify_signature);
        let variable = |name: &str| std::env::var(name).ok();
        let environment = Environment { crypto: &crypto, variable: &variable };
        let policy = Policy::new(&config, &environment)?;
        for warning in policy.warnings() {
            log::warn!("{warning}");
        }
        let algorithms = policy.crypto().by_host().len();
        log::info!("configuration applied; the proxy checks {algorithms} algorithms");
        Gauge::define(Metric::HOST_CRYPTO_GAUGE).set(algorithms.into());
        let labels = policy.labels_metrics();
        let define = |metric: Metric| metric.name(labels).map(|name| Counter::define(&name));
        let worker = policy.worker();
        let gauges = Gauges::define(&worker.sources, labels);
        let plugin = Self {
            worker: RefCell::new(worker),
            counters: Metric::all().map(define).collect(),
            reader: RequestReader::new(policy.needs()),
            policy,
            root,
            pace: Cell::default(),
            calls: RefCell::default(),
            held: RefCell::default(),
            settled: RefCell::default(),
            gauges,
        };
        plugin.begin_fetching();
        Ok(plugin)
    }

    fn open(self: Rc<Self>, context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream { plugin: self, context })
    }

    fn on_tick(&self) {
        self.wake();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.take_answer(call, body_size);
    }
}

struct Stream {
    plugin: Rc<JwtAuth>,
    context: ContextId,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.plugin.forget(self.context);
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let plugin = &*self.plugin;
        plugin.answer(self.context).unwrap_or_else(|error| {
            log::error!("a host call failed: {error:?}");
            plugin.fail()
        })
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        self.plugin.strip_trailers().unwrap_or_else(|error| {
            log::error!("a host call failed: {error:?}");
            self.plugin.fail()
        })
    }
}

fn verify_signature(digest: &str, key: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer {
    match foreign::verify_signature(digest, key, signature, message) {
        Ok(true) => HostAnswer::Valid,
        Ok(false) => HostAnswer::Invalid,
        Err(_) => HostAnswer::Unavailable,
    }
}
