//! The reply to a refused request.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use filter_core::{
    GrpcStatus, HeaderName, Headers, ProblemDetails, ProblemType, Reply, ReplyFormat, protobuf,
};
use serde_json::Value;

use super::{
    Limit, Policy,
    headers::{Usage, seconds},
};

/// A limit that refuses a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Index of the rule.
    pub rule: usize,
    /// Time until the request would be admitted; `Duration::MAX` if never.
    pub retry_after: Duration,
}

/// The refusal of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Denial {
    /// The limits that refuse it; the first one provides the reply.
    pub refusals: Vec<Refusal>,
    /// All limits that were checked.
    pub usages: Vec<Usage>,
    /// `true` if the rate-limit service does not answer and `failureMode` is `DENY`.
    pub is_unavailable: bool,
}

/// The problem type of draft-ietf-httpapi-ratelimit-headers-11, section 6.
const QUOTA_EXCEEDED: ProblemType = ProblemType::Registered {
    uri: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Request cannot be satisfied as assigned quota has been exceeded",
};
/// The text of Envoy's local rate limit filter.
const TEXT: &str = "local_rate_limited";
const DETAILS: &str = "weir_rate_limit_denied";
/// Keeps Envoys from retrying.
const X_ENVOY_RATELIMITED: HeaderName = HeaderName::from_static("x-envoy-ratelimited");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
const STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

impl Denial {
    /// Returns the refusal by a rule that never admits the request.
    #[must_use]
    pub fn never(rule: usize) -> Self {
        let refusals = vec![Refusal { rule, retry_after: Duration::MAX }];
        Self { refusals, ..Self::default() }
    }

    /// Returns `true` if the request is refused.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.is_unavailable || !self.refusals.is_empty()
    }

    /// Restores the order of the document, whose first limit provides the reply.
    pub fn sort(&mut self) {
        self.usages.sort_by_key(|usage| usage.draw.rule);
        self.refusals.sort_by_key(|refusal| refusal.rule);
    }

    /// Returns the time until all limits would admit the request; `None` if one never does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let latest = self.refusals.iter().map(|refusal| refusal.retry_after).max();
        latest.filter(|latest| *latest != Duration::MAX)
    }
}

impl Policy {
    /// Returns the reply to a refused request with these headers.
    #[must_use]
    pub fn reply(&self, denial: &Denial, request: &Headers) -> Option<Reply> {
        let limits: Vec<&Limit> =
            denial.refusals.iter().filter_map(|refusal| self.limit_of(refusal.rule)).collect();
        let format = ReplyFormat::of(request);
        let Some(first) = limits.first() else {
            return denial.is_unavailable.then(|| self.unavailable(&format));
        };
        let names = limits.iter().map(|limit| Value::from(limit.name.as_str()));
        let problem = ProblemDetails {
            status: first.reply.status,
            grpc_status: GrpcStatus::ResourceExhausted,
            code: "RATE_LIMITED",
            detail: TEXT,
            filter: DETAILS,
            kind: QUOTA_EXCEEDED,
            members: vec![("violated-policies", Value::Array(names.collect()))],
            extra: Vec::new(),
            headers: self.reply_headers(denial, &format),
        };
        let mut reply = problem.reply(&format.with_detail(self.detail));
        if let Some(body) = first.reply.body.as_ref().filter(|_| !format.is_grpc()) {
            reply.headers.retain(|(name, _)| *name != HeaderName::CONTENT_TYPE);
            reply.body.clone_from(body);
        }
        // The content type is part of gRPC.
        let is_sent = |name: &HeaderName| !format.is_grpc() || *name != HeaderName::CONTENT_TYPE;
        for (name, value) in first.reply.headers.iter().filter(|(name, _)| is_sent(name)) {
            reply.headers.retain(|(found, _)| found != name);
            reply.headers.push((name.clone(), value.clone()));
        }
        reply.details = format!("{DETAILS}{{{}}}", first.name);
        Some(reply)
    }

    /// Returns the reply while the rate-limit service does not answer.
    fn unavailable(&self, format: &ReplyFormat) -> Reply {
        let problem = ProblemDetails {
            status: 503,
            grpc_status: GrpcStatus::Unavailable,
            code: "SERVICE",
            detail: "rate limit service unavailable",
            filter: DETAILS,
            kind: ProblemType::Blank,
            members: Vec::new(),
            extra: Vec::new(),
            headers: vec![(HeaderName::RETRY_AFTER, b"1".to_vec())],
        };
        problem.reply(&format.with_detail(self.detail))
    }

    /// Returns the value of the filter state for a refusal, such as `limit=user;retry_ms=2400`.
    #[must_use]
    pub fn summary(&self, denial: &Denial) -> String {
        let first = denial.refusals.first().and_then(|refusal| self.limit_of(refusal.rule));
        let name = first.map_or("", |limit| limit.name.as_str());
        match denial.retry_after() {
            Some(time) => format!("limit={name};retry_ms={}", millis(time)),
            None => format!("limit={name}"),
        }
    }

    fn reply_headers(&self, denial: &Denial, format: &ReplyFormat) -> Vec<(HeaderName, Vec<u8>)> {
        let retry_after = denial.retry_after();
        let mut headers = vec![(X_ENVOY_RATELIMITED, b"true".to_vec())];
        if let Some(time) = retry_after {
            let seconds = seconds(time).max(1);
            headers.push((HeaderName::RETRY_AFTER, seconds.to_string().into_bytes()));
        }
        if format.is_grpc() {
            // With a negative number, clients do not retry.
            let pushback =
                retry_after.map_or_else(|| "-1".to_owned(), |time| millis(time).to_string());
            headers.push((PUSHBACK, pushback.into_bytes()));
            headers.extend(retry_after.map(|time| (STATUS_DETAILS, status_details(time))));
        }
        headers.extend(self.denied_headers(&denial.usages));
        headers
    }
}

/// Returns a time in milliseconds, rounded up.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns a `google.rpc.Status` with a `google.rpc.RetryInfo`, in base64.
fn status_details(retry_after: Duration) -> Vec<u8> {
    const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
    let mut status = Vec::new();
    protobuf::varint(1, GrpcStatus::ResourceExhausted.code().into(), &mut status);
    protobuf::bytes(2, TEXT.as_bytes(), &mut status);
    protobuf::message(3, &mut status, |any| {
        protobuf::bytes(1, RETRY_INFO, any);
        protobuf::message(2, any, |info| {
            protobuf::message(1, info, |delay| {
                protobuf::varint(1, retry_after.as_secs(), delay);
                protobuf::varint(2, retry_after.subsec_nanos().into(), delay);
            });
        });
    });
    BASE64_STANDARD_NO_PAD.encode(status).into_bytes()
}
