//! A request as a matcher sees it.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use crate::Headers;

/// What a host has read of a request, as a matcher's [`Needs`](crate::Needs) named it.
///
/// What was not read is absent, and fulfils no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Headers, the pseudo-headers `:path`, `:method`, `:scheme` and `:authority` among them.
    pub headers: Headers,
    /// Attributes of the proxy by their dotted names, text as it is and numbers as decimals.
    pub attributes: BTreeMap<String, Vec<u8>>,
    /// Claims of a token that was verified, read with [`parse_exact`](crate::parse_exact).
    pub claims: Option<Value>,
    /// The client's address as the connection manager decided it.
    pub source_address: Option<IpAddr>,
    /// The identity of the client's certificate.
    pub source_principal: Option<Vec<u8>>,
}
