//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Result, Root,
    calls::CallId,
    clock, foreign,
    headers::{self, Map},
    metrics::{Counter, Gauge},
    property,
    proxy_wasm::{
        self,
        traits::{Context, HttpContext},
        types::Action,
    },
    reply,
    stream::ContextId,
};

use crate::{
    Admission, Config, Crypto, Denial, Environment, HostAnswer, Metric, Outcome, Patience, Policy,
    Refusal, Verdict, Worker, key_source::Revision,
};

mod fetch;
mod gauges;
mod held;
mod request;

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
        let plugin = Self {
            worker: RefCell::new(policy.worker()),
            counters: Metric::all().map(define).collect(),
            policy,
            root,
            pace: Cell::default(),
            calls: RefCell::default(),
            held: RefCell::default(),
            settled: RefCell::default(),
            gauges: Gauges::define(),
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
            plugin.end(plugin.policy.fail())
        })
    }
}

impl JwtAuth {
    fn answer(&self, context: ContextId) -> Result<Action> {
        let request = request::read(self.policy.needs())?;
        let now = now()?;
        let judge =
            |patience| self.policy.judge(&mut self.worker.borrow_mut(), &request, now, patience);
        let mut judgement = judge(Patience::Waits);
        if let Verdict::AwaitKeys(wait) = judgement.verdict {
            self.look(wait.source, now);
            judgement = judge(self.patience()?);
        }
        self.count(&judgement.counts);
        match judgement.verdict {
            Verdict::Allow(admission) => admit(&admission),
            Verdict::Deny(denial) => self.refuse(&denial),
            Verdict::AwaitKeys(wait) => Ok(self.hold(context, request, wait, now)),
        }
    }

    fn refuse(&self, denial: &Denial) -> Result<Action> {
        log::debug!("refused: {denial}");
        let headers = headers::all(Map::RequestHeaders)?;
        Ok(self.end(self.policy.refuse(denial, &headers)))
    }

    fn end(&self, refusal: Refusal) -> Action {
        self.count(&refusal.counts);
        match refusal.outcome {
            Outcome::Reply(reply) => reply::send(&reply),
            Outcome::Admit(admission) => {
                admit(&admission).unwrap_or_else(|_| self.end(self.policy.fail()))
            }
        }
    }

    fn count(&self, metrics: &[Metric]) {
        for metric in metrics {
            if let Some(Some(counter)) = self.counters.get(metric.index()) {
                counter.increment();
            }
        }
    }
}

/// Returns the time since 1970.
fn now() -> Result<Duration> {
    Ok(clock::now()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn admit(admission: &Admission) -> Result<Action> {
    headers::apply(Map::RequestHeaders, &admission.edits)?;
    if let Some(path) = &admission.path {
        headers::set(Map::RequestHeaders, ":path", path)?;
    }
    if let Some(identity) = &admission.identity {
        property::write(&["weir.jwt"], identity)?;
    }
    Ok(Action::Continue)
}

fn verify_signature(digest: &str, key: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer {
    match foreign::verify_signature(digest, key, signature, message) {
        Ok(true) => HostAnswer::Valid,
        Ok(false) => HostAnswer::Invalid,
        Err(_) => HostAnswer::Unavailable,
    }
}
