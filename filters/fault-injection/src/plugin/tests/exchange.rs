//! A request and its response, in the order of a proxy.

use std::{fmt, time::Duration};

use filter_core::Headers;
use filter_host::{
    memory::{LocalReply, Proxy, StreamState},
    stream::ContextId,
};

use super::Injector;

/// Ticks after which a held stream counts as never resumed.
const MAX_TICKS: usize = 50;

/// The response of the upstream; its headers include `:status`.
#[derive(Clone, Copy)]
pub(super) struct Response {
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) chunks: &'static [&'static str],
    pub(super) trailers: &'static [(&'static str, &'static str)],
}

/// The default response.
pub(super) const HELLO: Response = Response {
    headers: &[(":status", "200"), ("content-length", "10"), ("server", "x")],
    chunks: &["hello", "world"],
    trailers: &[],
};

/// A response without a body.
pub(super) const EMPTY: Response =
    Response { headers: &[(":status", "204")], chunks: &[], trailers: &[] };

/// The end of an exchange.
pub(super) struct Fate {
    /// The last state of the stream.
    pub(super) stream: StreamState,
    /// The headers that the upstream got; `None` if the request was not forwarded.
    pub(super) upstream: Option<Headers>,
    /// `true` if the stream was held and no tick would have resumed it.
    pub(super) hangs: bool,
    /// Time from the request to the end.
    pub(super) time: Duration,
}

/// Sends a request without a body, and its response.
pub(super) fn exchange(
    proxy: &Proxy,
    worker: &mut Injector,
    headers: &[(&str, &str)],
    response: Response,
) -> Fate {
    let started = proxy.now();
    let stream = worker.request(headers);
    let fate = finish(worker, stream, response);
    Fate { time: proxy.now().saturating_sub(started), ..fate }
}

/// Sends the response to an open request, and ends the stream.
pub(super) fn finish(worker: &mut Injector, stream: ContextId, response: Response) -> Fate {
    let mut hangs = !is_released(worker, stream);
    let mut upstream = None;
    if !hangs && !is_over(&worker.stream(stream)) {
        upstream = Some(worker.stream(stream).request());
        hangs = !respond(worker, stream, response);
    }
    Fate { stream: worker.end(stream), upstream, hangs, time: Duration::ZERO }
}

/// Passes a response until the plugin ends the stream. Returns `false` if the stream hangs.
fn respond(worker: &mut Injector, stream: ContextId, response: Response) -> bool {
    let Response { headers, chunks, trailers } = response;
    worker.response_headers(stream, headers, chunks.is_empty() && trailers.is_empty());
    for (index, chunk) in chunks.iter().enumerate() {
        if !is_released(worker, stream) || is_over(&worker.stream(stream)) {
            break;
        }
        let is_last = index.saturating_add(1) == chunks.len() && trailers.is_empty();
        worker.response_body(stream, chunk.as_bytes(), is_last);
    }
    if !trailers.is_empty() && !is_over(&worker.stream(stream)) {
        worker.response_trailers(stream, trailers);
    }
    is_released(worker, stream)
}

/// Delivers ticks until a stream is not held. Returns `false` if no tick resumes it.
pub(super) fn is_released(worker: &mut Injector, stream: ContextId) -> bool {
    for _ in 0..MAX_TICKS {
        let state = worker.stream(stream);
        if is_over(&state) || !(state.is_request_paused || state.is_response_paused) {
            return true;
        }
        let Some(period) = worker.tick_period() else { return false };
        worker.advance(period);
    }
    false
}

const fn is_over(stream: &StreamState) -> bool {
    stream.reply.is_some() || stream.reset.is_some()
}

impl Fate {
    /// Returns the message that the client got.
    pub(super) fn client(&self) -> String {
        let StreamState { reply, reset, response_body, .. } = &self.stream;
        if let Some(LocalReply { status, details, headers, body, .. }) = reply {
            return format!("{status} {details} {} {}", pairs(headers), body.escape_ascii());
        }
        if reset.is_some() {
            return "reset".to_owned();
        }
        let status = self.stream.response_header(":status").unwrap_or_default();
        let headers = self.stream.response().only(|name| name != b":status");
        format!("{status} {} {}", pairs(&headers), response_body.escape_ascii())
    }

    /// Returns `true` if the filter ended the stream.
    pub(super) const fn is_aborted(&self) -> bool {
        is_over(&self.stream)
    }

    /// Returns `true` if the length of the body is that of its header, if the client got one.
    pub(super) fn has_right_length(&self) -> bool {
        let StreamState { reply, reset, response_body, .. } = &self.stream;
        let length = self.stream.response().number("content-length");
        reply.is_some()
            || reset.is_some()
            || length.is_none_or(|length| length == response_body.len() as u64)
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
        let upstream = if self.upstream.is_some() { "" } else { " (not forwarded)" };
        write!(f, "{}{upstream}{hangs} after {} ms", self.client(), self.time.as_millis())
    }
}
