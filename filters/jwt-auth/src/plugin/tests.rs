//! Tests of the plugin on the in-memory proxy.

use std::time::Duration;

use filter_host::{
    memory::{self, Proxy, StreamState},
    stream::ContextId,
};
use serde_json::{Value, json};

use super::JwtAuth;
use crate::{
    algorithm::Algorithm,
    testing::{self, ISSUER, NOW},
};

mod configuration;
mod deny_lists;
mod failures;
mod fetching;
mod host_calls;
mod interleavings;
mod requests;
mod scenarios;
mod story;
mod waiting;

type Worker = memory::Worker<JwtAuth>;

/// The cluster of the key server.
const CLUSTER: &str = "keys";
/// The outcome of a good request.
const GOOD: &str = "forwarded, identity, x-user alice, connection keep-alive";
const TICK: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

/// A configuration that fetches keys and writes `x-user`, with additional fields of `jwksFetch`.
fn fetching(fields: Value) -> Value {
    let fetch = json!({"cluster": CLUSTER});
    let fields = fields.as_object().unwrap().clone();
    let fetch =
        fields.into_iter().fold(fetch, |fetch, (name, value)| testing::with(fetch, &name, value));
    json!({
        "jwtRules": [{
            "issuer": ISSUER,
            "jwksUri": format!("{ISSUER}/keys"),
            "jwksFetch": fetch,
            "outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}],
        }],
        "rules": [{}],
    })
}

/// Sets the time of the tokens, and adds the cluster of the key server.
fn prepare(proxy: &Proxy) {
    proxy.set_now(Duration::from_secs(NOW));
    proxy.add_cluster(CLUSTER);
}

fn start(proxy: &Proxy, document: &Value) -> Worker {
    prepare(proxy);
    proxy.worker(&document.to_string()).unwrap()
}

/// Starts a worker, and fetches its documents.
fn start_with_keys(proxy: &Proxy, document: &Value) -> Worker {
    let mut worker = start(proxy, document);
    worker.advance(SECOND);
    serve(proxy, &mut worker);
    worker
}

/// Sends a request with a token. Returns its outcome.
fn fate_of(worker: &mut Worker, token: &str) -> String {
    let context = send(worker, token);
    fate(&worker.stream(context))
}

/// Starts a stream with a token and forged headers.
fn send(worker: &mut Worker, token: &str) -> ContextId {
    send_with(worker, &[("authorization", &format!("Bearer {token}"))])
}

fn send_with(worker: &mut Worker, more: &[(&str, &str)]) -> ContextId {
    let plain = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "app.example.com"),
        (":path", "/"),
        ("x-user", "forged"),
        ("x-jwt-signature-verified", "true"),
        ("connection", "x-user, keep-alive"),
    ];
    let is_replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let plain = plain.into_iter().filter(|(name, _)| !is_replaced(name));
    worker.request(&plain.chain(more.iter().copied()).collect::<Vec<_>>())
}

/// Answers all calls of a worker: with a key set, a discovery document or a deny list, by path.
fn serve(proxy: &Proxy, worker: &mut Worker) {
    for call in worker.calls() {
        let (_, sent) = proxy.calls().into_iter().find(|(id, _)| *id == call).unwrap();
        let body = match sent.headers.first(":path").unwrap_or_default() {
            b"/denied" => json!({"jti": ["revoked"]}).to_string(),
            b"/.well-known/openid-configuration" => {
                json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys")}).to_string()
            }
            _ => keys(),
        };
        worker.answer(call, &[(":status", "200"), ("etag", "\"1\"")], body.as_bytes());
    }
}

/// Answers all calls of a worker with a status and no body.
fn serve_status(worker: &mut Worker, status: &str) {
    for call in worker.calls() {
        worker.answer(call, &[(":status", status)], b"");
    }
}

/// The key set of the key server.
fn keys() -> String {
    json!({"keys": [testing::key(Algorithm::EdDsa)["jwk"]]}).to_string()
}

fn good_token() -> String {
    let claims = testing::with(testing::claims(), "jti", json!("fine"));
    testing::token(Algorithm::EdDsa, &claims)
}

fn expired_token() -> String {
    let claims = testing::with(testing::claims(), "exp", json!(NOW - 600));
    testing::token(Algorithm::EdDsa, &claims)
}

/// A token whose `kid` is in no key set.
fn unknown_token(kid: &str) -> String {
    let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
    testing::sign(Algorithm::EdDsa, &header, &testing::claims().to_string())
}

/// Returns the outcome of a request: its reply, or the headers that reach the upstream.
fn fate(stream: &StreamState) -> String {
    if let Some(reply) = &stream.reply {
        return format!("{} {}", reply.status, reply.details);
    }
    if stream.reset.is_some() {
        return "reset".to_owned();
    }
    if stream.is_request_paused {
        return "waits".to_owned();
    }
    let request = stream.request();
    let values = |name| {
        let values = request.all(name).map(String::from_utf8_lossy);
        values.collect::<Vec<_>>().join("+")
    };
    let identity = if stream.property("weir.jwt").is_some() { ", identity" } else { "" };
    let mut text = format!("forwarded{identity}");
    for name in ["x-user", "x-jwt-signature-verified", "connection", "authorization", ":path"] {
        let value = values(name);
        if !value.is_empty() && value != "/" {
            let value = if name == "authorization" { "kept" } else { &value };
            text.push_str(&format!(", {name} {value}"));
        }
    }
    text
}
