//! The `WWW-Authenticate` header (RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1).

use std::{fmt::Write as _, rc::Rc, time::Duration};

use super::{Denial, Reason};

/// The requirements that the client's next request must meet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Challenge {
    /// The required scopes, separated by spaces.
    pub scope: Option<Rc<str>>,
    /// The accepted authentication levels, separated by spaces.
    pub acr_values: Option<Rc<str>>,
    /// The maximum age of the login.
    pub max_age: Option<Duration>,
    /// The claim that failed a condition; in replies only with `problem.detail: FULL`.
    pub claim: Option<Rc<str>>,
}

impl Reason {
    /// Returns the error code (RFC 6750 section 3.1); `None` if the reply has none.
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Missing
            | Self::RuleUnmatched
            | Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::Internal => None,
            Self::MultipleTokens => Some("invalid_request"),
            Self::StepUpRequired => Some("insufficient_user_authentication"),
            Self::InsufficientScope | Self::ClaimNotAllowed => Some("insufficient_scope"),
            Self::TooLarge
            | Self::BadFormat
            | Self::BadHeader
            | Self::BadPayload
            | Self::CriticalHeader
            | Self::UnknownIssuer
            | Self::WrongType
            | Self::UnsupportedAlgorithm
            | Self::NotYetValid
            | Self::Expired
            | Self::AudienceNotAllowed
            | Self::SubjectNotAllowed
            | Self::LifetimeNotAllowed
            | Self::KeyNotFound
            | Self::BadSignature
            | Self::BindingFailed
            | Self::Revoked => Some("invalid_token"),
        }
    }

    /// Returns `true` if the reply has a `WWW-Authenticate` header.
    pub const fn has_challenge(self) -> bool {
        !matches!(self, Self::RuleUnmatched) && self.status() != 503
    }
}

/// Formats the header's value; `realm` and `metadata` must not contain quotes or backslashes.
pub(super) fn format(
    denial: &Denial,
    realm: &str,
    metadata: Option<&str>,
    detail: ChallengeDetail,
) -> String {
    let mut value = format!("Bearer realm=\"{realm}\"");
    let mut add = |name: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = write!(value, ", {name}=\"{text}\"");
    };
    if let (ChallengeDetail::Reason, Some(error)) = (detail, denial.rejection.reason().error()) {
        add("error", error);
        add("error_description", denial.rejection.text());
        let challenge = &denial.challenge;
        for (name, text) in [("scope", &challenge.scope), ("acr_values", &challenge.acr_values)] {
            if let Some(text) = text {
                add(name, text);
            }
        }
        if let Some(age) = challenge.max_age {
            add("max_age", &age.as_secs().to_string());
        }
    }
    if let (Some(metadata), 401 | 403) = (metadata, denial.rejection.reason().status()) {
        add("resource_metadata", metadata);
    }
    value
}

/// The level of detail in the header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ChallengeDetail {
    /// Only the realm.
    Realm,
    /// Realm and reason.
    Reason,
}
