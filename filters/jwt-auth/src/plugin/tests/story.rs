//! Requests and their outcomes, in a scenario whose host calls fail.

use std::fmt;

use filter_host::{headers::Map, memory::Proxy, stream::ContextId};
use serde_json::Value;

use super::{SECOND, Worker, fate, prepare, serve};

/// A scenario.
pub(super) struct Story<'p> {
    pub(super) proxy: &'p Proxy,
    pub(super) worker: Worker,
    streams: Vec<(&'static str, ContextId)>,
    requests: Vec<(&'static str, String)>,
}

/// The outcome of a scenario.
pub(super) struct Outcome {
    /// The outcome of each request.
    pub(super) requests: Vec<(&'static str, String)>,
    /// The metrics that are not 0.
    pub(super) metrics: Vec<(String, u64)>,
    /// The lines at level `warn` and above.
    log: Vec<String>,
}

impl<'p> Story<'p> {
    pub(super) fn start(proxy: &'p Proxy, document: &Value) -> Self {
        prepare(proxy);
        let worker = proxy.worker(&document.to_string()).unwrap();
        Self { proxy, worker, streams: Vec::new(), requests: Vec::new() }
    }

    /// Names a request.
    pub(super) fn add(&mut self, name: &'static str, context: ContextId) {
        self.streams.push((name, context));
    }

    /// Lets the client of a request leave.
    pub(super) fn leave(&mut self, name: &'static str) {
        let index = self.streams.iter().position(|(found, _)| *found == name).unwrap();
        let (_, context) = self.streams.remove(index);
        let stream = self.worker.leave(context);
        self.requests.push((name, format!("left: {}", fate(&stream))));
    }

    /// Sends trailers with the request that was added last, if it was forwarded.
    pub(super) fn send_trailers(&mut self, trailers: &[(&str, &str)]) {
        let (_, context) = *self.streams.last().unwrap();
        if self.worker.stream(context).is_forwarded() {
            self.worker.request_trailers(context, trailers);
        }
    }

    /// Waits until nothing is pending, and ends the worker.
    pub(super) fn finish(mut self) -> Outcome {
        for _ in 0..8 {
            self.proxy.pass(SECOND);
            self.worker.tick();
            serve(self.proxy, &mut self.worker);
        }
        for (name, context) in std::mem::take(&mut self.streams) {
            let stream = self.worker.end(context);
            let mut fate = fate(&stream);
            let trailers = stream.map(Map::RequestTrailers);
            for (name, value) in trailers.iter() {
                let (name, value) = (name.escape_ascii(), value.escape_ascii());
                fate.push_str(&format!(", trailer {name} {value}"));
            }
            self.requests.push((name, fate));
        }
        drop(self.worker);
        let proxy = self.proxy;
        Outcome { requests: self.requests, metrics: proxy.metrics(), log: proxy.log(3) }
    }
}

impl Outcome {
    /// Returns the outcome of a request.
    pub(super) fn fate(&self, name: &str) -> &str {
        self.requests.iter().find(|(found, _)| *found == name).map_or("", |(_, fate)| fate)
    }

    /// Returns the number of requests that were counted as allowed or denied.
    pub(super) fn decided(&self) -> u64 {
        let is_decision = |name: &str| {
            name == "weir_jwt_auth_allowed_total" || name.starts_with("weir_jwt_auth_denied_total")
        };
        self.metrics.iter().filter(|(name, _)| is_decision(name)).map(|(_, value)| value).sum()
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.iter().find(|(found, _)| found == name).map_or(0, |(_, value)| *value)
    }

    /// Describes the differences from the outcome without a failure.
    pub(super) fn differences(&self, expected: &Self) -> String {
        let requests = self.requests.iter().filter(|request| !expected.requests.contains(request));
        let mut texts: Vec<_> = requests.map(|(name, fate)| format!("{name}: {fate}")).collect();
        let names = expected.metrics.iter().chain(&self.metrics).map(|(name, _)| name.as_str());
        let names: std::collections::BTreeSet<_> = names.collect();
        for name in names {
            let (before, after) = (expected.metric(name), self.metric(name));
            if before != after {
                let name = name.trim_start_matches("weir_jwt_auth_");
                texts.push(format!("{name} {before} → {after}"));
            }
        }
        let lines = self.log.iter().filter(|line| !expected.log.contains(line));
        texts.extend(lines.map(|line| format!("“{line}”")));
        if texts.is_empty() { "no difference".to_owned() } else { texts.join("; ") }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out)?;
        let requests = self.requests.iter().map(|(name, fate)| format!("{name}: {fate}"));
        let metric = |(name, value): &(String, u64)| format!("{name} {value}");
        for line in requests.chain(self.metrics.iter().map(metric)).chain(self.log.clone()) {
            write!(out, "\n- {line}")?;
        }
        Ok(())
    }
}
