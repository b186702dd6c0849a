//! A test of the policies.

use std::collections::BTreeMap;

use filter_core::IntegerWithin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request and the decision that the policies must make about it. One failed test refuses the
/// configuration.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestCase {
    /// Name in errors. Default: none.
    pub name: Option<String>,
    /// The request.
    pub request: TestRequest,
    /// The expected decision. Required.
    pub expect: Option<Expected>,
    /// Policy that decides, or its rule: `blocked` or `blocked.rule-0`. Default: any.
    pub by: Option<String>,
    /// Expects the verdict with the policies in dry run enforced. Default: `false`.
    pub dry_run: bool,
}

/// The request of a test. Parts that are left out are absent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestRequest {
    /// Method. Default: `GET`.
    pub method: Option<String>,
    /// Path with query. Default: `/`.
    pub path: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Port of the destination.
    pub port: Option<IntegerWithin<1, 65_535>>,
    /// Identity in the client's certificate, such as `cluster.local/ns/shop/sa/web`.
    pub principal: Option<String>,
    /// Address of the client and of the peer.
    pub source_ip: Option<std::net::IpAddr>,
    /// Issuer and subject of the verified token, such as `https://idp.example/alice`.
    pub request_principal: Option<String>,
    /// Claims of the verified token.
    #[schemars(extend("additionalProperties" = {"title": "value of the claim"}))]
    pub claims: Option<Map<String, Value>>,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Tag, which `match` reads as the attribute `weir.tag`.
    #[schemars(extend("examples" = ["canary"]))]
    pub tag: Option<String>,
    /// Time for schedules, such as `2027-01-01T00:00:00Z`. Default: 1970.
    pub time: Option<filter_core::Timestamp>,
}

/// The expected decision.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Expected {
    /// The request is allowed.
    Allow,
    /// The request is denied.
    Deny,
}
