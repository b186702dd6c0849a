//! The types of the configuration document.
//!
//! `jwtRules` is the block of Istio's RequestAuthentication:
//! <https://istio.io/latest/docs/reference/config/security/jwt/>.

use filter_core::{
    DurationWithin, HttpMatch, IntegerWithin, MetricsConfig, PathNormalization, ProblemConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod fetching;
mod jwt_rules;
mod locations;
mod rules;
mod values;

pub use fetching::{ColdStart, FetchHeader, JwksFetchConfig, OnUnavailable, RevocationConfig};
pub use jwt_rules::{
    CertificateBinding, ClaimToHeader, JwtRule, KeyConfig, OutputFormat, SecretEncoding,
};
pub use locations::{FromCookie, FromHeader, PrefixedCookie};
pub use rules::{ProvidersConfig, RuleConfig, ScopesConfig, StepUpConfig, TokenNeed, WhenConfig};
use values::BelongsElsewhere;
pub use values::{
    AlgorithmName, IssuerConfig, KeySetText, NonEmpty, Realm, RuleName, SecretText, Url,
};

const YEAR_MS: u64 = 8_760 * 3_600_000;

/// The configuration document.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Accepted issuers and the verification of their tokens, as in Istio's RequestAuthentication;
    /// 1 to 256 entries.
    #[serde(default)]
    pub jwt_rules: Vec<JwtRule>,
    /// Rules for the tokens that requests need, 1 to 1,024 entries. The first rule whose `match`
    /// matches decides; a request that matches no rule is refused. Without `rules`, requests
    /// without a token are admitted and invalid tokens are refused.
    #[serde(default)]
    pub rules: Option<Vec<RuleConfig>>,
    /// Normalization of the path before `match`. Set it only if the application receives the path
    /// after that normalization. Default: `NONE`.
    #[serde(default)]
    pub path_normalization: PathNormalization,
    /// Admits CORS preflight requests without a token. Default: `true`.
    #[serde(default = "yes")]
    pub bypass_cors_preflight: bool,
    /// Handling of requests with several different tokens. Default: `REJECT`.
    #[serde(default)]
    pub multiple_tokens: MultipleTokens,
    /// Maximum number of different tokens in a request; one with more is refused. Default: 4.
    #[serde(default)]
    pub max_tokens: Option<IntegerWithin<1, 8>>,
    /// Maximum length of a token in bytes. Default: 16,384.
    #[serde(default)]
    pub max_token_bytes: Option<IntegerWithin<256, 61_440>>,
    /// Cache of signature checks.
    #[serde(default)]
    pub token_cache: TokenCacheConfig,
    /// Content of the property `weir.jwt`, which other filters, access logs and CEL expressions can
    /// read. Default: `CLAIMS`.
    #[serde(default)]
    #[schemars(extend("default" = "CLAIMS"))]
    pub publish: Option<Publish>,
    /// Requests whose refusals may be explained. If a request matches one of these entries and has
    /// the header `x-weir-explain: 1`, a refusal names rule, provider and condition in the response
    /// header `x-weir-explain`. Default: none.
    #[serde(default)]
    pub explain: Vec<HttpMatch>,
    /// Parameters of the `WWW-Authenticate` response header.
    #[serde(default)]
    pub replies: RepliesConfig,
    /// Level of detail in replies.
    #[serde(default)]
    pub problem: ProblemConfig,
    /// Names of metrics.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Decides and counts, but neither refuses nor changes requests. Default: `false`.
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default, rename = "selector")]
    _selector: BelongsElsewhere,
    #[serde(default, rename = "targetRef")]
    _target_ref: BelongsElsewhere,
    #[serde(default, rename = "targetRefs")]
    _target_refs: BelongsElsewhere,
}

/// Handling of requests with several different tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MultipleTokens {
    /// The request is refused. With `providers.all`, one token of each provider is accepted.
    #[default]
    Reject,
    /// All tokens must be valid; the first one is the identity.
    AllValid,
}

/// Content of the property `weir.jwt`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Publish {
    /// Nothing.
    None,
    /// Provider, principal, issuer, subject, audiences, scopes and expiry of the verified token.
    Identity,
    /// As `IDENTITY`, with all claims unless that exceeds 32 KiB.
    #[default]
    Claims,
}

/// Cache of signature checks, per worker. Everything else is checked on every request.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenCacheConfig {
    /// Maximum number of valid tokens; 0 disables the cache. Invalid tokens are limited to a
    /// quarter of it. Default: 1,024.
    #[serde(default)]
    pub size: Option<IntegerWithin<0, 65_536>>,
    /// Time for which a valid token is cached, at most until it expires. Default: 5m.
    #[serde(default)]
    pub ttl: Option<DurationWithin<0, 3_600_000>>,
    /// Time for which a token with an invalid signature is cached; 0s disables it. Default: 5s.
    #[serde(default)]
    pub negative_ttl: Option<DurationWithin<0, 60_000>>,
}

/// Parameters of the `WWW-Authenticate` response header.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepliesConfig {
    /// Value of `realm`. Default: the URL of the request without its query.
    #[serde(default)]
    pub realm: Option<Realm>,
    /// Value of `resource_metadata`: the URL of the protected resource metadata (RFC 9728).
    /// Default: not sent.
    #[serde(default)]
    pub resource_metadata: Option<Url>,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
