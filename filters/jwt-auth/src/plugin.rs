//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{cell::RefCell, rc::Rc};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Result, Root, clock, foreign,
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
    Admission, Config, Crypto, Denial, Environment, HostAnswer, Metric, Outcome, Policy, Refusal,
    Verdict, Worker,
};

mod request;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<JwtAuth>::boxed);
}}

/// The filter with its configuration in force.
struct JwtAuth {
    policy: Policy,
    worker: RefCell<Worker>,
    counters: Vec<Option<Counter>>,
}

impl Plugin for JwtAuth {
    fn configure(document: &[u8], _context: ContextId) -> std::result::Result<Self, InvalidConfig> {
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
        Ok(Self {
            worker: RefCell::new(policy.worker()),
            counters: Metric::all().map(define).collect(),
            policy,
        })
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream { plugin: self })
    }
}

struct Stream {
    plugin: Rc<JwtAuth>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let plugin = &*self.plugin;
        plugin.answer().unwrap_or_else(|error| {
            log::error!("a host call failed: {error:?}");
            plugin.end(plugin.policy.fail())
        })
    }
}

impl JwtAuth {
    fn answer(&self) -> Result<Action> {
        let request = request::read(self.policy.needs())?;
        let judgement = self.policy.judge(&mut self.worker.borrow_mut(), &request, clock::now()?);
        self.count(&judgement.counts);
        match judgement.verdict {
            Verdict::Allow(admission) => admit(&admission),
            Verdict::Deny(denial) => self.refuse(&denial),
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
