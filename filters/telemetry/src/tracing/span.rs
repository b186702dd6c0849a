//! What a span says of a stream.

use std::time::Duration;

use filter_core::GrpcStatus;

use super::{Captured, Change, Trace, Tracer, tags::redacted};
use crate::{
    expression::Attributes,
    otlp::{Attribute, Link, Span, SpanKind, Status, StatusCode, Value},
    record::{Method, Record},
    redact::Redactor,
    response_flags::response_flags,
};

mod address;

use address::{host_and_port, without_port};

/// Says in a span's flags that it is known whether the parent is another process's.
const HAS_IS_REMOTE: u32 = 0x100;
/// Says that it is.
const IS_REMOTE: u32 = 0x200;

/// The attributes that a span may have anyway.
pub(super) const BUILT_IN: [&str; 19] = [
    "http.request.method",
    "http.request.method_original",
    "http.route",
    "url.path",
    "url.scheme",
    "server.address",
    "server.port",
    "client.address",
    "network.protocol.version",
    "user_agent.original",
    "http.response.status_code",
    "http.request.body.size",
    "http.response.body.size",
    "rpc.system.name",
    "rpc.response.status_code",
    "error.type",
    "envoy.response_flags",
    "envoy.response_code_details",
    "envoy.upstream_cluster",
];

/// What was seen of a stream until its end, beside its record.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What was kept of the request's headers.
    pub captured: Captured,
    /// When it began, since 1970.
    pub began: Duration,
    /// The client's address, with its port.
    pub source: Vec<u8>,
    /// The client's protocol, such as `HTTP/1.1`.
    pub protocol: Vec<u8>,
    /// Envoy's response flags.
    pub flags: u64,
    /// Envoy's reason for the response.
    pub details: Vec<u8>,
    /// The cluster that was called.
    pub cluster: Vec<u8>,
}

/// What others have found about a stream.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    /// The stream when it had ended.
    pub record: &'a Record,
    /// The name of its operation, where one fits.
    pub operation: Option<&'a str>,
    /// Whether it counts as an error.
    pub is_error: bool,
    /// Whether the listener is an outbound one of a sidecar.
    pub is_client: bool,
}

impl Tracer {
    /// Makes the span of a stream that is reported, and counts the tags that could not be made.
    ///
    /// Texts are cut to `longest` bytes.
    #[must_use]
    pub fn span(
        &self,
        trace: &Trace,
        seen: &Seen,
        outcome: &Outcome<'_>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
        longest: usize,
    ) -> (Span, u32) {
        let is_failed = outcome.is_failed();
        let mut own = outcome.attributes(seen, is_failed);
        let failures = self.apply_tags(&mut own, seen, attributes, redactor);
        own.iter_mut().for_each(|attribute| attribute.cut(longest));
        let status = Status { code: StatusCode::Error as i32 };
        let end = seen.began.saturating_add(outcome.record.duration);
        let state = trace.state.as_ref().map(|state| state.as_str().to_owned());
        let span = Span {
            trace_id: trace.trace_id.as_bytes().to_vec(),
            span_id: trace.span_id.as_bytes().to_vec(),
            trace_state: state.unwrap_or_default(),
            parent_span_id: trace.parent.map_or_else(Vec::new, |id| id.as_bytes().to_vec()),
            name: outcome.name(&seen.captured.method),
            kind: if outcome.is_client { SpanKind::Client } else { SpanKind::Server } as i32,
            start_time_unix_nano: nanos(seen.began),
            end_time_unix_nano: nanos(end),
            attributes: own,
            links: trace.link().into_iter().collect(),
            status: is_failed.then_some(status),
            flags: trace.span_flags(),
        };
        (span, failures)
    }

    fn apply_tags(
        &self,
        own: &mut Vec<Attribute>,
        seen: &Seen,
        attributes: &dyn Attributes,
        redactor: &Redactor,
    ) -> u32 {
        let mut failures = 0_u32;
        for (place, tag) in self.tags.iter().enumerate() {
            let there = own.iter().position(|attribute| attribute.key == tag.key);
            let there = there.map(|place| own.remove(place));
            let value = match &tag.change {
                Change::Remove => None,
                Change::Redact(redaction) => {
                    let value = there.as_ref().and_then(Attribute::value);
                    value.map(|value| redacted(value, *redaction, redactor))
                }
                Change::Put(source, redaction) => {
                    let header = seen.captured.tags.get(place).and_then(Option::as_deref);
                    let value = source.value(header, attributes).unwrap_or_else(|_| {
                        failures = failures.saturating_add(1);
                        None
                    });
                    value.map(|value| match redaction {
                        Some(redaction) => redacted(&value, *redaction, redactor),
                        None => value,
                    })
                }
            };
            own.extend(value.map(|value| Attribute::new(&*tag.key, value)));
        }
        failures
    }
}

impl Outcome<'_> {
    /// Says whether the span's status is an error: a client's span is one from 400 on.
    fn is_failed(&self) -> bool {
        let refused = self.record.status.is_some_and(|status| status >= 400);
        self.is_error || (self.is_client && refused)
    }

    fn name(&self, method: &[u8]) -> String {
        let method = known(method).unwrap_or("HTTP");
        self.operation.map_or_else(|| method.to_owned(), |name| format!("{method} {name}"))
    }

    /// Follows the stable semantic conventions for HTTP, those for RPC, and Envoy's own words:
    /// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.
    fn attributes(&self, seen: &Seen, is_failed: bool) -> Vec<Attribute> {
        let Captured { method, path, scheme, authority, user_agent, .. } = &seen.captured;
        let (host, port) = host_and_port(authority);
        let mut own = Attributed(Vec::with_capacity(20));
        own.text("http.request.method", known(method).unwrap_or("_OTHER").as_bytes());
        if known(method).is_none() {
            own.text("http.request.method_original", method);
        }
        own.text("http.route", self.operation.unwrap_or_default().as_bytes());
        own.text("url.path", path);
        own.text("url.scheme", scheme);
        own.text("server.address", host);
        own.number("server.port", port);
        own.text("client.address", without_port(&seen.source));
        own.text("network.protocol.version", version(&seen.protocol));
        own.text("user_agent.original", user_agent);
        own.number("http.response.status_code", self.record.status.map(u64::from));
        own.number("http.request.body.size", Some(self.record.request_bytes));
        own.number("http.response.body.size", Some(self.record.response_bytes));
        self.add_rpc(&mut own);
        if is_failed {
            own.text("error.type", self.error_type(seen).as_bytes());
        }
        own.text("envoy.response_flags", response_flags(seen.flags).as_bytes());
        own.text("envoy.response_code_details", &seen.details);
        own.text("envoy.upstream_cluster", &seen.cluster);
        own.0
    }

    fn add_rpc(&self, own: &mut Attributed) {
        let Some(code) = self.record.grpc_status else { return };
        own.text("rpc.system.name", b"grpc");
        let name = grpc_name(code);
        own.text("rpc.response.status_code", name.as_bytes());
    }

    /// Names the error in few words: gRPC's status, HTTP's, or Envoy's flags.
    fn error_type(&self, seen: &Seen) -> String {
        let Record { status, grpc_status, .. } = *self.record;
        match (grpc_status.filter(|code| *code != 0), status.filter(|status| *status >= 400)) {
            (Some(code), _) => grpc_name(code),
            (None, Some(status)) => status.to_string(),
            _ if response_flags(seen.flags).is_empty() => "_OTHER".to_owned(),
            _ => response_flags(seen.flags),
        }
    }
}

impl Trace {
    fn span_flags(&self) -> u32 {
        let remote = if self.parent.is_some() { HAS_IS_REMOTE | IS_REMOTE } else { 0 };
        u32::from(self.flags) | remote
    }

    fn link(&self) -> Option<Link> {
        self.link.map(|parent| Link {
            trace_id: parent.trace_id().as_bytes().to_vec(),
            span_id: parent.span_id().as_bytes().to_vec(),
            trace_state: String::new(),
            flags: u32::from(parent.flags()) | HAS_IS_REMOTE | IS_REMOTE,
        })
    }
}

/// Attributes under construction; what is empty is left out.
struct Attributed(Vec<Attribute>);

impl Attributed {
    fn text(&mut self, key: &str, text: &[u8]) {
        if !text.is_empty() {
            let text = String::from_utf8_lossy(text).into_owned();
            self.0.push(Attribute::new(key, Value::Text(text)));
        }
    }

    fn number(&mut self, key: &str, number: Option<u64>) {
        self.0.extend(number.map(|number| Attribute::new(key, number)));
    }
}

/// Returns a method of the standards as it is.
fn known(method: &[u8]) -> Option<&'static str> {
    Some(Method::from_bytes(method)).filter(|method| *method != Method::Other).map(Method::as_str)
}

fn grpc_name(code: u32) -> String {
    GrpcStatus::from_code(code.into())
        .map_or_else(|| code.to_string(), |status| status.name().to_owned())
}

/// Returns the version in Envoy's name of a protocol: `1.1` of `HTTP/1.1`.
fn version(protocol: &[u8]) -> &[u8] {
    protocol.strip_prefix(b"HTTP/").unwrap_or_default()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
