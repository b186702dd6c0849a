//! Fields of a VirtualService's match that are not decided per request, and where they belong.

use serde::{Deserializer, de::Deserialize, de::Error, de::IgnoredAny};

fn refuse<'de, D: Deserializer<'de>>(deserializer: D, cure: &str) -> Result<(), D::Error> {
    // Read first, so that the error is placed at this field.
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(cure))
}

pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given, it is no property of a request: use match.ports of the WasmPlugin",
    )
}

pub(super) fn source_workload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given, a proxy does not know it: use source.principal, or selector of the client's WasmPlugin",
    )
}

pub(super) fn gateways<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given, it chooses proxies and not requests: use selector or targetRefs of the WasmPlugin",
    )
}

pub(super) fn stat_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, it belongs to a route: metrics carry the rule's name")
}
