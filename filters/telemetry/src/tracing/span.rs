//! What a span says of a stream.

use std::{borrow::Cow, time::Duration};

use filter_core::{GrpcStatus, Headers};

use super::{Change, Trace, Tracer, tags::redacted};
use crate::{
    expression::Attributes,
    otlp::{Attribute, Link, Span, SpanKind},
    record::{Method, Record},
    redact::Redactor,
    response_flags::response_flags,
    trace_context::TraceState,
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
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The request's headers as they came in: later filters may have changed them.
    pub headers: &'a Headers,
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

impl<'a> Seen<'a> {
    /// The headers that it reads, beside those of tags.
    pub(super) const HEADERS: [&'static str; 5] =
        [":method", ":path", ":scheme", ":authority", "user-agent"];

    fn header(&self, name: &str) -> &'a [u8] {
        self.headers.first(name).unwrap_or_default()
    }
}

impl Tracer {
    /// Makes the span of a stream that is reported, and counts the tags that could not be made.
    ///
    /// Texts are cut to `longest` bytes.
    #[must_use]
    pub fn span<'a>(
        &'a self,
        trace: &'a Trace,
        seen: &'a Seen<'_>,
        outcome: &Outcome<'a>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
        longest: usize,
    ) -> (Span<'a>, u32) {
        let is_failed = outcome.is_failed();
        let mut own = outcome.attributes(seen, is_failed);
        let failures = self.apply_tags(&mut own, seen, attributes, redactor);
        own.iter_mut().for_each(|attribute| attribute.cut(longest));
        let span = Span {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            trace_state: trace.state.as_ref().map(TraceState::as_str).unwrap_or_default().into(),
            parent_span_id: trace.parent,
            name: outcome.name(seen.header(":method")),
            kind: if outcome.is_client { SpanKind::Client } else { SpanKind::Server },
            start_time_unix_nano: nanos(seen.began),
            end_time_unix_nano: nanos(seen.began.saturating_add(outcome.record.duration)),
            attributes: own,
            link: trace.link(),
            is_failed,
            flags: trace.span_flags(),
        };
        (span, failures)
    }

    fn apply_tags<'a>(
        &'a self,
        own: &mut Vec<Attribute<'a>>,
        seen: &'a Seen<'_>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
    ) -> u32 {
        let mut failures = 0_u32;
        for tag in &self.tags {
            let there = own.iter().position(|attribute| attribute.key == tag.key);
            let there = there.map(|place| own.remove(place));
            let value = match &tag.change {
                Change::Remove => None,
                Change::Redact(redaction) => {
                    there.map(|it| redacted(&it.value, *redaction, redactor))
                }
                Change::Put(source, redaction) => {
                    let value = source.value(seen.headers, attributes).unwrap_or_else(|_| {
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

impl<'a> Outcome<'a> {
    /// Says whether the span's status is an error: a client's span is one from 400 on.
    fn is_failed(&self) -> bool {
        let refused = self.record.status.is_some_and(|status| status >= 400);
        self.is_error || (self.is_client && refused)
    }

    fn name(&self, method: &[u8]) -> Cow<'static, str> {
        let method = known(method).unwrap_or("HTTP");
        self.operation.map_or(method.into(), |name| format!("{method} {name}").into())
    }

    /// Follows the stable semantic conventions for HTTP, those for RPC, and Envoy's own words:
    /// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.
    fn attributes(&self, seen: &'a Seen<'_>, is_failed: bool) -> Vec<Attribute<'a>> {
        let method = seen.header(":method");
        let (host, port) = host_and_port(seen.header(":authority"));
        let mut own = Attributed(Vec::with_capacity(20));
        own.text("http.request.method", known(method).unwrap_or("_OTHER"));
        if known(method).is_none() {
            own.bytes("http.request.method_original", method);
        }
        own.text("http.route", self.operation.unwrap_or_default());
        own.bytes("url.path", without_query(seen.header(":path")));
        own.bytes("url.scheme", seen.header(":scheme"));
        own.bytes("server.address", host);
        own.number("server.port", port);
        own.bytes("client.address", without_port(&seen.source));
        own.bytes("network.protocol.version", version(&seen.protocol));
        own.bytes("user_agent.original", seen.header("user-agent"));
        own.number("http.response.status_code", self.record.status.map(u64::from));
        own.number("http.request.body.size", Some(self.record.request_bytes));
        own.number("http.response.body.size", Some(self.record.response_bytes));
        if let Some(code) = self.record.grpc_status {
            own.text("rpc.system.name", "grpc");
            own.text("rpc.response.status_code", grpc_name(code));
        }
        if is_failed {
            own.text("error.type", self.error_type(seen));
        }
        own.text("envoy.response_flags", response_flags(seen.flags));
        own.bytes("envoy.response_code_details", &seen.details);
        own.bytes("envoy.upstream_cluster", &seen.cluster);
        own.0
    }

    /// Names the error in few words: gRPC's status, HTTP's, or Envoy's flags.
    fn error_type(&self, seen: &Seen<'_>) -> Cow<'static, str> {
        let Record { status, grpc_status, .. } = *self.record;
        match (grpc_status.filter(|code| *code != 0), status.filter(|status| *status >= 400)) {
            (Some(code), _) => grpc_name(code),
            (None, Some(status)) => status.to_string().into(),
            _ if response_flags(seen.flags).is_empty() => "_OTHER".into(),
            _ => response_flags(seen.flags).into(),
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
            trace_id: parent.trace_id(),
            span_id: parent.span_id(),
            flags: u32::from(parent.flags()) | HAS_IS_REMOTE | IS_REMOTE,
        })
    }
}

/// Attributes under construction; what is empty is left out.
struct Attributed<'a>(Vec<Attribute<'a>>);

impl<'a> Attributed<'a> {
    fn text(&mut self, key: &'static str, text: impl Into<Cow<'a, str>>) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push(Attribute::new(key, text));
        }
    }

    fn bytes(&mut self, key: &'static str, text: &'a [u8]) {
        self.text(key, String::from_utf8_lossy(text));
    }

    fn number(&mut self, key: &'static str, number: Option<u64>) {
        self.0.extend(number.map(|number| Attribute::new(key, number)));
    }
}

/// Returns a method of the standards as it is.
fn known(method: &[u8]) -> Option<&'static str> {
    Some(Method::from_bytes(method)).filter(|method| *method != Method::Other).map(Method::as_str)
}

fn grpc_name(code: u32) -> Cow<'static, str> {
    let status = GrpcStatus::from_code(code.into());
    status.map_or_else(|| code.to_string().into(), |status| status.name().into())
}

fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
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
