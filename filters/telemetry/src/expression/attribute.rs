//! What can be read of a stream.

use std::fmt;

use super::{dynamic, value::Value};

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
        form: Form,
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
    Own(Own),
}

/// What this filter itself knows of a stream.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Own {
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
pub enum Form {
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
    pub(super) fn property(path: &[&str], form: Form, phase: Phase) -> Self {
        Self::Property { path: path.iter().map(|step| (*step).to_owned()).collect(), form, phase }
    }

    /// Returns from when on it can be read.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Property { phase, .. } => *phase,
            Self::ResponseHeader(_) | Self::ResponseTrailer(_) | Self::Own(Own::Error) => {
                Phase::End
            }
            _ => Phase::Request,
        }
    }

    /// Says whether later filters or the router may change it, so that it has to be read as soon as
    /// it is there.
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        match self {
            Self::RequestHeader(_) | Self::Baggage(_) => true,
            Self::Property { path, .. } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                matches!(path.as_slice(), ["request", field, ..] if FLEETING.contains(field))
            }
            _ => false,
        }
    }

    /// Says whether it must not leave the proxy as it is.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match self {
            Self::RequestHeader(name)
            | Self::ResponseHeader(name)
            | Self::ResponseTrailer(name) => is_secret_header(name),
            Self::Principal | Self::Claim(_) => true,
            Self::Property { path, .. } => path
                .iter()
                .any(|step| SECRET_STATES.contains(&step.as_str()) || is_secret_header(step)),
            _ => false,
        }
    }

    /// Reads the bytes that the proxy hands over; `None` where they are not of its form.
    #[must_use]
    pub fn decode(&self, bytes: Vec<u8>) -> Option<Value> {
        let form = match self {
            Self::Property { form, .. } => *form,
            _ => Form::Text,
        };
        match form {
            Form::Text => Some(Value::Text(bytes)),
            Form::Int => number(&bytes).map(Value::Int),
            Form::Duration => number(&bytes).map(Value::Duration),
            Form::Timestamp => number(&bytes).map(Value::Timestamp),
            Form::Bool => match bytes.as_slice() {
                [byte] => Some(Value::Bool(*byte != 0)),
                _ => None,
            },
            Form::Dynamic => Some(dynamic::read(bytes)),
        }
    }
}

/// Fields of `request` that are headers.
const FLEETING: [&str; 10] = [
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

/// Where filters leave identities: the keys of their state and metadata.
const SECRET_STATES: [&str; 4] =
    ["weir.jwt", "wasm.weir.jwt", "envoy.filters.http.jwt_authn", "istio_authn"];

/// Says whether a header carries what lets one act as somebody else.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
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
            Self::Own(own) => write!(out, "weir.{}", own.name()),
        }
    }
}

impl Own {
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
