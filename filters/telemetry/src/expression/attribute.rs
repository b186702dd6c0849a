//! Attributes of a stream.

use std::fmt;

use filter_core::Headers;

use super::{dynamic, value::Value};
use crate::trace_context::baggage;

/// An attribute of a stream or of the proxy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Attribute {
    /// An Envoy attribute.
    ///
    /// <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>
    Property {
        /// The segments of its path, outermost first.
        path: Vec<String>,
        /// The encoding of its value.
        encoding: Encoding,
        /// The phase from which it is available.
        phase: Phase,
    },
    /// A request header by its lower-case name. Several values are joined by commas.
    RequestHeader(String),
    /// A response header by its lower-case name. Several values are joined by commas.
    ResponseHeader(String),
    /// A response trailer by its lower-case name. Several values are joined by commas.
    ResponseTrailer(String),
    /// A percent-decoded member of the request's W3C Baggage.
    Baggage(String),
    /// The principal of a verified token: `<issuer>/<subject>`.
    Principal,
    /// The audiences of a verified token.
    Audiences,
    /// A claim of a verified token by its path.
    Claim(Vec<String>),
    /// An attribute of this filter.
    Weir(WeirAttribute),
}

/// An attribute of this filter, `weir.<name>` in expressions.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WeirAttribute {
    /// The name of the operation, `other` if none matches. Available from the request.
    Operation,
    /// Whether the stream is an error. Available at its end.
    Error,
    /// The trace id in hexadecimal. Available from the request.
    TraceId,
    /// The id of this proxy's span, if one is reported.
    SpanId,
    /// Whether the trace is sampled. Available from the request.
    Sampled,
}

/// The encoding of an Envoy attribute.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Encoding {
    /// The bytes of a text.
    Text,
    /// A 64-bit integer in little-endian order.
    Int,
    /// One byte, 0 for `false`.
    Bool,
    /// Nanoseconds as a 64-bit integer.
    Duration,
    /// Nanoseconds since the Unix epoch as a 64-bit integer.
    Timestamp,
    /// A text, a double, a boolean, a list or a map, distinguished by the bytes.
    Dynamic,
}

/// The earliest time at which an attribute is available.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// When the request headers arrive.
    Request,
    /// When the stream ends.
    End,
}

impl Attribute {
    /// Creates an Envoy attribute.
    pub(super) fn property(path: &[&str], encoding: Encoding, phase: Phase) -> Self {
        Self::Property {
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            encoding,
            phase,
        }
    }

    /// Returns the phase from which the attribute is available.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Property { phase, .. } => *phase,
            Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Weir(WeirAttribute::Error) => Phase::End,
            Self::RequestHeader(_)
            | Self::Baggage(_)
            | Self::Principal
            | Self::Audiences
            | Self::Claim(_)
            | Self::Weir(
                WeirAttribute::Operation
                | WeirAttribute::TraceId
                | WeirAttribute::SpanId
                | WeirAttribute::Sampled,
            ) => Phase::Request,
        }
    }

    /// Returns the lower-case name of the request header that contains the attribute, if any.
    #[must_use]
    pub fn request_header(&self) -> Option<&str> {
        match self {
            Self::RequestHeader(name) => Some(name),
            Self::Baggage(_) => Some("baggage"),
            Self::Property { path, .. } => {
                let [request, field] = path.as_slice() else { return None };
                let known = HEADERS.iter().find(|(known, _)| known == field);
                known.filter(|_| request == "request").map(|(_, header)| *header)
            }
            Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Principal
            | Self::Audiences
            | Self::Claim(_)
            | Self::Weir(_) => None,
        }
    }

    /// Reads the attribute from `headers`, which must contain all values of
    /// [`Attribute::request_header`]; `None` if the header is missing.
    #[must_use]
    pub fn value_in(&self, headers: &Headers) -> Option<Value> {
        let name = self.request_header()?;
        match self {
            Self::Property { path, .. } => {
                let value = headers.first(name)?;
                let is_cut = path.last().is_some_and(|field| field == "url_path");
                let end = value.iter().position(|byte| is_cut && *byte == b'?');
                Some(Value::Text(value.get(..end.unwrap_or(value.len()))?.to_vec()))
            }
            Self::Baggage(key) => {
                baggage::value(&headers.joined(name)?, key).map(|text| Value::text(&text))
            }
            Self::RequestHeader(_) => headers.joined(name).map(Value::Text),
            Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Principal
            | Self::Audiences
            | Self::Claim(_)
            | Self::Weir(_) => None,
        }
    }

    /// Returns `true` if later filters or the router may change the attribute, so that it must be
    /// read when the request headers arrive.
    #[must_use]
    pub fn is_mutable(&self) -> bool {
        match self {
            Self::RequestHeader(_) | Self::Baggage(_) => true,
            Self::Property { path, .. } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                matches!(path.as_slice(), ["request", field, ..] if MUTABLE_FIELDS.contains(field))
            }
            Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Principal
            | Self::Audiences
            | Self::Claim(_)
            | Self::Weir(_) => false,
        }
    }

    /// Returns `true` if the attribute is a credential or an identity.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        match self {
            Self::RequestHeader(name)
            | Self::ResponseHeader(name)
            | Self::ResponseTrailer(name) => is_sensitive_header(name),
            Self::Principal | Self::Claim(_) => true,
            Self::Property { path, .. } => path.iter().any(|segment| {
                IDENTITY_KEYS.contains(&segment.as_str()) || is_sensitive_header(segment)
            }),
            Self::Baggage(_) | Self::Audiences | Self::Weir(_) => false,
        }
    }

    /// Decodes the bytes of the attribute; `None` if they do not have its encoding.
    #[must_use]
    pub fn decode(&self, bytes: Vec<u8>) -> Option<Value> {
        let encoding = match self {
            Self::Property { encoding, .. } => *encoding,
            Self::RequestHeader(_)
            | Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Baggage(_)
            | Self::Principal
            | Self::Audiences
            | Self::Claim(_)
            | Self::Weir(_) => Encoding::Text,
        };
        match encoding {
            Encoding::Text => Some(Value::Text(bytes)),
            Encoding::Int => number(&bytes).map(Value::Int),
            Encoding::Duration => number(&bytes).map(Value::Duration),
            Encoding::Timestamp => number(&bytes).map(Value::Timestamp),
            Encoding::Bool => match bytes.as_slice() {
                [byte] => Some(Value::Bool(*byte != 0)),
                _ => None,
            },
            Encoding::Dynamic => Some(dynamic::read(bytes)),
        }
    }
}

/// Fields of `request` that are based on headers.
const MUTABLE_FIELDS: [&str; 10] = [
    "path",
    "url_path",
    "host",
    "scheme",
    "method",
    "referer",
    "useragent",
    "id",
    "query",
    "headers",
];

/// Fields of `request` with their headers. `url_path` is a part of its header.
const HEADERS: [(&str, &str); 8] = [
    ("path", ":path"),
    ("url_path", ":path"),
    ("host", ":authority"),
    ("scheme", ":scheme"),
    ("method", ":method"),
    ("referer", "referer"),
    ("useragent", "user-agent"),
    ("id", "x-request-id"),
];

/// Keys of filter state and metadata that contain identities.
const IDENTITY_KEYS: [&str; 4] =
    ["weir.jwt", "wasm.weir.jwt", "envoy.filters.http.jwt_authn", "istio_authn"];

/// Returns `true` if a header contains a credential.
#[must_use]
pub fn is_sensitive_header(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"].contains(&name)
}

fn number(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_le_bytes)
}

impl fmt::Display for Attribute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property { path, .. } => out.write_str(&path.join(".")),
            Self::RequestHeader(name) => write!(out, "request.headers['{name}']"),
            Self::ResponseHeader(name) => write!(out, "response.headers['{name}']"),
            Self::ResponseTrailer(name) => write!(out, "response.trailers['{name}']"),
            Self::Baggage(key) => write!(out, "baggage['{key}']"),
            Self::Principal => out.write_str("request.auth.principal"),
            Self::Audiences => out.write_str("request.auth.audiences"),
            Self::Claim(path) => write!(out, "request.auth.claims['{}']", path.join("']['")),
            Self::Weir(own) => write!(out, "weir.{}", own.name()),
        }
    }
}

impl WeirAttribute {
    const fn name(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Error => "error",
            Self::TraceId => "traceId",
            Self::SpanId => "spanId",
            Self::Sampled => "sampled",
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn header_attributes_are_read_from_headers() {
        let headers = Headers::from_iter([
            (":path", "/a?b=1"),
            (":authority", "app"),
            ("x", "1"),
            ("x", "2"),
            ("user-agent", "curl"),
            ("baggage", "k=v"),
            ("baggage", "l=w%20x"),
        ]);
        let field = |name| Attribute::property(&["request", name], Encoding::Text, Phase::Request);
        for (attribute, header, value) in [
            (field("path"), ":path", Some("/a?b=1")),
            (field("url_path"), ":path", Some("/a")),
            (field("host"), ":authority", Some("app")),
            (field("useragent"), "user-agent", Some("curl")),
            (field("referer"), "referer", None),
            (Attribute::RequestHeader("x".into()), "x", Some("1,2")),
            (Attribute::RequestHeader("y".into()), "y", None),
            (Attribute::Baggage("l".into()), "baggage", Some("w x")),
            (Attribute::Baggage("m".into()), "baggage", None),
        ] {
            assert_eq!(attribute.request_header(), Some(header), "{attribute}");
            assert_eq!(attribute.value_in(&headers), value.map(Value::text), "{attribute}");
        }
        for attribute in [
            field("query"),
            field("protocol"),
            Attribute::property(&["source", "path"], Encoding::Text, Phase::Request),
            Attribute::ResponseHeader("x".into()),
        ] {
            assert_eq!(attribute.request_header(), None, "{attribute}");
            assert_eq!(attribute.value_in(&headers), None, "{attribute}");
        }
    }
}
