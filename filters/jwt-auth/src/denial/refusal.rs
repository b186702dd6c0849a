//! From a denial to the reply that the client gets.

use filter_core::{
    DetailLevel, GrpcStatus, HeaderName, Headers, OneLine, ProblemConfig, ProblemDetails, Reply,
    ReplyFormat,
};

use super::{
    Denial, EXPLAIN, Reason,
    challenge::{self, Tell},
};
use crate::{config::RepliesConfig, locations};

/// What replies say beside the reason.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    realm: Option<Box<str>>,
    resource_metadata: Option<Box<str>>,
    detail: DetailLevel,
}

/// The text before the reason in the access log's details.
const PREFIX: &str = "weir_jwt_auth_denied";
/// The longest `Retry-After`: a source that fails is asked again at least so often.
const MAX_RETRY_SECONDS: u128 = 60;
/// A realm made from a request is cut here, in bytes.
const MAX_REALM_BYTES: usize = 256;

impl Replies {
    /// Takes what the document says about replies.
    pub fn new(replies: &RepliesConfig, problem: ProblemConfig) -> Self {
        Self {
            realm: replies.realm.as_ref().map(|realm| realm.as_str().into()),
            resource_metadata: replies.resource_metadata.as_ref().map(|url| url.as_str().into()),
            detail: problem.detail,
        }
    }

    /// Makes the reply to a refused request from all of its headers.
    pub fn reply(&self, denial: &Denial, headers: &Headers) -> Reply {
        let reason = denial.fault.reason();
        let claim = denial.challenge.claim.as_deref().or(reason.claim());
        let told = [
            ("rule", denial.rule.as_deref()),
            ("provider", denial.provider.as_deref()),
            ("claim", claim),
        ];
        let extra =
            told.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        let problem = ProblemDetails {
            status: reason.status(),
            grpc_status: grpc_status(reason),
            code: reason.code(),
            detail: denial.fault.text(),
            filter: PREFIX,
            extra,
            headers: self.headers(denial, headers),
        };
        let format = ReplyFormat::negotiate(
            headers.first(":method"),
            headers.first("accept"),
            headers.first("content-type"),
        );
        let mut reply = problem.reply(&format.with_detail(self.detail));
        reply.details = details(denial);
        if denial.is_explained {
            let name = HeaderName::from_static(EXPLAIN);
            reply.headers.push((name, explanation(denial).into_bytes()));
        }
        reply
    }

    fn headers(&self, denial: &Denial, headers: &Headers) -> Vec<(HeaderName, Vec<u8>)> {
        let reason = denial.fault.reason();
        if reason.status() == 503 {
            let seconds = denial.retry_after.as_millis().div_ceil(1000).clamp(1, MAX_RETRY_SECONDS);
            return vec![(HeaderName::RETRY_AFTER, seconds.to_string().into_bytes())];
        }
        if !reason.has_challenge() {
            return Vec::new();
        }
        let tell = if self.detail == DetailLevel::None { Tell::Realm } else { Tell::Reason };
        let own = self.realm.as_deref();
        let realm = own.map_or_else(|| realm_of(headers), ToOwned::to_owned);
        let value = challenge::write(denial, &realm, self.resource_metadata.as_deref(), tell);
        vec![(HeaderName::WWW_AUTHENTICATE, value.into_bytes())]
    }
}

/// Writes the access log's details: the reason, and the rule if there are rules.
fn details(denial: &Denial) -> String {
    let rule = denial.rule.as_deref().map_or_else(String::new, |rule| format!(",{rule}"));
    format!("{PREFIX}{{{}{rule}}}", denial.fault.reason().word())
}

/// Writes the explanation for the client, in the format of routing-tags.
fn explanation(denial: &Denial) -> String {
    let mut text = format!("reason={}", denial.fault.reason().word());
    let names = [("rule", denial.rule.as_deref()), ("provider", denial.provider.as_deref())];
    let names = names.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in names.chain(denial.wanted()) {
        text.extend([";", name, "=", &OneLine(value).to_string()]);
    }
    text
}

const fn grpc_status(reason: Reason) -> GrpcStatus {
    match reason.status() {
        403 => GrpcStatus::PermissionDenied,
        503 => GrpcStatus::Unavailable,
        _ => GrpcStatus::Unauthenticated,
    }
}

/// Writes the request's URL without its query; a token may stand there.
fn realm_of(headers: &Headers) -> String {
    let scheme = headers.first(":scheme").unwrap_or(b"http");
    let authority = headers.first(":authority").unwrap_or_default();
    let target = locations::path(headers);
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let mut realm = String::new();
    for byte in [scheme, b"://", authority, path].concat() {
        let written = match byte {
            b'"' | b'\\' => format!("%{byte:02X}"),
            0x21..=0x7e => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        if realm.len().saturating_add(written.len()) > MAX_REALM_BYTES {
            break;
        }
        realm.push_str(&written);
    }
    realm
}

#[cfg(test)]
mod tests;
