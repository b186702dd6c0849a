//! What is fetched: keys and deny lists.

use filter_core::{ClusterRef, DurationWithin, EditableHeaderName, InvalidClusterRef, Port};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FetchUrl, NonEmpty, SecretText};

const WEEK_MS: u64 = 168 * 3_600_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// How keys are fetched.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwksFetchConfig {
    /// The service whose cluster is called; absent with `cluster` means that of the URL's host.
    #[serde(default)]
    pub service: Option<String>,
    /// The service's port.
    #[serde(default)]
    pub port: Option<Port>,
    /// The service's subset.
    #[serde(default)]
    pub subset: Option<String>,
    /// The cluster that is called.
    #[serde(default)]
    pub cluster: Option<String>,
    /// What becomes of requests before the first key set.
    #[serde(default)]
    pub cold_start: ColdStart,
    /// How long a request waits at most; 5 seconds if absent.
    #[serde(default)]
    pub max_pause: Option<DurationWithin<10, 60_000>>,
    /// How long an answer is fresh that does not say so; 5 minutes if absent.
    #[serde(default)]
    pub cache_duration: Option<DurationWithin<30_000, DAY_MS>>,
    /// How long after its freshness a key set serves while fetches fail; 24 hours if absent.
    #[serde(default)]
    pub stale_if_error: Option<DurationWithin<0, WEEK_MS>>,
    /// The pause between fetches for unknown keys; 10 seconds if absent, 0 means never.
    #[serde(default)]
    pub unknown_kid_interval: Option<DurationWithin<0, 3_600_000>>,
    /// Additional headers of the key request, such as an API key; 1 to 16.
    #[serde(default)]
    pub headers: Option<Vec<FetchHeader>>,
}

/// One entry of `headers`: `name`, and exactly one of `value` and `valueEnv`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchHeader {
    /// The header's name; `accept` and `user-agent` replace the default ones.
    pub name: EditableHeaderName,
    /// The value, readable by everyone who can read the configuration.
    #[serde(default)]
    pub value: Option<SecretText>,
    /// The context variable that holds the value.
    #[serde(default)]
    pub value_env: Option<NonEmpty>,
}

/// What becomes of requests before the first key set.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ColdStart {
    /// They wait for `maxPause`, and then they are refused.
    #[default]
    Pause,
    /// They are refused.
    Deny,
    /// They pass without identity, unless their rule has conditions.
    Allow,
}

/// Tokens that are refused although they are valid: `jti`, `uri` or both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevocationConfig {
    /// The `jti` of these tokens, 1 to 10,000.
    #[serde(default)]
    pub jti: Option<Vec<NonEmpty>>,
    /// Where more of them are fetched from.
    #[serde(default)]
    pub uri: Option<FetchUrl>,
    /// The service whose cluster is called; absent with `cluster` means that of the URL's host.
    #[serde(default)]
    pub service: Option<String>,
    /// The service's port.
    #[serde(default)]
    pub port: Option<Port>,
    /// The service's subset.
    #[serde(default)]
    pub subset: Option<String>,
    /// The cluster that is called.
    #[serde(default)]
    pub cluster: Option<String>,
    /// How long a list is fresh; 60 seconds if absent.
    #[serde(default)]
    pub refresh_interval: Option<DurationWithin<5_000, DAY_MS>>,
    /// How long after its freshness a list serves while fetches fail; 1 hour if absent.
    #[serde(default)]
    pub stale_if_error: Option<DurationWithin<0, WEEK_MS>>,
    /// What becomes of requests without a list.
    #[serde(default)]
    pub on_unavailable: OnUnavailable,
}

/// What becomes of requests while there is no deny list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnUnavailable {
    /// They are refused.
    #[default]
    Deny,
    /// They pass unchecked.
    Allow,
}

impl JwksFetchConfig {
    /// Returns the cluster that is named, if one is.
    ///
    /// # Errors
    ///
    /// Fails where the four fields name none.
    pub fn named_cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}

impl RevocationConfig {
    /// Returns the cluster that is named, if one is.
    ///
    /// # Errors
    ///
    /// Fails where the four fields name none.
    pub fn named_cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}
