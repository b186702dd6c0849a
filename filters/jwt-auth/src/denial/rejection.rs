//! Reasons with their texts for the client.

use super::Reason;

/// A reason with the text for the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rejection {
    reason: Reason,
    text: &'static str,
}

impl Rejection {
    /// The request has no token.
    pub const MISSING: Self = Self::new(Reason::Missing, "Jwt is missing");
    /// The request has several tokens.
    pub const MULTIPLE_TOKENS: Self =
        Self::new(Reason::MultipleTokens, "Found multiple Jwt tokens");
    /// The token is longer than `maxTokenBytes`.
    pub const TOO_LARGE: Self = Self::new(Reason::TooLarge, "Jwt is too large");
    /// `typ` is not allowed.
    pub const WRONG_TYPE: Self = Self::new(Reason::WrongType, "Jwt header [typ] is not allowed");
    /// No provider serves the issuer.
    pub const UNKNOWN_ISSUER: Self =
        Self::new(Reason::UnknownIssuer, "Jwt issuer is not configured");
    /// `alg` is not supported or not allowed.
    pub const UNSUPPORTED_ALGORITHM: Self =
        Self::new(Reason::UnsupportedAlgorithm, "Jwt header [alg] is not supported");
    /// `nbf` is in the future.
    pub const NOT_YET_VALID: Self = Self::new(Reason::NotYetValid, "Jwt not yet valid");
    /// `exp` has passed.
    pub const EXPIRED: Self = Self::new(Reason::Expired, "Jwt is expired");
    /// None of the audiences is allowed.
    pub const AUDIENCE: Self =
        Self::new(Reason::AudienceNotAllowed, "Audiences in Jwt are not allowed");
    /// The subject is not allowed.
    pub const SUBJECT: Self = Self::new(Reason::SubjectNotAllowed, "Jwt verification fails");
    /// The token's lifetime or age is not allowed.
    pub const LIFETIME: Self = Self::new(Reason::LifetimeNotAllowed, "Jwt verification fails");
    /// No key matches `kid` and `alg`.
    pub const KEY_NOT_FOUND: Self =
        Self::new(Reason::KeyNotFound, "Jwks doesn't have key to match kid or alg from Jwt");
    /// No matching key verifies the signature.
    pub const BAD_SIGNATURE: Self = Self::new(Reason::BadSignature, "Jwt verification fails");
    /// The token is bound to another certificate.
    pub const BINDING: Self =
        Self::new(Reason::BindingFailed, "Jwt is bound to another certificate");
    /// The token is on the deny list, or has no `jti`.
    pub const REVOKED: Self = Self::new(Reason::Revoked, "Jwt is revoked");
    /// A stronger or more recent login is required.
    pub const STEP_UP: Self =
        Self::new(Reason::StepUpRequired, "A different authentication level is required");
    /// A scope is missing.
    pub const SCOPE: Self = Self::new(Reason::InsufficientScope, "Insufficient scope");
    /// A condition on the principal or a claim is not met.
    pub const CLAIM: Self = Self::new(Reason::ClaimNotAllowed, "Claims in Jwt are not allowed");
    /// No usable key set is available.
    pub const KEYS_UNAVAILABLE: Self =
        Self::new(Reason::KeysUnavailable, "Jwks remote fetch is failed");
    /// No usable deny list is available.
    pub const REVOCATION_UNAVAILABLE: Self =
        Self::new(Reason::RevocationUnavailable, "Revocation list is not available");
    /// A host call failed.
    pub const INTERNAL: Self = Self::new(Reason::Internal, "Internal error");
    /// No rule matches.
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

    /// Returns the text; the same as in Envoy's `jwt_authn`, where that has one.
    pub const fn text(self) -> &'static str {
        self.text
    }
}
