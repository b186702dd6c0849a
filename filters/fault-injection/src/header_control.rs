//! Faults controlled by request headers, those of Envoy's fault filter.

use std::time::Duration;

use filter_core::{GrpcStatus, Headers, Percentage};

use crate::policy::AbortKind;

const DELAY: &str = "x-envoy-fault-delay-request";
const DELAY_SHARE: &str = "x-envoy-fault-delay-request-percentage";
const ABORT: &str = "x-envoy-fault-abort-request";
const ABORT_GRPC: &str = "x-envoy-fault-abort-grpc-request";
const ABORT_SHARE: &str = "x-envoy-fault-abort-request-percentage";
const RATE: &str = "x-envoy-fault-throughput-response";
const RATE_SHARE: &str = "x-envoy-fault-throughput-response-percentage";

/// Headers to read for a `headerDelay`.
pub(crate) const DELAY_HEADERS: [&str; 2] = [DELAY, DELAY_SHARE];
/// Headers to read for a `headerAbort`.
pub(crate) const ABORT_HEADERS: [&str; 3] = [ABORT, ABORT_GRPC, ABORT_SHARE];
/// Headers to read for a `headerLimit`.
pub(crate) const RATE_HEADERS: [&str; 2] = [RATE, RATE_SHARE];

/// Returns the requested delay, limited to `cap`.
pub(crate) fn delay(headers: &Headers, cap: Duration) -> Option<Duration> {
    headers.number(DELAY).map(|millis| Duration::from_millis(millis).min(cap))
}

/// Returns the requested abort; the HTTP status takes precedence over the gRPC status.
pub(crate) fn abort(headers: &Headers) -> Option<AbortKind> {
    let http = || headers.number(ABORT).filter(|status| (200..600).contains(status));
    let grpc = || GrpcStatus::from_code(headers.number(ABORT_GRPC)?);
    let http = http().and_then(|status| u16::try_from(status).ok()).map(AbortKind::Http);
    http.or_else(|| grpc().map(AbortKind::Grpc))
}

/// Returns the requested rate in KiB per second.
pub(crate) fn rate(headers: &Headers) -> Option<u64> {
    headers.number(RATE).filter(|rate| *rate > 0)
}

/// Returns the percentage of delays: the requested one if it is lower than `configured`.
pub(crate) fn delay_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, DELAY_SHARE, configured)
}

/// Returns the percentage of aborts: the requested one if it is lower than `configured`.
pub(crate) fn abort_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, ABORT_SHARE, configured)
}

/// Returns the percentage of rate limits: the requested one if it is lower than `configured`.
pub(crate) fn rate_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, RATE_SHARE, configured)
}

fn lowered(headers: &Headers, name: &str, configured: Percentage) -> Percentage {
    let percent = text(headers, name).and_then(|text| text.parse::<f64>().ok());
    let requested = percent.and_then(|percent| Percentage::from_percent(percent).ok());
    requested.map_or(configured, |requested| requested.min(configured))
}

fn text<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    std::str::from_utf8(headers.first(name)?).ok()
}

#[cfg(test)]
mod tests;
