//! `jwtRules`: who may issue tokens, and how they are verified.

use std::fmt;

use filter_core::{
    ClaimPath, DurationWithin, EditableHeaderName, IntegerWithin, StringMatch, schema::alias,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AlgorithmName, FetchUrl, FromCookie, FromHeader, IssuerConfig, JwksFetchConfig, KeySetText,
    NonEmpty, RevocationConfig, RuleName, SecretText, YEAR_MS,
};

/// One entry of `jwtRules`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = alias("jwksUri", "jwks_uri"))]
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
    /// Cookies that hold a token, each a name or an object with `name` and `prefix`.
    #[serde(default)]
    pub from_cookies: Vec<FromCookie>,
    /// Accepts tokens whose parts end with base64 padding (`=`), such as those of AWS load
    /// balancers.
    #[serde(default)]
    pub accept_padding: bool,
    /// Whether a verified token stays in the request.
    #[serde(default)]
    pub forward_original_token: bool,
    /// The header that receives the token's payload, base64url without padding.
    #[serde(default)]
    pub output_payload_to_header: Option<EditableHeaderName>,
    /// Pads the payload in `outputPayloadToHeader` with `=` to a multiple of four, for decoders
    /// that require it.
    #[serde(default)]
    pub pad_output_payload: bool,
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
    /// How far clocks may differ; 60 seconds if absent.
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
    /// Where the key set is fetched from.
    #[serde(default, alias = "jwks_uri")]
    pub jwks_uri: Option<FetchUrl>,
    /// How keys are fetched.
    #[serde(default)]
    pub jwks_fetch: Option<JwksFetchConfig>,
    /// How long one fetch may take; 5 seconds if absent.
    #[serde(default)]
    pub timeout: Option<DurationWithin<100, 60_000>>,
}

/// One entry of `keys`: exactly one of `pem`, `secret` and `secretEnv`.
#[derive(Deserialize, JsonSchema)]
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
    /// A shared secret, encoded as `secretEncoding`; standard base64 by default.
    #[serde(default)]
    pub secret: Option<SecretText>,
    /// The context variable that holds the secret, encoded as `secretEncoding`.
    #[serde(default)]
    pub secret_env: Option<NonEmpty>,
    /// The encoding of the secret; default `BASE64`. Use `TEXT` for issuers that sign with the text
    /// itself.
    #[serde(default)]
    pub secret_encoding: Option<SecretEncoding>,
}

/// The encoding of a shared secret.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SecretEncoding {
    /// Standard base64 of the secret's bytes, with or without padding.
    #[default]
    Base64,
    /// base64url of the secret's bytes, with or without padding, like `k` of a JWK.
    Base64url,
    /// Two hexadecimal digits for each byte.
    Hex,
    /// The text itself, byte for byte.
    Text,
}

/// One entry of `outputClaimToHeaders`.
#[derive(Debug, Deserialize, JsonSchema)]
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
    /// How many bytes the value may have, 4,096 if absent; a longer one is left out.
    #[serde(default)]
    pub max_bytes: Option<IntegerWithin<1, 16_384>>,
}

/// Whether a token must be of the client's certificate (RFC 8705).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
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

/// How a claim is written to a header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutputFormat {
    /// A string, number or boolean as text.
    #[default]
    Scalar,
    /// A list of scalars, separated by commas; a single scalar is a list of one.
    Csv,
    /// Compact JSON in ASCII.
    Json,
    /// Base64 of compact JSON, as Envoy writes lists and objects.
    Base64Json,
}

impl fmt::Debug for KeyConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyConfig").field("kid", &self.kid).finish_non_exhaustive()
    }
}
