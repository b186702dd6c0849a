//! Added response headers, and the operation in filter state.

use std::time::Duration;

use filter_host::{
    clock,
    headers::{self, Map},
    published::{self, Fact, Readers},
};

use super::{
    Telemetry,
    attributes::StreamAttributes,
    snapshot::{MessageCounts, RequestSnapshot, ResponseHints},
};
use crate::{OTHER, REQUEST_ID, stream::messages};

impl Telemetry {
    /// Prepares, at the request headers, message counting, filter state and response headers.
    pub(super) fn prepare_response(&self, snapshot: &mut RequestSnapshot) {
        if self.metrics.counts_messages() && is_grpc() {
            snapshot.messages = Some(MessageCounts::default());
        }
        let attributes = StreamAttributes::of_request(self, snapshot);
        if self.policy.sets_filter_state() {
            let name = attributes.operation().unwrap_or(OTHER).as_bytes().into();
            if let Err(error) = published::publish(Fact::Operation, &name, Readers::Everyone) {
                self.metrics.expression_failed();
                log::debug!("weir.operation not set in filter state: {error:?}");
            }
        }
        let Some(configured) = self.policy.response_headers() else { return };
        let applies = configured.applies_to(&attributes, &snapshot.request).unwrap_or_else(|_| {
            self.metrics.expression_failed();
            false
        });
        if applies {
            let read = || headers::value(Map::RequestHeaders, REQUEST_ID).ok().flatten();
            let request_id = configured.adds_request_id().then(read).flatten();
            snapshot.response_hints = Some(ResponseHints { request_id });
        }
    }

    /// Adds the configured headers to the response.
    pub(super) fn add_response_headers(&self, snapshot: &RequestSnapshot, started_at: Duration) {
        let (Some(configured), Some(hints)) =
            (self.policy.response_headers(), &snapshot.response_hints)
        else {
            return;
        };
        let attributes = StreamAttributes::of_request(self, snapshot);
        let trace_id = attributes.trace().map(|trace| trace.trace_id.to_string());
        let request_id = hints.request_id.as_deref();
        let elapsed = clock::monotonic().saturating_sub(started_at);
        for (name, value) in configured.headers(elapsed, trace_id.as_deref(), request_id) {
            let written = if name == REQUEST_ID {
                headers::set(Map::ResponseHeaders, name, &value)
            } else {
                headers::add(Map::ResponseHeaders, name, &value)
            };
            if let Err(error) = written {
                self.metrics.expression_failed();
                log::debug!("response header {name} not written: {error:?}");
            }
        }
    }
}

fn is_grpc() -> bool {
    let content_type = headers::value(Map::RequestHeaders, "content-type").ok().flatten();
    content_type.is_some_and(|content_type| messages::is_framed(&content_type))
}
