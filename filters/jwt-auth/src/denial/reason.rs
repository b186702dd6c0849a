//! The closed set of reasons.

/// The reason why a request is denied.
///
/// The order is that of the checks: of several failures, the latest one is reported.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// No rule matches, or readings of the request select different rules.
    RuleUnmatched,
    /// A token is required but missing.
    Missing,
    /// The request has several tokens.
    MultipleTokens,
    /// The token is longer than `maxTokenBytes`.
    TooLarge,
    /// The token does not have three parts, or its signature is not base64url.
    BadFormat,
    /// The header is not base64url or strict JSON, or a member has the wrong type.
    BadHeader,
    /// The payload is not base64url or strict JSON, or a claim has the wrong type.
    BadPayload,
    /// The header has `crit`.
    CriticalHeader,
    /// No provider serves the issuer.
    UnknownIssuer,
    /// `typ` is not in `tokenTypes`.
    WrongType,
    /// `alg` is `none`, unknown or not allowed.
    UnsupportedAlgorithm,
    /// `nbf` is in the future.
    NotYetValid,
    /// `exp` has passed.
    Expired,
    /// None of the audiences is allowed.
    AudienceNotAllowed,
    /// The subject is not allowed.
    SubjectNotAllowed,
    /// A required time is missing, the lifetime is too long, or the token is too old.
    LifetimeNotAllowed,
    /// No key matches `kid` and `alg`.
    KeyNotFound,
    /// No matching key verifies the signature.
    BadSignature,
    /// The token is bound to another certificate.
    BindingFailed,
    /// The token is on the deny list, or has no `jti`.
    Revoked,
    /// A stronger or more recent login is required (RFC 9470).
    StepUpRequired,
    /// A scope is missing.
    InsufficientScope,
    /// A condition on the principal or a claim is not met.
    ClaimNotAllowed,
    /// No usable key set is available.
    KeysUnavailable,
    /// No usable deny list is available.
    RevocationUnavailable,
    /// A host call failed.
    Internal,
}

impl Reason {
    /// All reasons, in the order of declaration.
    pub const ALL: [Self; 26] = [
        Self::RuleUnmatched,
        Self::Missing,
        Self::MultipleTokens,
        Self::TooLarge,
        Self::BadFormat,
        Self::BadHeader,
        Self::BadPayload,
        Self::CriticalHeader,
        Self::UnknownIssuer,
        Self::WrongType,
        Self::UnsupportedAlgorithm,
        Self::NotYetValid,
        Self::Expired,
        Self::AudienceNotAllowed,
        Self::SubjectNotAllowed,
        Self::LifetimeNotAllowed,
        Self::KeyNotFound,
        Self::BadSignature,
        Self::BindingFailed,
        Self::Revoked,
        Self::StepUpRequired,
        Self::InsufficientScope,
        Self::ClaimNotAllowed,
        Self::KeysUnavailable,
        Self::RevocationUnavailable,
        Self::Internal,
    ];

    /// Returns the code in upper case, as in problem documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RuleUnmatched => "RULE_UNMATCHED",
            Self::Missing => "MISSING",
            Self::MultipleTokens => "MULTIPLE_TOKENS",
            Self::TooLarge => "TOO_LARGE",
            Self::BadFormat => "BAD_FORMAT",
            Self::BadHeader => "BAD_HEADER",
            Self::BadPayload => "BAD_PAYLOAD",
            Self::CriticalHeader => "CRITICAL_HEADER",
            Self::UnknownIssuer => "UNKNOWN_ISSUER",
            Self::WrongType => "WRONG_TYPE",
            Self::UnsupportedAlgorithm => "UNSUPPORTED_ALGORITHM",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::Expired => "EXPIRED",
            Self::AudienceNotAllowed => "AUDIENCE_NOT_ALLOWED",
            Self::SubjectNotAllowed => "SUBJECT_NOT_ALLOWED",
            Self::LifetimeNotAllowed => "LIFETIME_NOT_ALLOWED",
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::BindingFailed => "BINDING_FAILED",
            Self::Revoked => "REVOKED",
            Self::StepUpRequired => "STEP_UP_REQUIRED",
            Self::InsufficientScope => "INSUFFICIENT_SCOPE",
            Self::ClaimNotAllowed => "CLAIM_NOT_ALLOWED",
            Self::KeysUnavailable => "KEYS_UNAVAILABLE",
            Self::RevocationUnavailable => "REVOCATION_UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// Returns the code in lower case, as in metrics and response code details.
    pub fn word(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// Returns the claim that the reason is about; `None` if it depends on the rule or the token.
    pub const fn claim(self) -> Option<&'static str> {
        match self {
            Self::UnknownIssuer => Some("iss"),
            Self::NotYetValid => Some("nbf"),
            Self::Expired => Some("exp"),
            Self::AudienceNotAllowed => Some("aud"),
            Self::SubjectNotAllowed => Some("sub"),
            Self::BindingFailed => Some("cnf"),
            Self::Revoked => Some("jti"),
            Self::RuleUnmatched
            | Self::Missing
            | Self::MultipleTokens
            | Self::TooLarge
            | Self::BadFormat
            | Self::BadHeader
            | Self::BadPayload
            | Self::CriticalHeader
            | Self::WrongType
            | Self::UnsupportedAlgorithm
            | Self::LifetimeNotAllowed
            | Self::KeyNotFound
            | Self::BadSignature
            | Self::StepUpRequired
            | Self::InsufficientScope
            | Self::ClaimNotAllowed
            | Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::Internal => None,
        }
    }

    /// Returns the HTTP status of the reply.
    pub const fn status(self) -> u16 {
        match self {
            Self::MultipleTokens => 400,
            Self::RuleUnmatched
            | Self::AudienceNotAllowed
            | Self::InsufficientScope
            | Self::ClaimNotAllowed => 403,
            Self::KeysUnavailable | Self::RevocationUnavailable | Self::Internal => 503,
            Self::Missing
            | Self::TooLarge
            | Self::BadFormat
            | Self::BadHeader
            | Self::BadPayload
            | Self::CriticalHeader
            | Self::UnknownIssuer
            | Self::WrongType
            | Self::UnsupportedAlgorithm
            | Self::NotYetValid
            | Self::Expired
            | Self::SubjectNotAllowed
            | Self::LifetimeNotAllowed
            | Self::KeyNotFound
            | Self::BadSignature
            | Self::BindingFailed
            | Self::Revoked
            | Self::StepUpRequired => 401,
        }
    }
}
