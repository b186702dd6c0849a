//! The rate-limit service.

use filter_core::{ClusterRef, DurationWithin, IntegerWithin, InvalidClusterRef, Port};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service that implements `envoy.service.ratelimit.v3`, such as envoyproxy/ratelimit or
/// Limitador: exactly one of `service` with `port`, and `cluster`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "service": "limitador.limits.svc.cluster.local",
    "port": 8081,
    "domain": "shop",
}]))]
pub struct RateLimitServiceConfig {
    /// Host name of the service; the proxy must know it.
    #[serde(default)]
    #[schemars(extend("examples" = ["limitador.limits.svc.cluster.local"]))]
    pub service: Option<String>,
    /// Port of the service.
    #[serde(default)]
    pub port: Option<Port>,
    /// Subset of the service in a DestinationRule.
    #[serde(default)]
    pub subset: Option<String>,
    /// Name of the cluster to call; alternative to `service`, `port` and `subset`.
    #[serde(default)]
    #[schemars(extend("examples" = ["outbound|8081||limitador.limits.svc.cluster.local"]))]
    pub cluster: Option<String>,
    /// Domain of the limits in the service.
    #[schemars(length(min = 1, max = 256), extend("examples" = ["shop"]))]
    pub domain: String,
    /// When the service is called. Default: `BATCHED`.
    #[serde(default)]
    pub mode: ServiceMode,
    /// Maximum time for which a request waits for the service, 1ms to 10s. Default: `20ms`.
    #[serde(default)]
    #[schemars(extend("examples" = ["20ms"]))]
    pub timeout: Option<DurationWithin<1, 10_000>>,
    /// Maximum number of units that a worker buys with one call, 1 to 10,000. Default: 100.
    #[serde(default)]
    pub max_batch: Option<IntegerWithin<1, 10_000>>,
    /// Decision while the service does not answer. Default: `LOCAL`.
    #[serde(default)]
    pub failure_mode: FailureMode,
    /// Sends `requests` and `per` with each call; `per` must be 1s, 1m, 1h or 24h.
    /// envoyproxy/ratelimit applies them, Limitador ignores them. Default: `false`.
    #[serde(default)]
    pub send_limit: bool,
}

/// When the service is called.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceMode {
    /// Each worker buys units of a key in advance, so that steady traffic does not wait.
    #[default]
    Batched,
    /// For every request, which waits for the answer.
    Exact,
}

/// The decision while the service does not answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureMode {
    /// The pod applies the limit, divided by `replicas`.
    #[default]
    Local,
    /// Requests are admitted.
    Allow,
    /// Requests are refused with status 503.
    Deny,
}

/// An entry of a descriptor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"key": "tenant", "value": "%CLAIM(tenant)%"}]))]
pub struct DescriptorEntry {
    /// Key of the entry.
    #[schemars(length(min = 1, max = 256))]
    pub key: String,
    /// Value of the entry, with the placeholders `%CLAIM(path)%`, `%REQ(name)%` and
    /// `%PATH(variable)%`.
    #[schemars(length(min = 1))]
    pub value: String,
}

impl RateLimitServiceConfig {
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
