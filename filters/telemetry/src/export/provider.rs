//! A compiled provider: a collector and its protocol.

use std::{fmt, time::Duration};

use filter_core::{ClusterRef, grpc};

use super::QueueLimits;
use crate::export::otlp::{Attribute, Envelope, Framing, Signal};

/// A provider that telemetry can be sent to.
#[derive(Clone)]
pub struct Provider {
    /// The name by which entries refer to it.
    pub name: Box<str>,
    /// The cluster to call.
    pub cluster: ClusterRef,
    /// The `:authority` of requests.
    pub authority: String,
    /// The protocol.
    pub protocol: Protocol,
    /// Additional headers or metadata. The values are secret.
    pub headers: Vec<(String, String)>,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Limits of the queue and batches.
    pub limits: QueueLimits,
    /// Maximum length of a tag value, in bytes.
    pub max_tag_length: usize,
    /// Configured resource attributes, which override detected ones.
    pub resource: Vec<(String, String)>,
}

/// An OTLP transport.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// OTLP/HTTP with binary Protobuf.
    Http {
        /// The path for spans.
        traces: Box<str>,
        /// The path for log records.
        logs: Box<str>,
    },
    /// OTLP/gRPC. Framed here and sent as an HTTP call, which gives access to the trailers.
    Grpc,
}

impl Provider {
    /// Creates the envelope of its requests from the detected resource attributes.
    #[must_use]
    pub fn envelope(&self, detected: &[(String, String)]) -> Envelope {
        let is_configured =
            |name: &str| self.resource.iter().any(|(configured, _)| configured == name);
        let kept = detected.iter().filter(|(name, _)| !is_configured(name));
        let all = kept.chain(&self.resource);
        let attributes: Vec<_> = all.map(|(name, text)| Attribute::new(&**name, &**text)).collect();
        Envelope::new(&attributes, self.protocol.framing())
    }

    /// Returns the headers of requests for a signal.
    #[must_use]
    pub fn headers(&self, signal: Signal) -> Vec<(String, String)> {
        let path = match (&self.protocol, signal) {
            (Protocol::Grpc, signal) => signal.grpc_path(),
            (Protocol::Http { traces, .. }, Signal::Traces) => traces,
            (Protocol::Http { logs, .. }, Signal::Logs) => logs,
        };
        let transport = match self.protocol {
            Protocol::Http { .. } => {
                vec![("content-type", "application/x-protobuf".to_owned())]
            }
            Protocol::Grpc => grpc::headers(self.timeout).into(),
        };
        let user_agent = concat!("weir-telemetry/", env!("CARGO_PKG_VERSION"));
        let common = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", &*self.authority),
            ("user-agent", user_agent),
        ];
        let configured = self.headers.iter().map(|(name, value)| (&**name, &**value));
        let transport = transport.iter().map(|(name, value)| (*name, &**value));
        let all = common.into_iter().chain(transport).chain(configured);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Protocol {
    const fn framing(&self) -> Framing {
        match self {
            Self::Http { .. } => Framing::Http,
            Self::Grpc => Framing::Grpc,
        }
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
