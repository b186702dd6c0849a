//! `rules`: which request needs which token.

use filter_core::{DurationWithin, HttpMatch, StringMatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NonEmpty, RuleName, YEAR_MS};

/// One entry of `rules`; the first one whose `match` holds decides.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleConfig {
    /// What logs call the entry; `rule-<index>` if absent.
    #[serde(default)]
    pub name: Option<RuleName>,
    /// The requests that the entry is about; empty means all.
    #[serde(default, rename = "match")]
    pub matches: Vec<HttpMatch>,
    /// Whether a token is needed.
    #[serde(default)]
    pub token: TokenNeed,
    /// The entries of `jwtRules` that count; absent means any.
    #[serde(default)]
    pub providers: Option<ProvidersConfig>,
    /// Audiences that replace those of the provider.
    #[serde(default)]
    pub audiences: Option<Vec<NonEmpty>>,
    /// Scopes that the token must have.
    #[serde(default)]
    pub scopes: Option<ScopesConfig>,
    /// Patterns, any of which `<iss>/<sub>` must fit.
    #[serde(default)]
    pub request_principals: Option<Vec<NonEmpty>>,
    /// Patterns, none of which `<iss>/<sub>` may fit.
    #[serde(default)]
    pub not_request_principals: Option<Vec<NonEmpty>>,
    /// Conditions on claims, all of which must hold.
    #[serde(default)]
    pub when: Option<Vec<WhenConfig>>,
    /// How strong and fresh the login must be (RFC 9470).
    #[serde(default)]
    pub step_up: Option<StepUpConfig>,
}

/// Whether a rule needs a token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenNeed {
    /// A valid token must be there.
    #[default]
    Required,
    /// None is fine, a bad one is refused.
    Optional,
    /// Nothing is refused; an invalid token stays in the request.
    AllowMissingOrFailed,
    /// Tokens are not looked at.
    None,
    /// Outputs are written from a token that is not verified.
    ExtractOnly,
}

/// Which entries of `jwtRules` count: exactly one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvidersConfig {
    /// A token of any of these.
    #[serde(default)]
    pub any: Option<Vec<RuleName>>,
    /// A token of each of these; the first one is the identity.
    #[serde(default)]
    pub all: Option<Vec<RuleName>>,
}

/// Which scopes a token must have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScopesConfig {
    /// All of these.
    #[serde(default)]
    pub all: Vec<NonEmpty>,
    /// At least one of these; empty means no such wish.
    #[serde(default)]
    pub any: Vec<NonEmpty>,
}

/// A condition as in an AuthorizationPolicy, or `any` of several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WhenConfig {
    /// What is looked at, such as `request.auth.claims[groups]`.
    #[serde(default)]
    pub key: Option<String>,
    /// Patterns, any of which a value must fit.
    #[serde(default)]
    pub values: Option<Vec<NonEmpty>>,
    /// Patterns, none of which a value may fit.
    #[serde(default)]
    pub not_values: Option<Vec<NonEmpty>>,
    /// A condition that a value must fulfil.
    #[serde(default, rename = "match")]
    pub matches: Option<StringMatch>,
    /// Conditions, at least one of which must hold.
    #[serde(default)]
    pub any: Option<Vec<WhenConfig>>,
}

/// How strong and fresh a login must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepUpConfig {
    /// The values of `acr` that are strong enough.
    #[serde(default)]
    pub acr_values: Vec<NonEmpty>,
    /// How old the login may be by `auth_time`.
    #[serde(default)]
    pub max_age: Option<DurationWithin<1_000, YEAR_MS>>,
}
