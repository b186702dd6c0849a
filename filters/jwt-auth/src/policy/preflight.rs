//! CORS preflight requests, which browsers send without credentials.

use filter_core::Headers;

/// Says whether a request is a preflight, by the words of Envoy's `jwt_authn`.
pub(super) fn is_preflight(headers: &Headers) -> bool {
    let filled = |name| headers.first(name).is_some_and(|value| !value.is_empty());
    headers.first(":method") == Some(b"OPTIONS")
        && filled("origin")
        && filled("access-control-request-method")
}
