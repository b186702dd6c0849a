//! A request and its response, in the order in which a proxy delivers them.

use std::fmt;

use filter_core::Headers;
use filter_host::memory::{LocalReply, Proxy, StreamState};

use super::Limiter;

/// Ticks after which a held stream counts as never resumed.
const MAX_TICKS: usize = 50;

/// The response of the upstream; its headers include `:status`.
#[derive(Clone, Copy)]
pub(super) struct Response {
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) trailers: &'static [(&'static str, &'static str)],
}

/// The default response.
pub(super) const OK: Response = Response { headers: &[(":status", "200")], trailers: &[] };

/// The end of an exchange.
pub(super) struct Fate {
    /// The last state of the stream.
    pub(super) stream: StreamState,
    /// `true` if the upstream got the request.
    pub(super) is_forwarded: bool,
    /// `true` if the request was held and no tick would have resumed it.
    pub(super) hangs: bool,
    /// Milliseconds from the request to the end.
    pub(super) millis: u128,
}

/// Sends a request without a body, and its response.
pub(super) fn exchange(
    proxy: &Proxy,
    worker: &mut Limiter,
    headers: &[(&str, &str)],
    response: Response,
) -> Fate {
    let started = proxy.now();
    let stream = worker.request(headers);
    let mut ticks = 0;
    while worker.stream(stream).is_request_paused && worker.stream(stream).reply.is_none() {
        let Some(period) = worker.tick_period().filter(|_| ticks < MAX_TICKS) else { break };
        worker.advance(period);
        ticks += 1;
    }
    let is_forwarded = worker.stream(stream).is_forwarded();
    let hangs = !is_forwarded && worker.stream(stream).reply.is_none();
    if is_forwarded {
        worker.response_headers(stream, response.headers, response.trailers.is_empty());
        if !response.trailers.is_empty() {
            worker.response_trailers(stream, response.trailers);
        }
    }
    let millis = proxy.now().saturating_sub(started).as_millis();
    Fate { stream: worker.end(stream), is_forwarded, hangs, millis }
}

impl Fate {
    /// Returns the status and the headers that the client got.
    pub(super) fn client(&self) -> String {
        if let Some(LocalReply { status, details, headers, .. }) = &self.stream.reply {
            return format!("{status} {details} {}", pairs(headers));
        }
        let status = self.stream.response_header(":status").unwrap_or_default();
        format!("{status} {}", pairs(&self.stream.response().only(|name| name != b":status")))
    }
}

fn pairs(headers: &Headers) -> String {
    let pair = |(name, value): (&[u8], &[u8])| {
        format!("{}: {}", name.escape_ascii(), value.escape_ascii())
    };
    format!("[{}]", headers.iter().map(pair).collect::<Vec<_>>().join(", "))
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hangs = if self.hangs { " (hangs)" } else { "" };
        write!(f, "{}{hangs} after {} ms", self.client(), self.millis)
    }
}
