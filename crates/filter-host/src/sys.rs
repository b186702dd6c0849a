//! The host, chosen by target: a proxy by Proxy-Wasm, or an in-memory proxy for tests.
//!
//! Both have the same functions, which are all the host calls that a plugin can make. A plugin is
//! compiled for one host, so a call costs no dispatch.

#[cfg(not(target_os = "wasi"))]
pub mod memory;
#[cfg(any(test, target_os = "wasi"))]
mod pairs;
#[cfg(target_os = "wasi")]
pub(crate) mod wasm;

#[cfg(not(target_os = "wasi"))]
pub(crate) use memory::calls::*;
#[cfg(target_os = "wasi")]
pub(crate) use wasm::*;

/// A header map of the stream or of the response to a call, numbered as in the ABI.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
pub enum Map {
    /// Headers of the request.
    RequestHeaders = 0,
    /// Trailers of the request.
    RequestTrailers = 1,
    /// Headers of the response.
    ResponseHeaders = 2,
    /// Trailers of the response.
    ResponseTrailers = 3,
    /// Response headers of an HTTP call.
    CallResponseHeaders = 6,
    /// Response trailers of an HTTP call.
    CallResponseTrailers = 7,
}

/// A buffer of the proxy, numbered as in the ABI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
#[expect(clippy::enum_variant_names, reason = "the buffers of a plugin are all bodies")]
pub(crate) enum Buffer {
    /// Buffered part of the request body.
    RequestBody = 0,
    /// Buffered part of the response body.
    ResponseBody = 1,
    /// Response body of an HTTP call.
    CallResponseBody = 4,
}

/// A kind of metric, numbered as in the ABI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(crate) enum MetricKind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// The direction of a stream to resume or to reset, numbered as in the ABI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Direction {
    /// The request.
    Request = 0,
    /// The response.
    Response = 1,
}
