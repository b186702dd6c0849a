//! The input of a matcher.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use crate::Headers;

/// The parts of a request that a host has read, according to [`Needs`](crate::Needs).
///
/// Parts that were not read are absent and satisfy no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Headers, including the pseudo-headers `:path`, `:method`, `:scheme` and `:authority`.
    pub headers: Headers,
    /// Envoy attributes by name, in the encoding of the host.
    pub attributes: BTreeMap<String, Vec<u8>>,
    /// Claims of the verified token, parsed with [`parse_exact`](crate::parse_exact).
    pub claims: Option<Value>,
    /// The same claims with their types. A number beyond 64 bits is rounded.
    pub typed_claims: Option<Value>,
    /// The client's address as determined by Envoy's HTTP connection manager.
    pub source_address: Option<IpAddr>,
    /// The identity in the client's certificate.
    pub source_principal: Option<Vec<u8>>,
    /// Dynamic metadata by the name of the filter that wrote it.
    pub metadata: BTreeMap<String, Value>,
}
