//! `jwtRules`: issuers and the verification of their tokens.

use std::fmt;

use filter_core::{
    ClaimPath, DurationWithin, EditableHeaderName, IntegerWithin, StringMatch, remote::FetchUrl,
    schema::alias,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AlgorithmName, FromCookie, FromHeader, IssuerConfig, JwksFetchConfig, KeySetText, NonEmpty,
    RevocationConfig, RuleName, SecretText, YEAR_MS,
};

/// An issuer and the verification of its tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = alias("jwksUri", "jwks_uri"))]
pub struct JwtRule {
    /// Name of the entry in `rules[].providers`, logs and `weir.jwt`. Default: `jwt-<index>`.
    #[serde(default)]
    pub name: Option<RuleName>,
    /// Required `iss`: text that it must equal, or a condition. Default: any.
    #[serde(default)]
    pub issuer: Option<IssuerConfig>,
    /// Allowed audiences, one of which must be in `aud`. A leading `http://` or `https://` and one
    /// trailing `/` are ignored. Default: any.
    #[serde(default)]
    pub audiences: Option<Vec<NonEmpty>>,
    /// Key set (JSON Web Key Set) as a string, at most 256 KiB; or a JSON object from `kid` to PEM
    /// certificate. Alternative to `jwksUri` and `keys`.
    #[serde(default)]
    pub jwks: Option<KeySetText>,
    /// Single keys, 1 to 64 entries. Alternative to `jwksUri` and `jwks`.
    #[serde(default)]
    pub keys: Option<Vec<KeyConfig>>,
    /// Headers that may contain a token. Default, if no location is configured: `authorization`
    /// with the prefix `Bearer `, and the query parameter `access_token`.
    #[serde(default)]
    pub from_headers: Vec<FromHeader>,
    /// Query parameters that may contain a token.
    #[serde(default)]
    #[schemars(extend("examples" = [["access_token"]]))]
    pub from_params: Vec<NonEmpty>,
    /// Cookies that may contain a token, each a name or an object with `name` and `prefix`.
    #[serde(default)]
    #[schemars(extend("examples" = [["session-token"]]))]
    pub from_cookies: Vec<FromCookie>,
    /// Accepts tokens whose parts end with base64 padding (`=`), such as those of AWS load
    /// balancers. Default: `false`.
    #[serde(default)]
    pub accept_padding: bool,
    /// Keeps a verified token in the request, instead of removing it from its header, query or
    /// cookie. Default: `false`.
    #[serde(default)]
    pub forward_original_token: bool,
    /// Header for the payload of the token, in base64url without padding.
    #[serde(default)]
    pub output_payload_to_header: Option<EditableHeaderName>,
    /// Pads the payload in `outputPayloadToHeader` with `=` to a multiple of four characters, for
    /// decoders that require it. Default: `false`.
    #[serde(default)]
    pub pad_output_payload: bool,
    /// Header for the principal, `<iss>/<sub>`.
    #[serde(default)]
    pub output_principal_to_header: Option<EditableHeaderName>,
    /// Headers for claims.
    #[serde(default)]
    pub output_claim_to_headers: Vec<ClaimToHeader>,
    /// Allowed signature algorithms, each supported by a key. Default: all that the keys support.
    #[serde(default)]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// Allowed values of `typ` in the header of the token, 1 to 8 entries. Default: any or none.
    #[serde(default)]
    #[schemars(extend("examples" = [["at+jwt"]]))]
    pub token_types: Option<Vec<NonEmpty>>,
    /// Conditions on `sub`, one of which must be met; 1 to 64 entries. Default: any subject.
    #[serde(default)]
    pub subjects: Option<Vec<StringMatch>>,
    /// Additional claims with several values in one string, separated by spaces; at most 64
    /// entries. Always included: `scope` and `permission`.
    #[serde(default)]
    pub space_delimited_claims: Vec<ClaimPath>,
    /// Claims with the scopes of the token, 1 to 8 entries. Default: `scope` and `scp`.
    #[serde(default)]
    pub scope_claims: Option<Vec<ClaimPath>>,
    /// Allowed clock difference for `exp`, `nbf`, `iat` and `auth_time`. Default: 60s.
    #[serde(default)]
    pub clock_skew: Option<DurationWithin<0, 600_000>>,
    /// Refuses tokens without `exp`. Default: `false`.
    #[serde(default)]
    pub require_expiration: bool,
    /// Maximum time until `exp`, which is then required. Default: unlimited.
    #[serde(default)]
    pub max_lifetime: Option<DurationWithin<1_000, YEAR_MS>>,
    /// Maximum time since `iat`, which is then required. Default: unlimited.
    #[serde(default)]
    pub max_age: Option<DurationWithin<1_000, YEAR_MS>>,
    /// Requires that a token is bound to the client's certificate (RFC 8705). Default: `IGNORE`.
    #[serde(default)]
    pub certificate_binding: CertificateBinding,
    /// Revoked tokens, which are refused although they are valid.
    #[serde(default)]
    pub revocation: Option<RevocationConfig>,
    /// URL of the key set. Default, without `jwks` and `keys`: the `jwks_uri` of
    /// `<issuer>/.well-known/openid-configuration`.
    #[serde(default, alias = "jwks_uri")]
    pub jwks_uri: Option<FetchUrl>,
    /// Fetch of the key set.
    #[serde(default)]
    pub jwks_fetch: Option<JwksFetchConfig>,
    /// Timeout of one fetch. Default: 5s.
    #[serde(default)]
    pub timeout: Option<DurationWithin<100, 60_000>>,
}

/// A key: exactly one of `pem`, `secret` and `secretEnv`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyConfig {
    /// Identifier of the key. Default: none, which matches every token.
    #[serde(default)]
    pub kid: Option<String>,
    /// The only algorithm that the key may verify; required for secrets. Default: all of its type.
    #[serde(default)]
    pub alg: Option<AlgorithmName>,
    /// Public key in PEM, labelled `PUBLIC KEY` or `RSA PUBLIC KEY`.
    #[serde(default)]
    #[schemars(extend(
        "examples" = ["-----BEGIN PUBLIC KEY-----\nMCow..\n-----END PUBLIC KEY-----\n"]
    ))]
    pub pem: Option<String>,
    /// Shared secret, encoded as `secretEncoding`, at least as long as the digest of `alg`. Visible
    /// to everyone who can read the configuration.
    #[serde(default)]
    pub secret: Option<SecretText>,
    /// Environment variable with the shared secret (`vmConfig.env` of the WasmPlugin), encoded as
    /// `secretEncoding`.
    #[serde(default)]
    #[schemars(extend("examples" = ["PARTNER_JWT_SECRET"]))]
    pub secret_env: Option<NonEmpty>,
    /// Encoding of the secret; `TEXT` if the issuer signs with the text itself. Default: `BASE64`.
    #[serde(default)]
    pub secret_encoding: Option<SecretEncoding>,
}

/// Encoding of a shared secret.
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
    /// The text itself.
    Text,
}

/// A header for a claim.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimToHeader {
    /// Name of the header: letters, digits, `-` and `_`.
    pub header: EditableHeaderName,
    /// Path of the claim.
    pub claim: ClaimPath,
    /// Format of the value. Default: `SCALAR`.
    #[serde(default)]
    pub format: OutputFormat,
    /// Value if the token lacks the claim or its format does not fit; printable ASCII. Default: the
    /// header is left out.
    #[serde(default)]
    pub default: Option<String>,
    /// Maximum length of the value in bytes; a longer value is left out. Default: 4,096.
    #[serde(default)]
    pub max_bytes: Option<IntegerWithin<1, 16_384>>,
}

/// Binding of tokens to the client's certificate by `cnf` (RFC 8705).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CertificateBinding {
    /// `cnf` is ignored.
    #[default]
    Ignore,
    /// A token with `cnf` must be bound to the certificate.
    IfPresent,
    /// Every token must be bound to the certificate.
    Required,
}

/// Format of a claim in a header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutputFormat {
    /// A string, number or boolean as text.
    #[default]
    Scalar,
    /// A list of scalars separated by commas, or a single scalar.
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
