//! Stream attributes, each read from the proxy on first use.

use filter_core::Headers;
use filter_host::{
    headers::{self, Map},
    property,
};
use serde_json::Value as Json;

use super::{Telemetry, snapshot::RequestSnapshot};
use crate::{
    OTHER, Record, Trace,
    expression::{Attribute, Attributes, Slot, Value, WeirAttribute},
};

/// The attributes of a stream.
#[derive(Clone, Copy)]
pub(super) struct StreamAttributes<'a> {
    pub(super) plugin: &'a Telemetry,
    pub(super) snapshot: &'a RequestSnapshot,
    /// Whether the stream is an error; `false` until that is known.
    pub(super) is_error: bool,
    /// The record of the stream; `None` until it has ended.
    pub(super) record: Option<&'a Record>,
}

impl Attributes for StreamAttributes<'_> {
    fn value(&self, slot: Slot) -> Option<&Value> {
        let attribute = self.plugin.policy.attribute_table().attribute(slot)?;
        self.snapshot.cache.get(slot, || self.read(attribute))
    }
}

impl<'a> StreamAttributes<'a> {
    /// Returns the attributes of a running stream.
    pub(super) const fn of_request(plugin: &'a Telemetry, snapshot: &'a RequestSnapshot) -> Self {
        Self { plugin, snapshot, is_error: false, record: None }
    }

    /// Reads the attributes that later filters can change.
    pub(super) fn capture_early(&self) {
        for slot in self.plugin.policy.early_slots() {
            let _ = self.value(*slot);
        }
    }

    fn read(&self, attribute: &Attribute) -> Option<Value> {
        if attribute.request_header().is_some() {
            return attribute.value_in(self.headers());
        }
        let text = |path: &[&str]| property::read(path).ok().flatten();
        match attribute {
            Attribute::Property { path, .. } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                match self.record {
                    // The record already has the status.
                    Some(Record { status: Some(status), .. }) if path == ["response", "code"] => {
                        Some(Value::Int((*status).into()))
                    }
                    // Envoy reports UNKNOWN for a 200 to a request that is not gRPC.
                    Some(record) if path == ["response", "grpc_status"] => {
                        record.grpc_status.map(|status| Value::Int(status.into()))
                    }
                    _ => attribute.decode(text(&path)?),
                }
            }
            Attribute::ResponseHeader(name) => {
                attribute.decode(text(&["response", "headers", name])?)
            }
            Attribute::ResponseTrailer(name) => {
                attribute.decode(text(&["response", "trailers", name])?)
            }
            Attribute::Principal => self.jwt_member("principal").or_else(istio_principal),
            Attribute::Audiences => {
                self.jwt_member("aud").or_else(|| istio_claim(&["aud"]).map(into_list))
            }
            Attribute::Claim(path) => self.claim(path),
            Attribute::Weir(attribute) => self.weir(*attribute),
            Attribute::RequestHeader(_) | Attribute::Baggage(_) => None,
        }
    }

    /// Returns the captured request headers, or all of them once the stream has ended.
    fn headers(&self) -> &Headers {
        match self.record {
            None => &self.snapshot.request.headers,
            Some(_) => self
                .snapshot
                .headers_at_end
                .get_or_init(|| headers::all(Map::RequestHeaders).unwrap_or_default()),
        }
    }

    /// Returns the trace of the stream.
    pub(super) fn trace(&self) -> Option<&'a Trace> {
        self.snapshot.trace.as_ref()
    }

    /// Returns the name of the stream's operation.
    pub(super) fn operation(&self) -> Option<&'a str> {
        let names = self.plugin.policy.operations().names();
        names.get(self.snapshot.operation?).map(String::as_str)
    }

    fn weir(&self, attribute: WeirAttribute) -> Option<Value> {
        match attribute {
            WeirAttribute::Operation => Some(Value::text(self.operation().unwrap_or(OTHER))),
            WeirAttribute::Error => Some(Value::Bool(self.is_error)),
            WeirAttribute::TraceId => {
                self.trace().map(|trace| Value::text(&trace.trace_id.to_string()))
            }
            WeirAttribute::SpanId => {
                self.trace().map(|trace| Value::text(&trace.span_id.to_string()))
            }
            WeirAttribute::Sampled => self.trace().map(|trace| Value::Bool(trace.is_sampled)),
        }
    }

    /// Returns the JSON that jwt-auth published.
    fn jwt(&self) -> Option<&Json> {
        let read = || serde_json::from_slice(&property::read(&["weir.jwt"]).ok()??).ok();
        self.snapshot.jwt.get_or_init(read).as_ref()
    }

    fn jwt_member(&self, name: &str) -> Option<Value> {
        self.jwt()?.get(name).and_then(Value::from_json)
    }

    fn claim(&self, path: &[String]) -> Option<Value> {
        if let Some(jwt) = self.jwt() {
            let claims = jwt.get("claims")?;
            let claim = path.iter().try_fold(claims, |claims, segment| claims.get(segment))?;
            return Value::from_json(claim);
        }
        istio_claim(&path.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Reads a claim that Istio's RequestAuthentication verified.
fn istio_claim(claim: &[&str]) -> Option<Value> {
    let metadata = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"];
    let path: Vec<&str> = metadata.into_iter().chain(claim.iter().copied()).collect();
    property::read(&path).ok().flatten().map(Value::from_host)
}

/// Wraps a single value in a list.
fn into_list(value: Value) -> Value {
    match value {
        list @ Value::List(_) => list,
        single => Value::List(vec![single]),
    }
}

fn istio_principal() -> Option<Value> {
    let (Value::Text(issuer), Value::Text(subject)) =
        (istio_claim(&["iss"])?, istio_claim(&["sub"])?)
    else {
        return None;
    };
    Some(Value::Text([issuer.as_slice(), b"/", &subject].concat()))
}
