//! What can be read of a stream.

use std::fmt;

use filter_core::Headers;

use super::{dynamic, value::Value};
use crate::trace_context::baggage;

/// One thing to read of a stream or of the proxy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Attribute {
    /// An attribute of the proxy, by its path.
    ///
    /// <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>
    Property {
        /// The steps to it, outermost first.
        path: Vec<String>,
        /// How the proxy writes it.
        encoding: Encoding,
        /// When it is there.
        phase: Phase,
    },
    /// All values of a request header, joined by commas; the name in lower case.
    RequestHeader(String),
    /// All values of a response header, joined by commas; the name in lower case.
    ResponseHeader(String),
    /// All values of a response trailer, joined by commas; the name in lower case.
    ResponseTrailer(String),
    /// A member of the request's W3C Baggage, percent-decoded.
    Baggage(String),
    /// Who a verified token says the caller is: issuer, slash, subject.
    Principal,
    /// For whom a verified token is: a list of text.
    Audiences,
    /// A claim of a verified token, by its path.
    Claim(Vec<String>),
    /// What this filter itself knows of the stream.
    Weir(WeirAttribute),
}

/// What this filter itself knows of a stream.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WeirAttribute {
    /// The operation, `other` where none matches; there from the request on.
    Operation,
    /// Whether the stream is an error; there at its end.
    Error,
    /// The trace id in hexadecimal; there from the request on.
    TraceId,
    /// The id of the span of this proxy, where one is reported.
    SpanId,
    /// Whether the stream is sampled; there from the request on.
    Sampled,
}

/// How the proxy writes an attribute.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Encoding {
    /// As it is.
    Text,
    /// Eight bytes, the lowest first.
    Int,
    /// One byte.
    Bool,
    /// Nanoseconds in eight bytes.
    Duration,
    /// Nanoseconds since 1970 in eight bytes.
    Timestamp,
    /// Text, a double in eight bytes, or a bool in one: only the bytes tell.
    Dynamic,
}

/// From when on something can be read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// From the request's headers on.
    Request,
    /// When the stream has ended.
    End,
}

impl Attribute {
    /// Makes an attribute of the proxy.
    pub(super) fn property(path: &[&str], encoding: Encoding, phase: Phase) -> Self {
        Self::Property {
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            encoding,
            phase,
        }
    }

    /// Returns from when on it can be read.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Property { phase, .. } => *phase,
            Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Weir(WeirAttribute::Error) => Phase::End,
            _ => Phase::Request,
        }
    }

    /// Returns the request's header that it is read from, in lower case; `None` where it is no header.
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
            _ => None,
        }
    }

    /// Makes the value of [`Attribute::request_header`]'s header, of which `headers` must hold all
    /// values; `None` where there is none.
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
            _ => headers.joined(name).map(Value::Text),
        }
    }

    /// Says whether later filters or the router may change it, so that it has to be read as soon as
    /// it is there.
    #[must_use]
    pub fn is_mutable(&self) -> bool {
        match self {
            Self::RequestHeader(_) | Self::Baggage(_) => true,
            Self::Property { path, .. } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                matches!(path.as_slice(), ["request", field, ..] if MUTABLE_FIELDS.contains(field))
            }
            _ => false,
        }
    }

    /// Says whether it must not leave the proxy as it is.
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
            _ => false,
        }
    }

    /// Reads the bytes that the proxy hands over; `None` where they are not of its form.
    #[must_use]
    pub fn decode(&self, bytes: Vec<u8>) -> Option<Value> {
        let encoding = match self {
            Self::Property { encoding, .. } => *encoding,
            _ => Encoding::Text,
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

/// Fields of `request` that are headers.
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

/// Fields of `request` that are a header as it is, and `url_path`, which is a part of one.
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

/// Where filters leave identities: the keys of their state and metadata.
const IDENTITY_KEYS: [&str; 4] =
    ["weir.jwt", "wasm.weir.jwt", "envoy.filters.http.jwt_authn", "istio_authn"];

/// Says whether a header carries what lets one act as somebody else.
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
    fn what_is_a_header_is_made_of_headers() {
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
