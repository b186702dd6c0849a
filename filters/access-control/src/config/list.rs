//! Named lists.

use filter_core::{ClusterRef, DurationWithin, InvalidClusterRef, IpRange, Port, remote::FetchUrl};
use schemars::JsonSchema;
use serde::Deserialize;

const WEEK_MS: u64 = 168 * 3_600_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// A named list: exactly one of `ips`, `values` and `uri`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListConfig {
    /// Addresses and ranges, for `remoteIpLists`, and for `inLists` of an address.
    pub ips: Option<Vec<IpRange>>,
    /// Texts, for `inLists` of other conditions.
    pub values: Option<Vec<String>>,
    /// URL of a list of addresses or of texts, with one entry a line or as a JSON list of strings,
    /// at most 4 MiB and 100,000 entries.
    #[schemars(extend("examples" = ["https://lists.example.com/blocked.txt"]))]
    pub uri: Option<FetchUrl>,
    /// Host of the service to call, with `port`; alternative to `cluster`. Default: the URL's host.
    #[schemars(extend("examples" = ["lists.example.com"]))]
    pub service: Option<String>,
    /// Port of the service.
    pub port: Option<Port>,
    /// Subset of the service, as in its DestinationRule.
    pub subset: Option<String>,
    /// Name of the cluster to call; alternative to `service`, `port` and `subset`.
    #[schemars(extend("examples" = ["outbound|443||lists.example.com"]))]
    pub cluster: Option<String>,
    /// Freshness of the list; response headers may only shorten it, to at least 5s. Default: 60s.
    pub refresh_interval: Option<DurationWithin<5_000, DAY_MS>>,
    /// Time after its freshness for which the list is still used while fetches fail. Default: 1h.
    pub stale_if_error: Option<DurationWithin<0, WEEK_MS>>,
    /// Meaning of the list before it is fetched, and once `staleIfError` has passed. Default:
    /// `UNSURE`.
    pub on_unavailable: Option<OnUnavailable>,
}

/// Meaning of an unavailable list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnUnavailable {
    /// Conditions about the list are unsure: an ALLOW rule with one does not match, a DENY rule
    /// does.
    #[default]
    Unsure,
    /// The list is empty.
    Empty,
}

impl ListConfig {
    /// Returns the configured cluster; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the four fields are not a valid combination.
    pub fn named_cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }

    /// Returns `true` if it has a field that requires `uri`.
    pub(crate) const fn has_fetch_fields(&self) -> bool {
        self.service.is_some()
            || self.port.is_some()
            || self.subset.is_some()
            || self.cluster.is_some()
            || self.refresh_interval.is_some()
            || self.stale_if_error.is_some()
            || self.on_unavailable.is_some()
    }
}
