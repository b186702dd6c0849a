//! The configuration document: what an operator writes, without behaviour.
//!
//! `jwtRules` is the block of Istio's RequestAuthentication:
//! <https://istio.io/latest/docs/reference/config/security/jwt/>.

use filter_core::{
    ClaimPath, DurationWithin, EditableHeaderName, HeaderName, IntegerWithin, MetricsConfig,
    PathNormalization, ProblemConfig, StringMatch,
};
use serde::Deserialize;

mod rules;
mod values;

pub use rules::{ProvidersConfig, RuleConfig, ScopesConfig, StepUpConfig, TokenNeed, WhenConfig};
pub use values::{AlgorithmName, IssuerConfig, KeySetText, NonEmpty, Realm, RuleName, Url};
use values::{BelongsElsewhere, NotServed};

/// The whole document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    /// How many tokens are looked at; one more refuses the request.
    #[serde(default)]
    pub max_tokens: Option<IntegerWithin<1, 8>>,
    /// How long a token may be, in bytes.
    #[serde(default)]
    pub max_token_bytes: Option<IntegerWithin<256, 61_440>>,
    /// What is remembered about tokens.
    #[serde(default)]
    pub token_cache: TokenCacheConfig,
    /// What is published about a verified identity.
    #[serde(default)]
    pub publish: Publish,
    /// What replies say about the resource.
    #[serde(default)]
    pub replies: RepliesConfig,
    /// How much replies tell about the reason.
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

/// One entry of `jwtRules`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwtRule {
    /// What logs and labels call the entry; `jwt-<index>` if absent.
    #[serde(default)]
    pub name: Option<RuleName>,
    /// What `iss` must equal; absent means any.
    #[serde(default)]
    pub issuer: Option<IssuerConfig>,
    /// The audiences, any of which `aud` must name; absent means any.
    #[serde(default)]
    pub audiences: Option<Vec<NonEmpty>>,
    /// The key set, JSON inside a string.
    #[serde(default)]
    pub jwks: Option<KeySetText>,
    /// Keys one by one.
    #[serde(default)]
    pub keys: Option<Vec<KeyConfig>>,
    /// Headers that hold a token.
    #[serde(default)]
    pub from_headers: Vec<FromHeader>,
    /// Query parameters that hold a token.
    #[serde(default)]
    pub from_params: Vec<NonEmpty>,
    /// Cookies that hold a token.
    #[serde(default)]
    pub from_cookies: Vec<NonEmpty>,
    /// Whether a verified token stays in the request.
    #[serde(default)]
    pub forward_original_token: bool,
    /// The header that receives the token's payload, base64url without padding.
    #[serde(default)]
    pub output_payload_to_header: Option<EditableHeaderName>,
    /// The header that receives `<iss>/<sub>`.
    #[serde(default)]
    pub output_principal_to_header: Option<EditableHeaderName>,
    /// Headers that receive claims.
    #[serde(default)]
    pub output_claim_to_headers: Vec<ClaimToHeader>,
    /// The algorithms that are allowed; absent means what the keys allow.
    #[serde(default)]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// The types that `typ` may name; absent means any or none.
    #[serde(default)]
    pub token_types: Option<Vec<NonEmpty>>,
    /// Conditions, any of which `sub` must fulfil; absent means any subject.
    #[serde(default)]
    pub subjects: Option<Vec<StringMatch>>,
    /// Claims that hold several values in one text, besides `scope` and `permission`.
    #[serde(default)]
    pub space_delimited_claims: Vec<ClaimPath>,
    /// The claims that hold scopes; `scope` and `scp` if absent.
    #[serde(default)]
    pub scope_claims: Option<Vec<ClaimPath>>,
    /// How far clocks may differ.
    #[serde(default)]
    pub clock_skew: Option<DurationWithin<0, 600_000>>,
    /// Whether a token must have `exp`.
    #[serde(default)]
    pub require_expiration: bool,
    /// How far in the future `exp` may lie.
    #[serde(default)]
    pub max_lifetime: Option<DurationWithin<1_000, YEAR_MS>>,
    /// How old a token may be by its `iat`.
    #[serde(default)]
    pub max_age: Option<DurationWithin<1_000, YEAR_MS>>,
    /// Whether a token must be of the client's certificate.
    #[serde(default)]
    pub certificate_binding: CertificateBinding,
    /// Tokens that are refused although they are valid.
    #[serde(default)]
    pub revocation: Option<RevocationConfig>,
    #[serde(default, rename = "jwksUri")]
    _jwks_uri: NotServed,
    #[serde(default, rename = "jwks_uri")]
    _jwks_uri_in_snake_case: NotServed,
}

const YEAR_MS: u64 = 8_760 * 3_600_000;

/// One entry of `keys`: exactly one of `pem`, `secret` and `secretEnv`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyConfig {
    /// The key's identifier.
    #[serde(default)]
    pub kid: Option<String>,
    /// The algorithm that the key is pinned to; required for secrets.
    #[serde(default)]
    pub alg: Option<AlgorithmName>,
    /// A public key.
    #[serde(default)]
    pub pem: Option<String>,
    /// A shared secret, base64 of the raw bytes.
    #[serde(default)]
    pub secret: Option<String>,
    /// The environment variable that holds the secret.
    #[serde(default)]
    pub secret_env: Option<NonEmpty>,
}

/// One entry of `fromHeaders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromHeader {
    /// The header's name.
    pub name: HeaderName,
    /// What the value must begin with, without regard to case; at most 64 bytes.
    #[serde(default)]
    pub prefix: String,
}

/// One entry of `outputClaimToHeaders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimToHeader {
    /// The header that receives the claim.
    pub header: EditableHeaderName,
    /// The claim.
    pub claim: ClaimPath,
    /// How the claim is written.
    #[serde(default)]
    pub format: OutputFormat,
    /// What a token without a fitting claim yields.
    #[serde(default)]
    pub default: Option<String>,
    /// How long the value may be; a longer one is left out.
    #[serde(default)]
    pub max_bytes: Option<IntegerWithin<1, 16_384>>,
}

/// Whether a token must be of the client's certificate (RFC 8705).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CertificateBinding {
    /// `cnf` is not looked at.
    #[default]
    Ignore,
    /// A token with `cnf` must be of the certificate.
    IfPresent,
    /// Every token must be of the certificate.
    Required,
}

/// Tokens that are refused although they are valid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevocationConfig {
    /// The `jti` of these tokens, 1 to 10,000.
    pub jti: Vec<NonEmpty>,
}

/// How a claim is written to a header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutputFormat {
    /// A string, number or boolean as text.
    #[default]
    Scalar,
    /// A list of scalars, separated by commas.
    Csv,
    /// Compact JSON in ASCII.
    Json,
    /// Base64 of compact JSON, as Envoy writes lists and objects.
    Base64Json,
}

/// What happens to a request with several tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MultipleTokens {
    /// It is refused.
    #[default]
    Reject,
    /// Every token must verify; the first one is the identity.
    AllValid,
}

/// What is published about a verified identity.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenCacheConfig {
    /// How many tokens; 1,024 if absent, 0 turns the cache off.
    #[serde(default)]
    pub size: Option<IntegerWithin<0, 65_536>>,
    /// How long a good token is remembered, at most until it expires; 5 minutes if absent.
    #[serde(default)]
    pub ttl: Option<DurationWithin<0, 3_600_000>>,
    /// How long a badly signed token is remembered; 5 seconds if absent, 0 turns it off.
    #[serde(default)]
    pub negative_ttl: Option<DurationWithin<0, 60_000>>,
}

/// What replies say about the resource.
#[derive(Debug, Default, Deserialize)]
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

impl std::fmt::Debug for KeyConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyConfig").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
