//! Policies that use many features of the documents.

use filter_core::{InvalidConfig, parse_config};

/// A document for access-control with every kind of condition.
pub const ACCESS: &[u8] = include_bytes!("../seeds/configurations/access-control-full.json");
/// A document for access-control with fetched lists.
pub const LISTS: &[u8] = include_bytes!("../seeds/configurations/access-control-lists.json");
/// A document for fault-injection with every kind of fault.
pub const FAULTS: &[u8] = include_bytes!("../seeds/configurations/fault-injection-full.json");
/// A document for rate-limit with every kind of limit.
pub const LIMITS: &[u8] = include_bytes!("../seeds/configurations/rate-limit-full.json");
/// A document for routing-tags with every kind of choice.
pub const TAGS: &[u8] = include_bytes!("../seeds/configurations/routing-tags-full.json");
/// A document for telemetry with metrics, spans and logs.
pub const TELEMETRY: &[u8] = include_bytes!("../seeds/configurations/telemetry-full.json");
/// A document for jwt-auth with inline keys of three issuers.
pub const TOKENS: &[u8] = include_bytes!("../seeds/configurations/jwt-auth-full.json");
/// A document for jwt-auth with fetched key sets and a fetched deny list.
pub const FETCHED: &[u8] = include_bytes!("../seeds/configurations/jwt-auth-fetched.json");

/// Time in all targets, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

/// Environment variable of every secret.
const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==";

/// Compiles a document of access-control.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn access(document: &[u8]) -> Result<access_control::Policies, InvalidConfig> {
    access_control::Policies::new(&parse_config(document)?)
}

/// Compiles a document of fault-injection.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn faults(document: &[u8]) -> Result<fault_injection::Policy, InvalidConfig> {
    fault_injection::Policy::new(&parse_config(document)?)
}

/// Compiles a document of rate-limit.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn limits(document: &[u8]) -> Result<rate_limit::Policy, InvalidConfig> {
    rate_limit::Policy::new(&parse_config(document)?)
}

/// Compiles a document of routing-tags.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn tags(document: &[u8]) -> Result<routing_tags::Policy, InvalidConfig> {
    routing_tags::Policy::new(&parse_config(document)?)
}

/// Compiles a document of telemetry.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn telemetry(document: &[u8]) -> Result<telemetry::Policy, InvalidConfig> {
    telemetry::Policy::new(&parse_config(document)?, &variable)
}

/// Compiles a document of jwt-auth, with signatures in pure Rust.
///
/// # Errors
///
/// Returns the errors of the document.
pub fn tokens(document: &[u8]) -> Result<jwt_auth::Policy, InvalidConfig> {
    let crypto = jwt_auth::Crypto::pure();
    let context = jwt_auth::CompileContext { crypto: &crypto, variable: &variable };
    jwt_auth::Policy::new(&parse_config(document)?, &context)
}

fn variable(name: &str) -> Option<String> {
    (name == "SECRET").then(|| SECRET.to_owned())
}
