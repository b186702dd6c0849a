//! The built-in attributes of spans.

use std::borrow::Cow;

use filter_core::GrpcStatus;

use super::{
    SpanInputs, StreamOutcome,
    address::{host_and_port, without_port},
};
use crate::{
    export::otlp::Attribute,
    stream::record::{Method, Record},
    stream::response_flags::response_flags,
};

/// The names of the built-in attributes.
pub(in crate::signals::tracing) const BUILT_IN: [&str; 19] = [
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

impl<'a> StreamOutcome<'a> {
    pub(super) fn name(&self, method: &[u8]) -> Cow<'static, str> {
        let method = known(method).unwrap_or("HTTP");
        self.operation.map_or(method.into(), |name| format!("{method} {name}").into())
    }

    /// Returns the built-in attributes, which follow the semantic conventions for HTTP and RPC.
    ///
    /// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>
    pub(super) fn attributes(
        &self,
        seen: &'a SpanInputs<'_>,
        is_failed: bool,
    ) -> Vec<Attribute<'a>> {
        let method = seen.header(":method");
        let (host, port) = host_and_port(seen.header(":authority"));
        let mut own = AttributeList(Vec::with_capacity(20));
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

    /// Returns `error.type`: the gRPC status, the HTTP status or Envoy's response flags.
    fn error_type(&self, seen: &SpanInputs<'_>) -> Cow<'static, str> {
        let Record { status, grpc_status, .. } = *self.record;
        match (grpc_status.filter(|code| *code != 0), status.filter(|status| *status >= 400)) {
            (Some(code), _) => grpc_name(code),
            (None, Some(status)) => status.to_string().into(),
            _ if response_flags(seen.flags).is_empty() => "_OTHER".into(),
            _ => response_flags(seen.flags).into(),
        }
    }
}

/// A list of attributes that skips empty texts.
struct AttributeList<'a>(Vec<Attribute<'a>>);

impl<'a> AttributeList<'a> {
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

/// Returns a standard method; `None` for any other.
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

/// Returns the version of Envoy's protocol name: `1.1` for `HTTP/1.1`.
fn version(protocol: &[u8]) -> &[u8] {
    protocol.strip_prefix(b"HTTP/").unwrap_or_default()
}
