//! Error responses that explain a refusal to the client (RFC 9457).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::{GrpcStatus, HeaderName, Reply, ReplyFormat, http::reply::BodyFormat};

/// Bytes that a body rarely exceeds.
const TYPICAL_LENGTH: usize = 256;

/// The level of detail of an error response.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DetailLevel {
    /// Only the status.
    None,
    /// The reason code and its fixed text.
    #[default]
    Code,
    /// `CODE`, and the rule or provider that refused the request; never values of the request.
    Full,
}

/// Error responses of the filter.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ProblemConfig {
    /// Level of detail of error responses. Default: `CODE`.
    #[serde(default)]
    pub detail: DetailLevel,
}

/// The type of a problem (RFC 9457 section 3.1.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProblemType {
    /// `about:blank`, with the reason phrase of the status as its title.
    #[default]
    Blank,
    /// A registered type.
    Registered {
        /// URI of the type.
        uri: &'static str,
        /// Title of the type.
        title: &'static str,
    },
}

/// The reason for a refusal, sent as RFC 9457 JSON, as text or as a gRPC message.
///
/// ```
/// use filter_core::{GrpcStatus, ProblemDetails, ProblemType, ReplyFormat};
///
/// let problem = ProblemDetails {
///     status: 401,
///     grpc_status: GrpcStatus::Unauthenticated,
///     code: "EXPIRED",
///     detail: "Jwt is expired",
///     filter: "weir_jwt_auth_denied",
///     kind: ProblemType::Blank,
///     members: Vec::new(),
///     extra: Vec::new(),
///     headers: Vec::new(),
/// };
/// let reply = problem.reply(&ReplyFormat::negotiate(Some(b"GET"), None, None));
/// assert_eq!(reply.details, "weir_jwt_auth_denied{expired}");
/// assert_eq!(
///     reply.body,
///     br#"{"type":"about:blank","title":"Unauthorized","status":401,"code":"EXPIRED","detail":"Jwt is expired"}"#
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProblemDetails {
    /// HTTP status.
    pub status: u16,
    /// gRPC status.
    pub grpc_status: GrpcStatus,
    /// Reason code in upper case, from a closed set.
    pub code: &'static str,
    /// Fixed text of the reason.
    pub detail: &'static str,
    /// Prefix of the reason in the response code details.
    pub filter: &'static str,
    /// Type of the problem.
    pub kind: ProblemType,
    /// Members of the type.
    pub members: Vec<(&'static str, Value)>,
    /// Members sent only with `FULL`: names in the configuration, never values of the request.
    pub extra: Vec<(&'static str, String)>,
    /// Header fields other than `content-type`.
    pub headers: Vec<(HeaderName, Vec<u8>)>,
}

impl ProblemDetails {
    /// Returns the reply in the given format.
    #[must_use]
    pub fn reply(&self, format: &ReplyFormat) -> Reply {
        let content = match (format.body, format.detail) {
            (BodyFormat::Absent, _) | (_, DetailLevel::None) => None,
            (BodyFormat::Json, detail) => Some(("application/problem+json", self.json(detail))),
            (BodyFormat::Text, detail) => {
                Some(("text/plain; charset=utf-8", (self.text(detail) + "\n").into_bytes()))
            }
            // The host uses it as the message and sets the content type.
            (BodyFormat::Grpc, detail) => Some(("", self.text(detail).into_bytes())),
        };
        let (content_type, body) = content.unwrap_or_default();
        let mut headers = self.headers.clone();
        if !content_type.is_empty() {
            headers.push((HeaderName::CONTENT_TYPE, content_type.as_bytes().to_vec()));
        }
        Reply {
            status: self.status,
            grpc_status: Some(self.grpc_status),
            headers,
            body,
            details: [self.filter, "{", &self.code.to_ascii_lowercase(), "}"].concat(),
        }
    }

    fn extra(&self, detail: DetailLevel) -> &[(&'static str, String)] {
        if detail == DetailLevel::Full { &self.extra } else { &[] }
    }

    fn text(&self, detail: DetailLevel) -> String {
        let mut text = self.detail.to_owned();
        for (name, value) in self.extra(detail) {
            text.extend(["; ", name, "=", value]);
        }
        text
    }

    /// Returns the JSON members in the order of RFC 9457.
    fn json(&self, detail: DetailLevel) -> Vec<u8> {
        let mut json = Vec::with_capacity(TYPICAL_LENGTH);
        let mut serializer = serde_json::Serializer::new(&mut json);
        // Writing text and numbers to memory never fails.
        let _ = self.write_members(detail, &mut serializer);
        json
    }

    fn write_members<S: Serializer>(
        &self,
        detail: DetailLevel,
        serializer: S,
    ) -> Result<(), S::Error> {
        let (uri, title) = match self.kind {
            ProblemType::Blank => ("about:blank", reason_phrase(self.status)),
            ProblemType::Registered { uri, title } => (uri, title),
        };
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("type", uri)?;
        members.serialize_entry("title", title)?;
        members.serialize_entry("status", &self.status)?;
        members.serialize_entry("code", self.code)?;
        members.serialize_entry("detail", self.detail)?;
        for (name, value) in &self.members {
            members.serialize_entry(name, value)?;
        }
        for (name, value) in self.extra(detail) {
            members.serialize_entry(name, value)?;
        }
        members.end()?;
        Ok(())
    }
}

/// Returns the reason phrase of a status (RFC 9110 section 15), the title of `about:blank`.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ if status < 500 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    fn problem() -> ProblemDetails {
        ProblemDetails {
            status: 403,
            grpc_status: GrpcStatus::PermissionDenied,
            code: "RULE_UNMATCHED",
            detail: "No rule matches the request",
            filter: "weir_jwt_auth_denied",
            kind: ProblemType::Blank,
            members: Vec::new(),
            extra: vec![("rule", "a \"b\"".to_owned())],
            headers: vec![(HeaderName::RETRY_AFTER, b"3".to_vec())],
        }
    }

    fn body(accept: &str, detail: DetailLevel) -> String {
        let format = ReplyFormat::negotiate(Some(b"GET"), Some(accept.as_bytes()), None);
        String::from_utf8(problem().reply(&format.with_detail(detail)).body).unwrap()
    }

    #[test]
    fn includes_members_by_level_of_detail() {
        let json = r#""type":"about:blank","title":"Forbidden","status":403,"code":"RULE_UNMATCHED","detail":"No rule matches the request""#;
        for (accept, detail, expected) in [
            ("*/*", DetailLevel::None, String::new()),
            ("*/*", DetailLevel::Code, format!("{{{json}}}")),
            ("*/*", DetailLevel::Full, format!(r#"{{{json},"rule":"a \"b\""}}"#)),
            ("text/plain", DetailLevel::None, String::new()),
            ("text/plain", DetailLevel::Code, "No rule matches the request\n".to_owned()),
            (
                "text/plain",
                DetailLevel::Full,
                "No rule matches the request; rule=a \"b\"\n".to_owned(),
            ),
        ] {
            assert_eq!(body(accept, detail), expected);
        }
    }

    #[test]
    fn sets_content_type_and_headers() {
        for (method, accept, content_type) in [
            ("GET", "*/*", Some("application/problem+json")),
            ("GET", "text/plain", Some("text/plain; charset=utf-8")),
            ("HEAD", "*/*", None),
        ] {
            let format =
                ReplyFormat::negotiate(Some(method.as_bytes()), Some(accept.as_bytes()), None);
            let reply = problem().reply(&format);
            let found = reply.headers.iter().find(|(name, _)| *name == HeaderName::CONTENT_TYPE);
            assert_eq!(found.map(|(_, value)| value.as_slice()), content_type.map(str::as_bytes));
            assert_eq!(reply.headers[0], (HeaderName::RETRY_AFTER, b"3".to_vec()));
            assert_eq!(reply.body.is_empty(), content_type.is_none());
        }
    }

    #[test]
    fn sends_status_and_message_to_grpc_clients() {
        let format = ReplyFormat::negotiate(Some(b"POST"), None, Some(b"application/grpc"));
        let reply = problem().reply(&format);
        assert_eq!(reply.grpc_status, Some(GrpcStatus::PermissionDenied));
        assert_eq!(reply.body, b"No rule matches the request");
        assert_eq!(reply.headers.len(), 1);
        assert_eq!(reply.details, "weir_jwt_auth_denied{rule_unmatched}");
    }

    #[test]
    fn includes_the_code_by_default() {
        for (document, detail) in [
            ("{}", DetailLevel::Code),
            (r#"{"detail": "NONE"}"#, DetailLevel::None),
            (r#"{"detail": "FULL"}"#, DetailLevel::Full),
        ] {
            assert_eq!(parse_config::<ProblemConfig>(document.as_bytes()).unwrap().detail, detail);
        }
        assert_eq!(
            parse_config::<ProblemConfig>(br#"{"detail": "ALL"}"#).unwrap_err().to_string(),
            r#"detail: must be one of `NONE`, `CODE`, `FULL`, got "ALL""#
        );
    }
}
