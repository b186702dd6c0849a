//! Local replies and their format.

use crate::{DetailLevel, GrpcStatus, HeaderName, Headers};

mod accept;

/// A response sent by a filter instead of the upstream.
///
/// For a gRPC request the host converts it to a trailers-only response with `grpc_status` as
/// `grpc-status` and `body` as `grpc-message`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// gRPC status; `None` if the host derives it from the HTTP status.
    pub grpc_status: Option<GrpcStatus>,
    /// Header fields, including `content-type`.
    pub headers: Vec<(HeaderName, Vec<u8>)>,
    /// Body, or the message for a gRPC client.
    pub body: Vec<u8>,
    /// Response code details in the access log (`weir_jwt_auth_denied{expired}`); never contains
    /// text of the request.
    pub details: String,
}

/// The format of a local reply and its level of detail.
///
/// ```
/// use filter_core::ReplyFormat;
///
/// assert!(ReplyFormat::negotiate(Some(b"GET"), Some(b"text/plain"), None).is_text());
/// assert!(ReplyFormat::negotiate(Some(b"POST"), None, Some(b"application/grpc+proto")).is_grpc());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplyFormat {
    pub(crate) body: BodyFormat,
    pub(crate) detail: DetailLevel,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyFormat {
    Json,
    Text,
    Grpc,
    Absent,
}

impl ReplyFormat {
    /// Chooses a format from the request's `:method`, `accept` and `content-type`.
    ///
    /// gRPC is recognized by its content type, and a HEAD request gets no body. Otherwise the body
    /// is text if `accept` (RFC 9110 section 12.5.1) prefers it to JSON. The level of detail is
    /// `CODE`.
    #[must_use]
    pub fn negotiate(
        method: Option<&[u8]>,
        accept: Option<&[u8]>,
        content_type: Option<&[u8]>,
    ) -> Self {
        let body = if content_type.is_some_and(is_grpc) {
            BodyFormat::Grpc
        } else if method == Some(b"HEAD") {
            BodyFormat::Absent
        } else if accept.is_some_and(accept::prefers_text) {
            BodyFormat::Text
        } else {
            BodyFormat::Json
        };
        Self { body, detail: DetailLevel::default() }
    }

    /// Chooses a format from the headers of a request, as [`ReplyFormat::negotiate`] does.
    #[must_use]
    pub fn of(request: &Headers) -> Self {
        Self::negotiate(
            request.first(":method"),
            request.first("accept"),
            request.first("content-type"),
        )
    }

    /// Sets the level of detail.
    #[must_use]
    pub const fn with_detail(self, detail: DetailLevel) -> Self {
        Self { detail, ..self }
    }

    /// Returns `true` for a gRPC client.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.body == BodyFormat::Grpc
    }

    /// Returns `true` if the client prefers text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.body == BodyFormat::Text
    }
}

/// Returns `true` if a content type is `application/grpc`, alone or with a suffix or parameters.
///
/// Not for `application/grpc-web`, as in Envoy.
fn is_grpc(content_type: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let Some((kind, rest)) = content_type.split_at_checked(GRPC.len()) else { return false };
    kind.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn recognizes_grpc_by_its_content_type() {
        for (content_type, grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=x", true),
            ("Application/gRPC", true),
            ("application/grpc-web", false),
            ("application/grpcx", false),
            ("application/json", false),
            ("", false),
        ] {
            let format = ReplyFormat::negotiate(Some(b"POST"), None, Some(content_type.as_bytes()));
            assert_eq!(format.is_grpc(), grpc, "{content_type}");
        }
    }

    #[test]
    fn sends_no_body_for_head() {
        let format = ReplyFormat::negotiate(Some(b"HEAD"), Some(b"text/plain"), None);
        assert_eq!(format.body, BodyFormat::Absent);
    }

    #[test]
    fn sends_json_by_default() {
        assert_eq!(ReplyFormat::negotiate(None, None, None).body, BodyFormat::Json);
    }
}
