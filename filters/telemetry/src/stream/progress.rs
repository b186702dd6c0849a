//! The progress of a stream, as its callbacks see it.

use std::time::Duration;

/// Body sizes of a stream, and which parts of it were seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Progress {
    /// When the request headers were seen; `None` if they never were.
    pub(crate) started_at: Option<Duration>,
    /// Size of the request body so far, in bytes.
    pub(crate) request_bytes: u64,
    /// Size of the response body so far, in bytes.
    pub(crate) response_bytes: u64,
    /// Whether the request ended with its headers.
    is_request_bodiless: bool,
    /// Whether the request was still open when the response began.
    is_request_open: bool,
    has_response: bool,
    end: ResponseEnd,
}

/// The last part of a response.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum ResponseEnd {
    /// The end was not seen.
    #[default]
    Unseen,
    Headers,
    Body,
    Trailers,
}

impl Progress {
    /// Records the request headers.
    pub(crate) const fn on_request_headers(&mut self, now: Duration, end_of_stream: bool) {
        self.started_at = Some(now);
        self.is_request_bodiless = end_of_stream;
        self.is_request_open = !end_of_stream;
    }

    /// Records a chunk of the request body.
    pub(crate) fn on_request_body(&mut self, size: usize, end_of_stream: bool) {
        add(&mut self.request_bytes, size);
        if end_of_stream && !self.has_response {
            self.is_request_open = false;
        }
    }

    /// Records the response headers.
    pub(crate) const fn on_response_headers(&mut self, end_of_stream: bool) {
        self.has_response = true;
        if end_of_stream {
            self.end = ResponseEnd::Headers;
        }
    }

    /// Records a chunk of the response body.
    pub(crate) fn on_response_body(&mut self, size: usize, end_of_stream: bool) {
        add(&mut self.response_bytes, size);
        if end_of_stream {
            self.end = ResponseEnd::Body;
        }
    }

    /// Records the response trailers.
    pub(crate) const fn on_response_trailers(&mut self) {
        self.end = ResponseEnd::Trailers;
    }

    /// Returns `true` if the response is known to be complete.
    ///
    /// If the request was never seen, the response was complete before this filter ran.
    #[must_use]
    pub(crate) fn is_response_complete(&self) -> bool {
        self.end != ResponseEnd::Unseen || self.started_at.is_none()
    }

    /// Returns `false` if the stream cannot be a gRPC call: the request has no body, and the
    /// response is a success that ends with its body.
    ///
    /// A call has at least one message, and its status is in the trailers, or in the headers of a
    /// response without a body.
    #[must_use]
    pub(crate) fn may_be_grpc(&self, status: Option<u16>) -> bool {
        let is_success = status.is_some_and(|status| (200..300).contains(&status));
        !(self.is_request_bodiless && is_success && self.end == ResponseEnd::Body)
    }

    /// Returns `false` if the request cannot be a CONNECT that was accepted. The request of a
    /// tunnel is open when the response begins.
    #[must_use]
    pub(crate) fn may_be_tunnel(&self, status: Option<u16>) -> bool {
        self.is_request_open && status.is_some_and(|status| (200..300).contains(&status))
    }
}

fn add(sum: &mut u64, size: usize) {
    *sum = sum.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    type Step = fn(&mut Progress);

    const GET: Step = |stream| stream.on_request_headers(Duration::ZERO, true);
    const POST: Step = |stream| stream.on_request_headers(Duration::ZERO, false);
    const SENT: Step = |stream| stream.on_request_body(3, true);
    const HEADERS: Step = |stream| stream.on_response_headers(false);
    const HEADERS_ONLY: Step = |stream| stream.on_response_headers(true);
    const BODY: Step = |stream| stream.on_response_body(5, true);
    const PART: Step = |stream| stream.on_response_body(5, false);
    const TRAILERS: Step = Progress::on_response_trailers;

    fn after(steps: &[Step]) -> Progress {
        let mut stream = Progress::default();
        steps.iter().for_each(|step| step(&mut stream));
        stream
    }

    #[test]
    fn a_response_is_complete_once_its_last_part_was_seen() {
        for (steps, is_complete) in [
            (&[] as &[Step], true),
            (&[GET], false),
            (&[GET, HEADERS], false),
            (&[GET, HEADERS, PART], false),
            (&[GET, HEADERS_ONLY], true),
            (&[GET, HEADERS, PART, BODY], true),
            (&[GET, HEADERS, PART, TRAILERS], true),
        ] {
            assert_eq!(after(steps).is_response_complete(), is_complete, "{steps:?}");
        }
        let stream = after(&[POST, SENT, SENT, HEADERS, PART, BODY]);
        assert_eq!((stream.request_bytes, stream.response_bytes), (6, 10));
    }

    #[test]
    fn only_a_bodiless_request_with_a_whole_successful_body_cannot_be_grpc() {
        for (steps, status, may_be) in [
            (&[GET, HEADERS, BODY] as &[Step], Some(200), false),
            (&[GET, HEADERS, BODY], Some(404), true),
            (&[GET, HEADERS, BODY], None, true),
            (&[GET, HEADERS, PART], Some(200), true),
            (&[GET, HEADERS, PART, TRAILERS], Some(200), true),
            (&[GET, HEADERS_ONLY], Some(200), true),
            (&[POST, SENT, HEADERS, BODY], Some(200), true),
            (&[], Some(200), true),
        ] {
            assert_eq!(after(steps).may_be_grpc(status), may_be, "{steps:?} {status:?}");
        }
    }

    #[test]
    fn only_a_request_that_is_open_when_it_is_accepted_may_be_a_tunnel() {
        for (steps, status, may_be) in [
            (&[POST, HEADERS] as &[Step], Some(200), true),
            (&[POST, HEADERS, SENT, BODY], Some(200), true),
            (&[POST, HEADERS, BODY], Some(403), false),
            (&[POST, HEADERS], None, false),
            (&[POST, SENT, HEADERS, BODY], Some(200), false),
            (&[GET, HEADERS, BODY], Some(200), false),
            (&[], Some(200), false),
        ] {
            assert_eq!(after(steps).may_be_tunnel(status), may_be, "{steps:?} {status:?}");
        }
    }
}
