//! The closed set of reasons for which a request is refused.

use std::{fmt, rc::Rc, time::Duration};

/// The request and response header for the explanation of a refusal.
pub(crate) const EXPLAIN: &str = "x-weir-explain";

mod challenge;
mod refusal;

pub use challenge::Challenge;
pub use refusal::Replies;

/// Says why a request is refused.
///
/// Declared in the order of the checks: of two failures the later one came further.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// No rule matches the request, or readings of the request select different rules.
    RuleUnmatched,
    /// A token is required and there is none.
    Missing,
    /// There are several tokens.
    MultipleTokens,
    /// The token is longer than `maxTokenBytes`.
    TooLarge,
    /// The token has not three parts, or its signature is not base64url.
    BadFormat,
    /// The header is not base64url or strict JSON, or a member has the wrong type.
    BadHeader,
    /// The payload is not base64url or strict JSON, or a claim has the wrong type.
    BadPayload,
    /// The header has `crit`.
    CriticalHeader,
    /// No provider serves the issuer.
    UnknownIssuer,
    /// `typ` is none of `tokenTypes`.
    WrongType,
    /// `alg` is `none`, unknown or not allowed.
    UnsupportedAlgorithm,
    /// `nbf` lies in the future.
    NotYetValid,
    /// `exp` has passed.
    Expired,
    /// No audience is allowed.
    AudienceNotAllowed,
    /// The subject is not allowed.
    SubjectNotAllowed,
    /// A required time is missing, or the token lives too long or is too old.
    LifetimeNotAllowed,
    /// No key fits `kid` and `alg`.
    KeyNotFound,
    /// No candidate key verifies the signature.
    BadSignature,
    /// The token is bound to another certificate.
    BindingFailed,
    /// The token is on the deny list, or cannot be looked up there.
    Revoked,
    /// A stronger or fresher login is wanted (RFC 9470).
    StepUpRequired,
    /// A scope is missing.
    InsufficientScope,
    /// A principal or condition is not met.
    ClaimNotAllowed,
    /// There is no usable key set.
    KeysUnavailable,
    /// There is no usable deny list.
    RevocationUnavailable,
    /// The proxy answered what it must not.
    Internal,
}

impl Reason {
    /// Lists every reason, in the order of the declaration.
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

    /// Returns the reason's code, as problem documents show it.
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

    /// Returns the code in lower case, as metrics and response code details show it.
    pub fn word(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// Returns the claim that is at fault, where the reason alone says which.
    pub const fn claim(self) -> Option<&'static str> {
        match self {
            Self::UnknownIssuer => Some("iss"),
            Self::NotYetValid => Some("nbf"),
            Self::Expired => Some("exp"),
            Self::AudienceNotAllowed => Some("aud"),
            Self::SubjectNotAllowed => Some("sub"),
            Self::BindingFailed => Some("cnf"),
            Self::Revoked => Some("jti"),
            _ => None,
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
            _ => 401,
        }
    }
}

/// A reason together with the text that the client is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    reason: Reason,
    text: &'static str,
}

impl Fault {
    /// No token was found.
    pub const MISSING: Self = Self::new(Reason::Missing, "Jwt is missing");
    /// Several tokens were found.
    pub const MULTIPLE_TOKENS: Self =
        Self::new(Reason::MultipleTokens, "Found multiple Jwt tokens");
    /// The token is too long to be looked at.
    pub const TOO_LARGE: Self = Self::new(Reason::TooLarge, "Jwt is too large");
    /// `typ` is not allowed.
    pub const WRONG_TYPE: Self = Self::new(Reason::WrongType, "Jwt header [typ] is not allowed");
    /// No provider serves the issuer.
    pub const UNKNOWN_ISSUER: Self =
        Self::new(Reason::UnknownIssuer, "Jwt issuer is not configured");
    /// `alg` is not served.
    pub const UNSUPPORTED_ALGORITHM: Self =
        Self::new(Reason::UnsupportedAlgorithm, "Jwt header [alg] is not supported");
    /// `nbf` lies in the future.
    pub const NOT_YET_VALID: Self = Self::new(Reason::NotYetValid, "Jwt not yet valid");
    /// `exp` has passed.
    pub const EXPIRED: Self = Self::new(Reason::Expired, "Jwt is expired");
    /// No audience is allowed.
    pub const AUDIENCE: Self =
        Self::new(Reason::AudienceNotAllowed, "Audiences in Jwt are not allowed");
    /// The subject is not allowed.
    pub const SUBJECT: Self = Self::new(Reason::SubjectNotAllowed, "Jwt verification fails");
    /// The token's times are not allowed.
    pub const LIFETIME: Self = Self::new(Reason::LifetimeNotAllowed, "Jwt verification fails");
    /// No key fits.
    pub const KEY_NOT_FOUND: Self =
        Self::new(Reason::KeyNotFound, "Jwks doesn't have key to match kid or alg from Jwt");
    /// No key verifies.
    pub const BAD_SIGNATURE: Self = Self::new(Reason::BadSignature, "Jwt verification fails");
    /// The token is of another certificate.
    pub const BINDING: Self =
        Self::new(Reason::BindingFailed, "Jwt is bound to another certificate");
    /// The token is on the deny list, or has no `jti` to be looked up.
    pub const REVOKED: Self = Self::new(Reason::Revoked, "Jwt is revoked");
    /// The login is too weak or too old.
    pub const STEP_UP: Self =
        Self::new(Reason::StepUpRequired, "A different authentication level is required");
    /// A scope is missing.
    pub const SCOPE: Self = Self::new(Reason::InsufficientScope, "Insufficient scope");
    /// A principal or condition is not met.
    pub const CLAIM: Self = Self::new(Reason::ClaimNotAllowed, "Claims in Jwt are not allowed");
    /// There is no key set to verify with.
    pub const KEYS_UNAVAILABLE: Self =
        Self::new(Reason::KeysUnavailable, "Jwks remote fetch is failed");
    /// There is no deny list to look the token up in.
    pub const REVOCATION_UNAVAILABLE: Self =
        Self::new(Reason::RevocationUnavailable, "Revocation list is not available");
    /// The proxy answered what it must not.
    pub const INTERNAL: Self = Self::new(Reason::Internal, "Internal error");
    /// No rule fits.
    pub const RULE_UNMATCHED: Self =
        Self::new(Reason::RuleUnmatched, "No rule matches the request");

    /// Readings of the request select different rules.
    pub const RULE_UNSURE: Self =
        Self::new(Reason::RuleUnmatched, "The request can be read in several ways");

    pub(crate) const fn new(reason: Reason, text: &'static str) -> Self {
        Self { reason, text }
    }

    /// Returns the reason.
    pub const fn reason(self) -> Reason {
        self.reason
    }

    /// Returns the text, Envoy's own where Envoy has one.
    pub const fn text(self) -> &'static str {
        self.text
    }
}

/// A refusal, with what the operator may know about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// Why.
    pub fault: Fault,
    /// The name of the rule that was decisive; absent if no rule matched or none is configured.
    pub rule: Option<Rc<str>>,
    /// The name of the provider that came furthest.
    pub provider: Option<Rc<str>>,
    /// What the client is asked to come back with.
    pub challenge: Challenge,
    /// `true` if the client asks for an explanation and may have it.
    pub is_explained: bool,
    /// How long until the next attempt to fetch what is missing; zero if nothing is.
    pub retry_after: Duration,
}

impl From<Fault> for Denial {
    fn from(fault: Fault) -> Self {
        let challenge = Challenge::default();
        let retry_after = Duration::ZERO;
        Self { fault, rule: None, provider: None, challenge, is_explained: false, retry_after }
    }
}

impl Denial {
    /// Iterates over the unmet requirements, by names and values of the configuration.
    pub fn wanted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let claim = self.challenge.claim.as_deref().or(self.fault.reason().claim());
        let wanted = [
            ("claim", claim),
            ("scope", self.challenge.scope.as_deref()),
            ("acr_values", self.challenge.acr_values.as_deref()),
        ];
        wanted.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

impl fmt::Display for Denial {
    /// Writes the line of the log: the reason, the rule and the provider, nothing of the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.fault.reason().code())?;
        for (name, value) in [("rule", &self.rule), ("provider", &self.provider)] {
            if let Some(value) = value {
                write!(formatter, " {name}={value}")?;
            }
        }
        Ok(())
    }
}
