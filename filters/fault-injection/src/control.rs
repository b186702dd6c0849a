//! Faults that the caller asks for, by the headers of Envoy's fault filter.

use std::time::Duration;

use filter_core::{GrpcStatus, Headers, Percentage};

use crate::policy::Ending;

const DELAY: &str = "x-envoy-fault-delay-request";
const DELAY_SHARE: &str = "x-envoy-fault-delay-request-percentage";
const ABORT: &str = "x-envoy-fault-abort-request";
const ABORT_GRPC: &str = "x-envoy-fault-abort-grpc-request";
const ABORT_SHARE: &str = "x-envoy-fault-abort-request-percentage";
const RATE: &str = "x-envoy-fault-throughput-response";
const RATE_SHARE: &str = "x-envoy-fault-throughput-response-percentage";

/// What is read where the caller may ask for delays.
pub(crate) const DELAY_HEADERS: [&str; 2] = [DELAY, DELAY_SHARE];
/// What is read where the caller may ask for aborts.
pub(crate) const ABORT_HEADERS: [&str; 3] = [ABORT, ABORT_GRPC, ABORT_SHARE];
/// What is read where the caller may ask for a rate.
pub(crate) const RATE_HEADERS: [&str; 2] = [RATE, RATE_SHARE];

/// The length that the caller asks for, at most `cap`.
pub(crate) fn delay(headers: &Headers, cap: Duration) -> Option<Duration> {
    headers.number(DELAY).map(|millis| Duration::from_millis(millis).min(cap))
}

/// The end that the caller asks for; the HTTP status wins.
pub(crate) fn abort(headers: &Headers) -> Option<Ending> {
    let http = || headers.number(ABORT).filter(|status| (200..600).contains(status));
    let grpc = || GrpcStatus::from_code(headers.number(ABORT_GRPC)?);
    let http = http().and_then(|status| u16::try_from(status).ok()).map(Ending::Http);
    http.or_else(|| grpc().map(Ending::Grpc))
}

/// The rate that the caller asks for, in KiB a second.
pub(crate) fn rate(headers: &Headers) -> Option<u64> {
    headers.number(RATE).filter(|rate| *rate > 0)
}

/// The share of delays, never more than configured.
pub(crate) fn delay_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, DELAY_SHARE, configured)
}

/// The share of aborts, never more than configured.
pub(crate) fn abort_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, ABORT_SHARE, configured)
}

/// The share of slow bodies, never more than configured.
pub(crate) fn rate_share(headers: &Headers, configured: Percentage) -> Percentage {
    lowered(headers, RATE_SHARE, configured)
}

fn lowered(headers: &Headers, name: &str, configured: Percentage) -> Percentage {
    let percent = text(headers, name).and_then(|text| text.parse::<f64>().ok());
    let asked = percent.and_then(|percent| Percentage::from_percent(percent).ok());
    asked.map_or(configured, |asked| asked.min(configured))
}

fn text<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    std::str::from_utf8(headers.first(name)?).ok()
}

#[cfg(test)]
mod tests;
