//! `rules`: the tokens that requests need.

use filter_core::{DurationWithin, HttpMatch, StringMatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NonEmpty, RuleName, YEAR_MS};

/// A rule; the first one whose `match` matches decides.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleConfig {
    /// Name of the rule in logs and refusals. Default: `rule-<index>`.
    #[serde(default)]
    pub name: Option<RuleName>,
    /// Conditions on the request, one of which must match. Default: all requests.
    #[serde(default, rename = "match")]
    pub matches: Vec<HttpMatch>,
    /// Whether a token is required. Default: `REQUIRED`.
    #[serde(default)]
    pub token: TokenNeed,
    /// Entries of `jwtRules` whose tokens are accepted. Default: any.
    #[serde(default)]
    pub providers: Option<ProvidersConfig>,
    /// Allowed audiences, instead of those of the entry in `jwtRules`.
    #[serde(default)]
    pub audiences: Option<Vec<NonEmpty>>,
    /// Required scopes.
    #[serde(default)]
    pub scopes: Option<ScopesConfig>,
    /// Patterns for the principal `<iss>/<sub>`, one of which must match: `x`, `x*`, `*x`, or `*`
    /// for any principal.
    #[serde(default)]
    #[schemars(extend("examples" = [["https://idp.example.com/*"]]))]
    pub request_principals: Option<Vec<NonEmpty>>,
    /// Patterns that must not match the principal `<iss>/<sub>`.
    #[serde(default)]
    #[schemars(extend("examples" = [["https://idp.example.com/user:blocked"]]))]
    pub not_request_principals: Option<Vec<NonEmpty>>,
    /// Conditions on claims, all of which must be met.
    #[serde(default)]
    pub when: Option<Vec<WhenConfig>>,
    /// Required strength and age of the login (RFC 9470).
    #[serde(default)]
    pub step_up: Option<StepUpConfig>,
}

/// Whether a rule requires a token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenNeed {
    /// A valid token is required.
    #[default]
    Required,
    /// A token may be missing; an invalid one is refused.
    Optional,
    /// No request is refused; an invalid token stays in the request.
    AllowMissingOrFailed,
    /// Tokens are ignored.
    None,
    /// Output headers are written from an unverified token, with
    /// `x-jwt-signature-verified: false`.
    ExtractOnly,
}

/// Names of entries in `jwtRules`: exactly one of `any` and `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvidersConfig {
    /// A token of one of these entries is required.
    #[serde(default)]
    pub any: Option<Vec<RuleName>>,
    /// A token of each of these entries is required; that of the first one is the identity.
    #[serde(default)]
    pub all: Option<Vec<RuleName>>,
}

/// Required scopes: `all`, `any` or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScopesConfig {
    /// Scopes that are all required.
    #[serde(default)]
    pub all: Vec<NonEmpty>,
    /// Scopes of which at least one is required.
    #[serde(default)]
    pub any: Vec<NonEmpty>,
}

/// A condition as in an AuthorizationPolicy, with `key` and at least one of `values`, `notValues`
/// and `match`; or `any` of several conditions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WhenConfig {
    /// `request.auth.principal`, `request.auth.audiences`, `request.auth.presenter` or
    /// `request.auth.claims[..]`.
    #[serde(default)]
    #[schemars(extend(
        "examples" = ["request.auth.claims[groups]", "request.auth.claims[realm][groups]"]
    ))]
    pub key: Option<String>,
    /// Patterns, one of which must match a value: `x`, `x*`, `*x`, or `*` for any non-empty
    /// value.
    #[serde(default)]
    #[schemars(extend("examples" = [["support-*"]]))]
    pub values: Option<Vec<NonEmpty>>,
    /// Patterns that must not match any value.
    #[serde(default)]
    pub not_values: Option<Vec<NonEmpty>>,
    /// Condition that a value must meet.
    #[serde(default, rename = "match")]
    pub matches: Option<StringMatch>,
    /// Conditions, at least one of which must be met; nested at most 8 levels deep.
    #[serde(default)]
    pub any: Option<Vec<WhenConfig>>,
}

/// Required strength and age of a login: `acrValues`, `maxAge` or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepUpConfig {
    /// Accepted values of `acr`. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["mfa"]]))]
    pub acr_values: Vec<NonEmpty>,
    /// Maximum time since `auth_time`, which is then required. Default: unlimited.
    #[serde(default)]
    pub max_age: Option<DurationWithin<1_000, YEAR_MS>>,
}
