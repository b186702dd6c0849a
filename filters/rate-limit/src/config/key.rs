//! The `key` of a limit.

use filter_core::{ClaimPath, ConsistentHash, HashCookie, HeaderName, IntegerWithin};
use schemars::JsonSchema;
use serde::Deserialize;

/// A component of a key: either any of `claim` and the fields of a DestinationRule's
/// `consistentHash`, of which the first one that the request has is used, or exactly one of the
/// other fields.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"claim": "sub", "useSourceIp": true}]))]
pub struct KeyConfig {
    /// Path of a claim in the verified token; a number or boolean is used as its JSON text.
    pub claim: Option<ClaimPath>,
    /// Name of a header.
    #[schemars(extend("examples" = ["x-api-key"]))]
    pub http_header_name: Option<HeaderName>,
    /// Name of a query parameter.
    #[schemars(length(min = 1), extend("examples" = ["api_key"]))]
    pub http_query_parameter_name: Option<String>,
    /// Cookie; `ttl` must not be given.
    pub http_cookie: Option<HashCookie>,
    /// Uses the client's address, as determined by Envoy's HTTP connection manager. Default:
    /// `false`.
    pub use_source_ip: bool,
    /// Number of leading bits of the address that identify a client, with `useSourceIp`. Default:
    /// 32 for IPv4, 64 for IPv6.
    pub prefix: Option<PrefixConfig>,
    /// Uses the identity in the client's certificate. Default: `false`.
    pub principal: bool,
    /// Name of a variable in the `pathTemplate` that the request matched.
    #[schemars(length(min = 1), extend("examples" = ["id"]))]
    pub path_variable: Option<String>,
    /// Uses the method. Default: `false`.
    pub method: bool,
    /// Name of an Envoy attribute.
    #[schemars(length(min = 1), extend("examples" = ["xds.route_name"]))]
    pub attribute: Option<String>,
    /// Uses the connection, so that each connection has its own count. Default: `false`.
    pub connection: bool,
}

/// The lengths of address prefixes.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrefixConfig {
    /// Bits of an IPv4 address, 1 to 32. Default: 32.
    #[schemars(extend("examples" = [24]))]
    pub v4: Option<IntegerWithin<1, 32>>,
    /// Bits of an IPv6 address, 1 to 128. Default: 64.
    #[schemars(extend("examples" = [56]))]
    pub v6: Option<IntegerWithin<1, 128>>,
}

impl KeyConfig {
    /// Returns the sources that are tried in order; `None` if there is none.
    pub(crate) fn hash(&self) -> Option<ConsistentHash> {
        let hash = ConsistentHash {
            claim: self.claim.clone(),
            http_header_name: self.http_header_name.clone(),
            http_query_parameter_name: self.http_query_parameter_name.clone(),
            http_cookie: self.http_cookie.clone(),
            use_source_ip: self.use_source_ip,
        };
        (!hash.needs().is_empty()).then_some(hash)
    }
}
