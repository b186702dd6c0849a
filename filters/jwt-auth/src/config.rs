//! The configuration document: what an operator writes, without behaviour.
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
    AlgorithmName, FetchUrl, IssuerConfig, KeySetText, NonEmpty, Realm, RuleName, SecretText, Url,
};

const YEAR_MS: u64 = 8_760 * 3_600_000;

/// The whole document.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Who may issue tokens, and how they are verified; 1 to 256 entries.
    #[serde(default)]
    pub jwt_rules: Vec<JwtRule>,
    /// Which request needs which token; absent means that none is needed and a bad one refused.
    #[serde(default)]
    pub rules: Option<Vec<RuleConfig>>,
    /// What is done to a path before it is matched.
    #[serde(default)]
    pub path_normalization: PathNormalization,
    /// Whether a CORS preflight needs no token.
    #[serde(default = "yes")]
    pub bypass_cors_preflight: bool,
    /// What happens to a request with several tokens.
    #[serde(default)]
    pub multiple_tokens: MultipleTokens,
    /// How many tokens are looked at, 4 if absent; one more refuses the request.
    #[serde(default)]
    pub max_tokens: Option<IntegerWithin<1, 8>>,
    /// How long a token may be, in bytes; 16,384 if absent.
    #[serde(default)]
    pub max_token_bytes: Option<IntegerWithin<256, 61_440>>,
    /// What is cached about tokens.
    #[serde(default)]
    pub token_cache: TokenCacheConfig,
    /// What is published about a verified identity.
    #[serde(default)]
    pub publish: Publish,
    /// Clients that may ask for the reason of a response. If a request matches one of these entries
    /// and sends `x-weir-explain: 1`, a response names the rule, provider and condition in the
    /// response header `x-weir-explain`.
    #[serde(default)]
    pub explain: Vec<HttpMatch>,
    /// What replies say about the resource.
    #[serde(default)]
    pub replies: RepliesConfig,
    /// How much replies detail about the reason.
    #[serde(default)]
    pub problem: ProblemConfig,
    /// How metrics are named.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Whether everything is decided and counted but nothing done.
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default, rename = "selector")]
    _selector: BelongsElsewhere,
    #[serde(default, rename = "targetRef")]
    _target_ref: BelongsElsewhere,
    #[serde(default, rename = "targetRefs")]
    _target_refs: BelongsElsewhere,
}

/// What happens to a request with several tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MultipleTokens {
    /// It is refused.
    #[default]
    Reject,
    /// Every token must verify; the first one is the identity.
    AllValid,
}

/// What is published about a verified identity.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Publish {
    /// Nothing.
    None,
    /// Provider, principal, issuer, subject, audiences, scopes and expiry.
    Identity,
    /// The same, and all claims.
    #[default]
    Claims,
}

/// What one worker remembers about tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenCacheConfig {
    /// How many tokens; 1,024 if absent, 0 turns the cache off.
    #[serde(default)]
    pub size: Option<IntegerWithin<0, 65_536>>,
    /// How long a good token is cached, at most until it expires; 5 minutes if absent.
    #[serde(default)]
    pub ttl: Option<DurationWithin<0, 3_600_000>>,
    /// How long a badly signed token is cached; 5 seconds if absent, 0 turns it off.
    #[serde(default)]
    pub negative_ttl: Option<DurationWithin<0, 60_000>>,
}

/// What replies say about the resource.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepliesConfig {
    /// The realm; absent means the request's URL without its query.
    #[serde(default)]
    pub realm: Option<Realm>,
    /// Where the resource describes itself (RFC 9728).
    #[serde(default)]
    pub resource_metadata: Option<Url>,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
