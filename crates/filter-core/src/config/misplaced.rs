//! Fields that belong elsewhere, refused with a hint.
//!
//! A field of type `()` uses one of these functions, and any value for it is an error:
//!
//! ```
//! use filter_core::{misplaced, parse_config};
//!
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Entry {
//!     #[serde(default, deserialize_with = "misplaced::in_virtual_service")]
//!     timeout: (),
//! }
//!
//! let error = parse_config::<Entry>(br#"{"timeout": "5s"}"#).unwrap_err();
//! assert_eq!(error.to_string(), "timeout: must not be given: it stays in the VirtualService");
//! ```

use serde::{
    Deserializer,
    de::{Deserialize, Error, IgnoredAny},
};

mod entries;

pub use crate::config::misplaced::entries::http_entries;

/// Message for a field of a route.
const ROUTE: &str = "must not be given: it stays in the VirtualService";

/// Refuses a field of a route (`timeout`, `retries`, `rewrite`, `mirror` …).
///
/// # Errors
///
/// Always fails.
pub fn in_virtual_service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, ROUTE)
}

/// Refuses a field of the surrounding WasmPlugin (`selector`, `targetRefs` …).
///
/// # Errors
///
/// Always fails.
pub fn in_wasm_plugin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs to the WasmPlugin, not to pluginConfig")
}

pub(crate) fn in_destination_rule<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it selects hosts and stays in the DestinationRule")
}

pub(crate) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: a request does not have it, use match.ports of the WasmPlugin",
    )
}

pub(crate) fn source_workload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: a proxy does not have it, use source.principal, or selector of the client's WasmPlugin",
    )
}

pub(crate) fn gateways<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: it selects proxies, use selector or targetRefs of the WasmPlugin",
    )
}

pub(crate) fn stat_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs to a route, metrics carry the rule's name")
}

/// Refuses a field with a message that says where it belongs.
///
/// # Errors
///
/// Always fails.
pub fn refuse<'de, D: Deserializer<'de>>(deserializer: D, message: &str) -> Result<(), D::Error> {
    // Some formats report an unread value as a separate error.
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(message))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use crate::parse_config;

    #[test]
    fn reports_where_each_field_belongs() {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        struct Config {
            #[serde(deserialize_with = "super::in_virtual_service")]
            retries: (),
            #[serde(deserialize_with = "super::in_wasm_plugin")]
            target_refs: (),
        }

        let Config { retries: (), target_refs: () } = parse_config(b"{}").unwrap();
        for value in ["1", "null", "[{}]", r#"{"a": [1]}"#] {
            let document = format!(r#"{{"retries": {value}, "targetRefs": {value}}}"#);
            assert_eq!(
                parse_config::<Config>(document.as_bytes()).unwrap_err().to_string(),
                "retries: must not be given: it stays in the VirtualService; \
                 targetRefs: must not be given: it belongs to the WasmPlugin, not to pluginConfig"
            );
        }
    }
}
