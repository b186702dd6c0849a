//! The parts of a request that were read for a policy.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use crate::Headers;

/// The parts of a request that a policy's [`Needs`](crate::Needs) list.
///
/// Parts that were not read are absent and match no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Headers, including `:path`, `:method`, `:scheme` and `:authority`.
    pub headers: Headers,
    /// Attributes of the proxy by dotted name; numbers as decimals.
    pub attributes: BTreeMap<String, Vec<u8>>,
    /// Claims of the verified token, parsed with [`parse_exact`](crate::parse_exact).
    pub claims: Option<Value>,
    /// Client address as determined by the connection manager.
    pub source_address: Option<IpAddr>,
    /// Identity in the client's certificate.
    pub source_principal: Option<Vec<u8>>,
}
