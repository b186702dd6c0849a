//! Replies to denied requests.

use filter_core::{
    DetailLevel, GrpcStatus, HeaderName, Headers, OneLine, ProblemConfig, ProblemDetails,
    ProblemType, Reply, ReplyFormat,
};

use super::{
    Denial, EXPLAIN, Reason,
    challenge::{self, ChallengeDetail},
};
use crate::{config::RepliesConfig, locations};

/// Builds replies with the configured realm, metadata and detail.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplyBuilder {
    realm: Option<Box<str>>,
    resource_metadata: Option<Box<str>>,
    detail: DetailLevel,
}

/// The prefix of the response code details.
const PREFIX: &str = "weir_jwt_auth_denied";
/// The maximum `Retry-After`: failing fetches are retried at least this often.
const MAX_RETRY_SECONDS: u128 = 60;
/// The maximum length of a realm derived from a request, in bytes.
const MAX_REALM_BYTES: usize = 256;

impl ReplyBuilder {
    /// Creates a builder from the configuration.
    pub(crate) fn new(replies: &RepliesConfig, problem: ProblemConfig) -> Self {
        Self {
            realm: replies.realm.as_ref().map(|realm| realm.as_str().into()),
            resource_metadata: replies.resource_metadata.as_ref().map(|url| url.as_str().into()),
            detail: problem.detail,
        }
    }

    /// Builds the reply to a request with these headers.
    pub(crate) fn reply(&self, denial: &Denial, headers: &Headers) -> Reply {
        let reason = denial.rejection.reason();
        let claim = denial.challenge.claim.as_deref().or(reason.claim());
        let members = [
            ("rule", denial.rule.as_deref()),
            ("provider", denial.provider.as_deref()),
            ("claim", claim),
        ];
        let extra = members
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.to_owned())))
            .collect();
        let problem = ProblemDetails {
            status: reason.status(),
            grpc_status: grpc_status(reason),
            code: reason.code(),
            detail: denial.rejection.text(),
            filter: PREFIX,
            kind: ProblemType::Blank,
            members: Vec::new(),
            extra,
            headers: self.headers(denial, headers),
        };
        let format = ReplyFormat::of(headers);
        let mut reply = problem.reply(&format.with_detail(self.detail));
        reply.details = details(denial);
        if denial.is_explained {
            let name = HeaderName::from_static(EXPLAIN);
            reply.headers.push((name, explanation(denial).into_bytes()));
        }
        reply
    }

    fn headers(&self, denial: &Denial, headers: &Headers) -> Vec<(HeaderName, Vec<u8>)> {
        let reason = denial.rejection.reason();
        if reason.status() == 503 {
            let seconds = denial.retry_after.as_millis().div_ceil(1000).clamp(1, MAX_RETRY_SECONDS);
            return vec![(HeaderName::RETRY_AFTER, seconds.to_string().into_bytes())];
        }
        if !reason.has_challenge() {
            return Vec::new();
        }
        let detail = if self.detail == DetailLevel::None {
            ChallengeDetail::Realm
        } else {
            ChallengeDetail::Reason
        };
        let configured = self.realm.as_deref();
        let realm = configured.map_or_else(|| request_url(headers), ToOwned::to_owned);
        let value = challenge::format(denial, &realm, self.resource_metadata.as_deref(), detail);
        vec![(HeaderName::WWW_AUTHENTICATE, value.into_bytes())]
    }
}

/// Formats the response code details: the reason, and the rule if there is one.
fn details(denial: &Denial) -> String {
    let rule = denial.rule.as_deref().map_or_else(String::new, |rule| format!(",{rule}"));
    format!("{PREFIX}{{{}{rule}}}", denial.rejection.reason().word())
}

/// Formats the explanation for the client, as routing-tags does.
fn explanation(denial: &Denial) -> String {
    let mut text = format!("reason={}", denial.rejection.reason().word());
    let names = [("rule", denial.rule.as_deref()), ("provider", denial.provider.as_deref())];
    let names = names.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in names.chain(denial.requirements()) {
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

/// Returns the request's URL without its query, which may contain a token.
fn request_url(headers: &Headers) -> String {
    let scheme = headers.first(":scheme").unwrap_or(b"http");
    let authority = headers.first(":authority").unwrap_or_default();
    let target = locations::path(headers);
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let mut realm = String::new();
    for byte in [scheme, b"://", authority, path].concat() {
        let encoded = match byte {
            b'"' | b'\\' => format!("%{byte:02X}"),
            0x21..=0x7e => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        if realm.len().saturating_add(encoded.len()) > MAX_REALM_BYTES {
            break;
        }
        realm.push_str(&encoded);
    }
    realm
}

#[cfg(test)]
mod tests;
