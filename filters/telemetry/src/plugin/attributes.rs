//! Attributes of a stream, each read when it is first asked for.

use std::cell::OnceCell;

use filter_core::{Headers, Request};
use filter_host::{
    headers::{self, Map},
    property,
};
use serde_json::Value as Json;

use super::Telemetry;
use crate::{
    Messages, Method, OTHER, Record, Trace,
    expression::{Attribute, AttributeCache, Attributes, Slot, Value, WeirAttribute},
};

/// What is known of a stream from its request on.
pub(super) struct Seen {
    readings: AttributeCache,
    identity: OnceCell<Option<Json>>,
    /// What the policy looks at of the request.
    pub(super) request: Request,
    /// The request's headers when the stream had ended, for what is told only of some streams.
    late: OnceCell<Headers>,
    pub(super) method: Method,
    pub(super) operation: Option<usize>,
    pub(super) trace: Option<Trace>,
    /// Counters of messages, where those of this stream are counted.
    pub(super) messages: Option<BothWays>,
    /// What the caller is to be told beside, where it is told anything.
    pub(super) told: Option<Told>,
}

/// The messages of a gRPC call.
#[derive(Default)]
pub(super) struct BothWays {
    pub(super) request: Messages,
    pub(super) response: Messages,
}

/// What a response will tell of its request.
pub(super) struct Told {
    pub(super) request_id: Option<Vec<u8>>,
}

/// The attributes of a stream.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) plugin: &'a Telemetry,
    pub(super) seen: &'a Seen,
    /// Whether the stream is an error, as far as that is known.
    pub(super) is_error: bool,
    /// What was recorded, once it has ended.
    pub(super) record: Option<&'a Record>,
}

impl Seen {
    pub(super) fn new(plugin: &Telemetry) -> Self {
        Self {
            readings: plugin.policy.reads().new_cache(),
            identity: OnceCell::new(),
            request: Request::default(),
            late: OnceCell::new(),
            method: Method::default(),
            operation: None,
            trace: None,
            messages: None,
            told: None,
        }
    }
}

impl Attributes for View<'_> {
    fn value(&self, slot: Slot) -> Option<&Value> {
        let attribute = self.plugin.policy.reads().attribute(slot)?;
        self.seen.readings.get(slot, || self.read(attribute))
    }
}

impl View<'_> {
    /// Reads at once what later filters may change.
    pub(super) fn hold_fleeting(&self) {
        for slot in self.plugin.policy.fleeting() {
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
                // What was read as a header already need not be read as an attribute.
                match self.record {
                    Some(Record { status: Some(status), .. }) if path == ["response", "code"] => {
                        Some(Value::Int((*status).into()))
                    }
                    // Envoy's own attribute reports UNKNOWN for a 200 to a request that is not
                    // gRPC.
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
            Attribute::Principal => self.identity("principal").or_else(principal),
            Attribute::Audiences => self.identity("aud").or_else(|| istio(&["aud"]).map(listed)),
            Attribute::Claim(path) => self.claim(path),
            Attribute::Weir(own) => self.own(*own),
            Attribute::RequestHeader(_) | Attribute::Baggage(_) => None,
        }
    }

    /// Returns the request's headers: those that the policy names, or all of them at the end.
    fn headers(&self) -> &Headers {
        match self.record {
            None => &self.seen.request.headers,
            Some(_) => {
                self.seen.late.get_or_init(|| headers::all(Map::RequestHeaders).unwrap_or_default())
            }
        }
    }

    /// Returns the stream's trace, where there is one.
    pub(super) fn trace(&self) -> Option<&Trace> {
        self.seen.trace.as_ref()
    }

    /// Returns the name of the stream's operation, where one fits.
    pub(super) fn operation(&self) -> Option<&str> {
        let names = self.plugin.policy.operations().names();
        names.get(self.seen.operation?).map(String::as_str)
    }

    fn own(&self, own: WeirAttribute) -> Option<Value> {
        match own {
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

    /// Reads what jwt-auth published.
    fn published(&self) -> Option<&Json> {
        let read = || serde_json::from_slice(&property::read(&["weir.jwt"]).ok()??).ok();
        self.seen.identity.get_or_init(read).as_ref()
    }

    fn identity(&self, member: &str) -> Option<Value> {
        self.published()?.get(member).and_then(Value::from_json)
    }

    fn claim(&self, path: &[String]) -> Option<Value> {
        if let Some(identity) = self.published() {
            let claims = identity.get("claims")?;
            let claim = path.iter().try_fold(claims, |claims, step| claims.get(step))?;
            return Value::from_json(claim);
        }
        istio(&path.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Reads a claim that Istio's RequestAuthentication verified.
fn istio(claim: &[&str]) -> Option<Value> {
    let metadata = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"];
    let path: Vec<&str> = metadata.into_iter().chain(claim.iter().copied()).collect();
    property::read(&path).ok().flatten().map(Value::from_host)
}

/// Makes a list of what may stand alone.
fn listed(value: Value) -> Value {
    match value {
        list @ Value::List(_) => list,
        one => Value::List(vec![one]),
    }
}

fn principal() -> Option<Value> {
    let (Value::Text(issuer), Value::Text(subject)) = (istio(&["iss"])?, istio(&["sub"])?) else {
        return None;
    };
    Some(Value::Text([issuer.as_slice(), b"/", &subject].concat()))
}
