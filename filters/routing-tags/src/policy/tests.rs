mod canary;
mod choosing;
mod compiling;
#[cfg(not(target_arch = "wasm32"))]
mod generated;
mod headers;
mod inbound_tags;
mod properties;
use std::time::{Duration, SystemTime};

use filter_core::{Headers, InvalidConfig, Request, parse_config};
use serde_json::{Value, json};

use super::*;
use crate::{Config, Metric};

fn compile(document: &Value) -> Result<Policy, InvalidConfig> {
    let parsed = parse_config::<Config>(document.to_string().as_bytes());
    let compiled = parsed.and_then(|config| Policy::new(&config));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled
}

fn policy(document: &Value) -> Policy {
    compile(document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns a policy with these entries.
fn entries(entries: Value) -> Policy {
    policy(&json!({"http": entries}))
}

fn request<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Request {
    let pseudo = [(":path", "/"), (":scheme", "https")];
    let headers = Headers::from_iter(headers.into_iter().chain(pseudo));
    Request { headers, ..Request::default() }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap()
}

/// Decides at a time, with random bits that start at `bits` and count up.
fn decide_at(policy: &Policy, request: &Request, now: SystemTime, mut bits: u64) -> Rc<Decision> {
    let mut next = || {
        bits = bits.wrapping_add(1);
        bits.wrapping_sub(1)
    };
    let is_rolled_back = |_| false;
    let mut inputs = Inputs { now, random_bits: &mut next, is_rolled_back: &is_rolled_back };
    policy.decide(request, &mut inputs)
}

fn decide(policy: &Policy, request: &Request) -> Rc<Decision> {
    decide_at(policy, request, at(1_800_000_000), 0)
}

/// Returns the value that a decision sets for a request header.
fn set<'d>(decision: &'d Decision, name: &str) -> Option<&'d str> {
    let mut pairs = decision.request.iter().flat_map(|edits| edits.set.iter());
    let found = pairs.find(|(found, _)| found.as_str() == name);
    found.map(|(_, value)| str::from_utf8(value).unwrap())
}

/// Returns the request headers after a decision.
fn after(request: &Request, decision: &Decision) -> Headers {
    let mut headers = request.headers.clone();
    for name in &decision.strip {
        headers.remove(name.as_str());
    }
    edited(headers, &decision.request)
}

/// Returns the headers after edits.
fn edited(mut headers: Headers, edits: &[HeaderEdits]) -> Headers {
    for edits in edits {
        let removed = edits.remove.iter().chain(edits.set.iter().map(|(name, _)| name));
        for name in removed {
            headers.remove(name.as_str());
        }
        for (name, value) in edits.set.iter().chain(&edits.add) {
            headers.push(name.as_str(), value.clone());
        }
    }
    headers
}

fn texts<'h>(headers: &'h Headers, name: &'h str) -> Vec<&'h str> {
    headers.all(name).map(|value| str::from_utf8(value).unwrap()).collect()
}

/// Returns the tag that a decision sets in the top-level header.
fn tag(decision: &Decision) -> Option<&str> {
    set(decision, "x-weir-tag")
}

fn count(decision: &Decision, metric: Metric) -> usize {
    decision.counters.iter().filter(|counter| **counter == metric.counter()).count()
}

/// Returns the names of a decision's counters.
fn counted(policy: &Policy, decision: &Decision) -> Vec<String> {
    let name = |counter: &Counter| policy.counters()[counter.index()].clone();
    decision.counters.iter().map(name).collect()
}
