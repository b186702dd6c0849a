//! The same policies in AuthorizationPolicies and in a WasmPlugin, with the same requests.

use std::{collections::BTreeMap, env, thread};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tests::client::Request;

use super::{
    FILTER,
    cases::{Case, SET},
    vocabulary::{Parts, Random, World, tokens},
};
use crate::{
    jwt_auth,
    mesh::{Mesh, Role, SHOP},
    report,
    shop::{
        Caller::{Client, Plain},
        Callers, PlainText, Shop, request,
    },
};

/// Environment variable that replaces the seed.
const SEED: &str = "WEIR_SEED";
/// Environment variable that generates ten times as many policies.
const THOROUGH: &str = "WEIR_THOROUGH";
/// Number of sets of policies, which are applied together.
const SETS: usize = 200;
/// Number of requests of each set.
const REQUESTS: usize = 10;
/// Number of clients that send requests concurrently.
const CLIENTS: usize = 4;
/// A set that ALLOW and DENY match, one that only ALLOW matches, and one that nothing matches.
const DENIED: &str = "denied";
const ALLOWED: &str = "allowed";
const UNKNOWN: &str = "unknown";
/// Maximum number of findings in an error.
const SHOWN: usize = 10;

/// No request that Istio denies is allowed here, and every other difference is an intended one.
pub(super) fn same_as_istio(mesh: &Mesh) -> Result<()> {
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    let rounds = if env::var(THOROUGH).is_ok() { 10 } else { 1 };
    let mut findings = Vec::new();
    for seed in (seed..).take(rounds) {
        findings.extend(round(mesh, seed)?);
        mesh.clear()?;
    }
    let count = findings.len();
    findings.truncate(SHOWN);
    ensure!(count == 0, "{count} unexpected differences:\n{}", findings.join("\n"));
    Ok(())
}

/// Returns the unexpected differences for the policies and requests of one seed.
fn round(mesh: &Mesh, seed: u64) -> Result<Vec<String>> {
    let shop = Shop::open(mesh, PlainText::Accepted)?;
    let world = World { issuer: mesh.idp().issuer(), port: shop.server_port };
    let mut random = Random::new(seed);
    let generate = |number| Case::generate(number, REQUESTS, &mut random, &world);
    let cases: Vec<_> = (0..SETS).map(generate).collect();
    let istio = istio_decides(&shop, &cases)?;
    let filter = filter_decides(&shop, &cases)?;
    compare(&cases, &istio, &filter, seed)
}

/// Returns the unexpected differences.
fn compare(cases: &[Case], istio: &[bool], filter: &[bool], seed: u64) -> Result<Vec<String>> {
    let requests =
        cases.iter().flat_map(|case| case.requests.iter().map(move |parts| (case, parts)));
    let mut findings = Vec::new();
    let mut intended = BTreeMap::<_, usize>::new();
    let mut compared = 0_usize;
    for ((case, parts), (istio, filter)) in requests.zip(istio.iter().zip(filter)) {
        compared = compared.saturating_add(1);
        if istio == filter {
            continue;
        }
        match case.difference(parts).filter(|_| *istio) {
            Some(difference) => {
                let count = intended.entry(difference).or_default();
                *count = count.saturating_add(1);
            }
            None => findings.push(format!(
                "set {}: Istio {istio}, the filter {filter}: {parts:?}\nALLOW {}\nDENY {}",
                case.number,
                json!(case.allow),
                json!(case.deny),
            )),
        }
    }
    ensure!(compared == istio.len() && compared == filter.len(), "requests are missing");
    let allowed = istio.iter().filter(|allowed| **allowed).count();
    report(&format!(
        "{SEED}={seed}: Istio allows {allowed} of {compared} requests; denied only here: \
         {intended:?}; other differences: {}",
        findings.len()
    ));
    Ok(findings)
}

/// Applies the policies as AuthorizationPolicies and returns which requests are allowed.
fn istio_decides(shop: &Shop<'_>, cases: &[Case]) -> Result<Vec<bool>> {
    let mut documents = policies(cases);
    let selector = json!({"matchLabels": Role::Server.labels()});
    for document in &mut documents {
        let spec = document.pointer_mut("/spec").and_then(Value::as_object_mut);
        spec.context("no spec")?.insert("selector".to_owned(), selector.clone());
    }
    documents.push(json!({
        "apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication",
        "metadata": {"name": "differential", "namespace": SHOP},
        "spec": {"selector": selector, "jwtRules": rules(shop)},
    }));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": documents}).to_string();
    shop.mesh.apply(&list)?;
    wait_for_decisions(shop)?;
    let decisions = decisions(shop, cases)?;
    shop.mesh.kubectl().delete(&list)?;
    shop.wait_for("removing the policies", Client, &probe(UNKNOWN), 200)?;
    Ok(decisions)
}

/// Applies the policies in a WasmPlugin and returns which requests are allowed.
fn filter_decides(shop: &Shop<'_>, cases: &[Case]) -> Result<Vec<bool>> {
    shop.apply_plugin("jwt-auth", &json!({"jwtRules": rules(shop)}))?;
    shop.apply_plugin(FILTER, &json!({"policies": policies(cases)}))?;
    wait_for_decisions(shop)?;
    decisions(shop, cases)
}

/// Waits for every document, because istiod may apply one before another.
fn wait_for_decisions(shop: &Shop<'_>) -> Result<()> {
    for (caller, set, status) in [
        (Client, DENIED, 403),
        (Client, UNKNOWN, 403),
        (Client, ALLOWED, 200),
        (Plain, DENIED, 403),
    ] {
        shop.wait_for("deciding", caller, &probe(set), status)?;
    }
    shop.wait_for("checking tokens", Plain, &probe(ALLOWED).bearer("not-a-token"), 401)
}

/// Returns a request that only the readiness of the policies depends on.
fn probe(set: &str) -> Request {
    request("/").header(SET, set)
}

/// Returns a rule that matches [`probe`].
fn probe_rule(sets: &[&str]) -> Value {
    json!({"when": [{"key": format!("request.headers[{SET}]"), "values": sets}]})
}

fn rules(shop: &Shop<'_>) -> Value {
    let mut rules = jwt_auth::jwt_rules(shop.mesh);
    if let Some(rule) = rules.pointer_mut("/0").and_then(Value::as_object_mut) {
        rule.remove("outputClaimToHeaders");
    }
    rules
}

/// Returns the documents with the rules of all sets.
fn policies(cases: &[Case]) -> Vec<Value> {
    let document = |action: &str, is_deny: bool| {
        let probe = probe_rule(if is_deny { &[DENIED] } else { &[DENIED, ALLOWED] });
        let rules = cases.iter().flat_map(|case| case.limited_rules(is_deny)).chain([probe]);
        let rules: Vec<_> = rules.collect();
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": action.to_lowercase(), "namespace": SHOP},
            "spec": {"action": action, "rules": rules},
        })
    };
    vec![document("ALLOW", false), document("DENY", true)]
}

/// Sends the requests of all sets and returns which are allowed.
fn decisions(shop: &Shop<'_>, cases: &[Case]) -> Result<Vec<bool>> {
    let tokens: Vec<_> = tokens()
        .iter()
        .map(|changes| jwt_auth::token(shop.mesh, changes))
        .collect::<Result<_>>()?;
    let requests: Vec<_> = cases
        .iter()
        .flat_map(|case| {
            case.requests.iter().map(|parts| (parts, build(parts, case.number, &tokens)))
        })
        .collect();
    let size = requests.len().div_ceil(CLIENTS).max(1);
    let callers = shop.callers;
    thread::scope(|scope| {
        let clients: Vec<_> = requests
            .chunks(size)
            .map(|requests| scope.spawn(move || allowed(callers, requests)))
            .collect();
        let results = clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked")).flatten());
        Ok(results.collect::<Result<Vec<_>>>()?.concat())
    })
}

fn allowed(callers: Callers, requests: &[(&Parts, Request)]) -> Result<Vec<bool>> {
    let allowed = requests.iter().map(|(parts, request)| {
        let response = callers.send(parts.caller, request.clone())?;
        ensure!([200, 403].contains(&response.status), "{parts:?}: {response:?}");
        Ok(response.status == 200)
    });
    allowed.collect()
}

fn build(parts: &Parts, set: usize, tokens: &[String]) -> Request {
    let mut request = Request::new(parts.method.clone(), parts.path)
        .authority(parts.host)
        .header(SET, set.to_string());
    for user in parts.users {
        request = request.header("x-user", user);
    }
    if !parts.forwarded.is_empty() {
        request = request.header("x-forwarded-for", parts.forwarded);
    }
    match parts.token.and_then(|token| tokens.get(token)) {
        Some(token) => request.bearer(token),
        None => request,
    }
}
