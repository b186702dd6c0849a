//! CORS preflight requests, which browsers send without credentials.

use filter_core::Headers;

/// The headers that [`is_preflight`] reads.
pub(super) const HEADERS: [&str; 3] = [":method", "origin", "access-control-request-method"];

/// Returns `true` if a request is a CORS preflight, as defined by Envoy's `jwt_authn`.
pub(super) fn is_preflight(headers: &Headers) -> bool {
    let has_value = |name| headers.first(name).is_some_and(|value| !value.is_empty());
    headers.first(":method") == Some(b"OPTIONS")
        && has_value("origin")
        && has_value("access-control-request-method")
}
