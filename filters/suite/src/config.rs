//! The types of the configuration document.

use filter_core::misplaced::refuse;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// The configuration document: a section for each filter, with the document of that filter.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = env!("CARGO_PKG_NAME"), description = env!("CARGO_PKG_DESCRIPTION"))]
pub struct Config {
    /// Verifies JSON Web Tokens. Default: the filter is absent, and all requests pass.
    pub jwt_auth: Option<jwt_auth::Config>,
    /// Limits the rate and the concurrency of requests. Default: the filter is absent.
    pub rate_limit: Option<rate_limit::Config>,
    /// Allows, denies and audits requests by AuthorizationPolicy. Default: the filter is absent.
    pub access_control: Option<access_control::Config>,
    /// Chooses the version that serves a request. Default: the filter is absent.
    pub routing_tags: Option<routing_tags::Config>,
    /// Counts, times, traces and logs every stream. Default: the filter is absent.
    pub telemetry: Option<telemetry::Config>,
    /// Delays, aborts and corrupts a share of requests. Default: the filter is absent.
    pub fault_injection: Option<fault_injection::Config>,
    // Fields of single filters, whose documents are easily pasted without a section.
    #[serde(rename = "jwtRules", deserialize_with = "in_jwt_auth")]
    jwt_rules: (),
    #[serde(deserialize_with = "in_a_section_with_rules")]
    rules: (),
    #[serde(deserialize_with = "in_access_control")]
    policies: (),
    #[serde(deserialize_with = "in_access_control")]
    action: (),
    #[serde(deserialize_with = "in_rate_limit")]
    limits: (),
    #[serde(rename = "rateLimitService", deserialize_with = "in_rate_limit")]
    rate_limit_service: (),
    #[serde(deserialize_with = "in_a_section_with_entries")]
    http: (),
    #[serde(deserialize_with = "in_telemetry")]
    tracing: (),
    #[serde(rename = "accessLogging", deserialize_with = "in_telemetry")]
    access_logging: (),
    #[serde(deserialize_with = "in_telemetry")]
    slos: (),
    #[serde(deserialize_with = "in_any_section")]
    metrics: (),
    #[serde(rename = "dryRun", deserialize_with = "in_any_section")]
    dry_run: (),
}

fn in_jwt_auth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section jwt-auth")
}

fn in_access_control<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section access-control")
}

fn in_a_section_with_rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section jwt-auth or access-control")
}

fn in_rate_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section rate-limit")
}

fn in_a_section_with_entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: it belongs in the section rate-limit, routing-tags or fault-injection",
    )
}

fn in_telemetry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section telemetry")
}

fn in_any_section<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in the section of a filter")
}
