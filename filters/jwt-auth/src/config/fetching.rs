//! Fetched keys and deny lists.

use filter_core::{
    ClusterRef, DurationWithin, EditableHeaderName, InvalidClusterRef, Port, remote::FetchUrl,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NonEmpty, SecretText};

const WEEK_MS: u64 = 168 * 3_600_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// Fetch of a key set through a cluster of the proxy. Default cluster: that of the URL's host.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwksFetchConfig {
    /// Host of the service to call, with `port`; alternative to `cluster`.
    #[serde(default)]
    #[schemars(extend("examples" = ["idp.example.com"]))]
    pub service: Option<String>,
    /// Port of the service.
    #[serde(default)]
    pub port: Option<Port>,
    /// Subset of the service, as in its DestinationRule.
    #[serde(default)]
    pub subset: Option<String>,
    /// Name of the cluster to call; alternative to `service`, `port` and `subset`.
    #[serde(default)]
    #[schemars(extend("examples" = ["outbound|443||idp.example.com"]))]
    pub cluster: Option<String>,
    /// Handling of requests before the first key set. Default: `PAUSE`.
    #[serde(default)]
    pub cold_start: ColdStart,
    /// Maximum time for which a request waits for keys or for a deny list. Default: 5s.
    #[serde(default)]
    pub max_pause: Option<DurationWithin<10, 60_000>>,
    /// Freshness of a key set whose response headers declare none; a declared freshness is limited
    /// to between 30s and 1h, or `cacheDuration` if longer. Default: 5m.
    #[serde(default)]
    pub cache_duration: Option<DurationWithin<30_000, DAY_MS>>,
    /// Time after its freshness for which a key set is still used while fetches fail. Default: 24h.
    #[serde(default)]
    pub stale_if_error: Option<DurationWithin<0, WEEK_MS>>,
    /// Minimum time between early fetches for unknown keys, at least 1s; 0s disables them. Default:
    /// 10s.
    #[serde(default)]
    pub unknown_kid_interval: Option<DurationWithin<0, 3_600_000>>,
    /// Additional request headers, such as an API key; 1 to 16 entries.
    #[serde(default)]
    pub headers: Option<Vec<FetchHeader>>,
}

/// A request header: `name`, and exactly one of `value` and `valueEnv`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchHeader {
    /// Name of the header; `accept` and `user-agent` replace the defaults.
    pub name: EditableHeaderName,
    /// Value, visible to everyone who can read the configuration.
    #[serde(default)]
    pub value: Option<SecretText>,
    /// Environment variable with the value (`vmConfig.env` of the WasmPlugin).
    #[serde(default)]
    pub value_env: Option<NonEmpty>,
}

/// Handling of requests before the first key set.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ColdStart {
    /// They wait for at most `maxPause` and are then refused.
    #[default]
    Pause,
    /// They are refused.
    Deny,
    /// They are admitted without identity, unless their rule has conditions.
    Allow,
}

/// Revoked tokens: `jti`, `uri` or both. Tokens without `jti` are then refused too.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevocationConfig {
    /// The `jti` of revoked tokens, 1 to 10,000 entries.
    #[serde(default)]
    pub jti: Option<Vec<NonEmpty>>,
    /// URL of a deny list: `{"jti": [".."]}` in JSON, at most 1 MiB and 50,000 entries.
    #[serde(default)]
    #[schemars(extend("examples" = ["https://idp.example.com/revoked.json"]))]
    pub uri: Option<FetchUrl>,
    /// Host of the service to call, with `port`; alternative to `cluster`.
    #[serde(default)]
    #[schemars(extend("examples" = ["idp.example.com"]))]
    pub service: Option<String>,
    /// Port of the service.
    #[serde(default)]
    pub port: Option<Port>,
    /// Subset of the service, as in its DestinationRule.
    #[serde(default)]
    pub subset: Option<String>,
    /// Name of the cluster to call; alternative to `service`, `port` and `subset`.
    #[serde(default)]
    #[schemars(extend("examples" = ["outbound|443||idp.example.com"]))]
    pub cluster: Option<String>,
    /// Freshness of the list; response headers may only shorten it, to at least 5s. Default: 60s.
    #[serde(default)]
    pub refresh_interval: Option<DurationWithin<5_000, DAY_MS>>,
    /// Time after its freshness for which the list is still used while fetches fail. Default: 1h.
    #[serde(default)]
    pub stale_if_error: Option<DurationWithin<0, WEEK_MS>>,
    /// Handling of requests without a list. Default: `DENY`.
    #[serde(default)]
    pub on_unavailable: OnUnavailable,
}

/// Handling of requests without a deny list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnUnavailable {
    /// They are refused.
    #[default]
    Deny,
    /// They are admitted without this check.
    Allow,
}

impl JwksFetchConfig {
    /// Returns the configured cluster; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the four fields are not a valid combination.
    pub fn named_cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}

impl RevocationConfig {
    /// Returns the configured cluster; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the four fields are not a valid combination.
    pub fn named_cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}
