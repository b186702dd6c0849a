//! The snapshot of a request at its headers.

use std::cell::OnceCell;

use filter_core::{Headers, Request};
use serde_json::Value as Json;

use super::{Telemetry, attributes::StreamAttributes};
use crate::{MessageCounter, Method, RequestTarget, Trace, expression::AttributeCache};

/// The state of a stream that is captured at its request headers.
pub(super) struct RequestSnapshot {
    pub(super) cache: AttributeCache,
    /// The JSON that jwt-auth published.
    pub(super) jwt: OnceCell<Option<Json>>,
    /// The parts of the request that the policy needs.
    pub(super) request: Request,
    /// All request headers, read at the end of the stream if an attribute needs them.
    pub(super) headers_at_end: OnceCell<Headers>,
    /// Whether the request could be read.
    pub(super) is_readable: bool,
    /// `None` if the method was not captured.
    pub(super) method: Option<Method>,
    pub(super) operation: Option<usize>,
    pub(super) trace: Option<Trace>,
    /// Message counters; `None` if messages are not counted.
    pub(super) messages: Option<MessageCounts>,
    /// `None` if no response headers are added.
    pub(super) response_hints: Option<ResponseHints>,
}

/// The message counters of a gRPC call.
#[derive(Default)]
pub(super) struct MessageCounts {
    pub(super) request: MessageCounter,
    pub(super) response: MessageCounter,
}

/// Values captured at the request for added response headers.
pub(super) struct ResponseHints {
    pub(super) request_id: Option<Vec<u8>>,
}

impl RequestSnapshot {
    pub(super) fn new(plugin: &Telemetry) -> Self {
        Self {
            cache: plugin.policy.attribute_table().new_cache(),
            jwt: OnceCell::new(),
            request: Request::default(),
            headers_at_end: OnceCell::new(),
            is_readable: true,
            method: None,
            operation: None,
            trace: None,
            messages: None,
            response_hints: None,
        }
    }
}

impl Telemetry {
    /// Captures the parts of the request that the policy needs.
    pub(super) fn snapshot(&self) -> RequestSnapshot {
        let mut snapshot = RequestSnapshot::new(self);
        if let Some(reader) = &self.reader {
            let request = reader.read();
            snapshot.is_readable = request.is_ok();
            // An unreadable request matches no condition.
            snapshot.request = request.unwrap_or_default();
            let header = |name| snapshot.request.headers.first(name).unwrap_or_default();
            let (method, path, host) = (header(":method"), header(":path"), header(":authority"));
            let target = RequestTarget { path, method, host };
            snapshot.operation = self.policy.operations().find(&target);
            snapshot.method = (!method.is_empty()).then(|| Method::from_bytes(method));
        }
        StreamAttributes::of_request(self, &snapshot).capture_early();
        snapshot
    }
}
