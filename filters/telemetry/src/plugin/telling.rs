//! What a stream leaves for others: headers of its response, the operation in filter state.

use std::time::Instant;

use filter_host::{
    headers::{self, Map},
    property,
};

use super::{
    Telemetry,
    attributes::{BothWays, Seen, Told, View},
};
use crate::{OTHER, REQUEST_ID};

impl Telemetry {
    /// Settles at the request's headers what can be told only there.
    pub(super) fn prepare(&self, seen: &mut Seen) {
        if self.meters.counts_messages() && is_grpc() {
            seen.messages = Some(BothWays::default());
        }
        let view = View { plugin: self, seen, is_error: false, record: None };
        if self.policy.fills_state() {
            let name = view.operation().unwrap_or(OTHER);
            if property::write(&["weir.operation"], name.as_bytes()).is_err() {
                log::debug!("the operation was not left in filter state");
            }
        }
        let Some(wanted) = self.policy.response_headers() else { return };
        let are_for = wanted.are_for(&view, &seen.request).unwrap_or_else(|_| {
            self.meters.expression_failed();
            false
        });
        if are_for {
            let read = || headers::value(Map::RequestHeaders, REQUEST_ID).ok().flatten();
            let request_id = wanted.tells_request_id().then(read).flatten();
            seen.told = Some(Told { request_id });
        }
    }

    /// Tells the caller what it is to be told, in its response.
    pub(super) fn tell(&self, seen: &Seen, began: Instant) {
        let (Some(wanted), Some(told)) = (self.policy.response_headers(), &seen.told) else {
            return;
        };
        let view = View { plugin: self, seen, is_error: false, record: None };
        let trace_id = view.trace().map(|trace| trace.trace_id.to_string());
        let request_id = told.request_id.as_deref();
        for (name, value) in wanted.headers(began.elapsed(), trace_id.as_deref(), request_id) {
            let written = if name == REQUEST_ID {
                headers::set(Map::ResponseHeaders, name, &value)
            } else {
                headers::add(Map::ResponseHeaders, name, &value)
            };
            if let Err(error) = written {
                self.meters.expression_failed();
                log::debug!("{name} not written: {error:?}");
            }
        }
    }
}

fn is_grpc() -> bool {
    let kind = headers::value(Map::RequestHeaders, "content-type").ok().flatten();
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}
