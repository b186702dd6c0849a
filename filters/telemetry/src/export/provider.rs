//! A collector, and how it is spoken to.

use std::{fmt, time::Duration};

use filter_core::ClusterRef;

use super::Limits;
use crate::export::otlp::{Attribute, Envelope, Signal};

/// A provider that telemetry can be sent to.
#[derive(Clone)]
pub struct Provider {
    /// What entries call it.
    pub name: Box<str>,
    /// The cluster that is called.
    pub cluster: ClusterRef,
    /// The `:authority` of requests.
    pub authority: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// Further headers or metadata. The values are secrets.
    pub headers: Vec<(String, String)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How much is kept and sent at once.
    pub limits: Limits,
    /// The longest value of a tag, in bytes.
    pub max_tag_length: usize,
    /// What is said of the resource, over what is found.
    pub resource: Vec<(String, String)>,
}

/// The two forms of OTLP that are spoken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// Protobuf in an HTTP request.
    Http {
        /// The path that takes spans.
        traces: Box<str>,
        /// The path that takes log records.
        logs: Box<str>,
    },
    /// gRPC, framed by hand: so the trailers are seen.
    Grpc,
}

impl Provider {
    /// Makes the envelope of its requests from what was found about the resource.
    #[must_use]
    pub fn envelope(&self, found: &[(String, String)]) -> Envelope {
        let is_configured = |name: &str| self.resource.iter().any(|(own, _)| own == name);
        let kept = found.iter().filter(|(name, _)| !is_configured(name));
        let all = kept.chain(&self.resource);
        let attributes: Vec<_> = all.map(|(name, text)| Attribute::new(&**name, &**text)).collect();
        Envelope::new(&attributes, self.protocol == Protocol::Grpc)
    }

    /// Returns the headers of its requests.
    #[must_use]
    pub fn headers(&self, signal: Signal) -> Vec<(String, String)> {
        let path = match (&self.protocol, signal) {
            (Protocol::Grpc, signal) => signal.method(),
            (Protocol::Http { traces, .. }, Signal::Traces) => traces,
            (Protocol::Http { logs, .. }, Signal::Logs) => logs,
        };
        let timeout = format!("{}m", self.timeout.as_millis());
        let specific: &[(&str, &str)] = match self.protocol {
            Protocol::Http { .. } => &[("content-type", "application/x-protobuf")],
            Protocol::Grpc => &[
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("grpc-timeout", &timeout),
            ],
        };
        let user_agent = concat!("weir-telemetry/", env!("CARGO_PKG_VERSION"));
        let first = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", &*self.authority),
            ("user-agent", user_agent),
        ];
        let own = self.headers.iter().map(|(name, value)| (&**name, &**value));
        let all = first.into_iter().chain(specific.iter().copied()).chain(own);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Provider");
        shown.field("name", &self.name).field("cluster", &self.cluster);
        shown.field("protocol", &self.protocol).field("limits", &self.limits);
        shown.finish_non_exhaustive()
    }
}
