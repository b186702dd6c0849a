//! The configuration documents of the filters, parsed as the filters do, and their schemas.

use anyhow::{Result, bail};
use filter_core::{InvalidConfig, parse_config, schema};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A parser for the `pluginConfig` of one filter.
pub(crate) struct Reader {
    read: fn(&[u8]) -> Result<(), InvalidConfig>,
    compare: fn(&Value, bool),
    /// Returns the JSON schema.
    pub(crate) schema: fn() -> Value,
    /// Returns `true` if the schema rejects a document.
    pub(crate) schema_rejects: fn(&Value) -> bool,
}

impl Reader {
    /// Returns the parser for a filter.
    ///
    /// # Errors
    /// If the filter is unknown.
    pub(crate) fn of(filter: &str) -> Result<Self> {
        Ok(match filter {
            "fault-injection" => Self::new::<fault_injection::Config>(|text| {
                fault_injection::Policy::new(&parse_config(text)?).map(drop)
            }),
            "jwt-auth" => Self::new::<jwt_auth::Config>(|text| {
                let crypto = jwt_auth::Crypto::pure();
                let context = jwt_auth::CompileContext { crypto: &crypto, variable: &secret };
                jwt_auth::Policy::new(&parse_config(text)?, &context).map(drop)
            }),
            "routing-tags" => Self::new::<routing_tags::Config>(|text| {
                routing_tags::Policy::new(&parse_config(text)?).map(drop)
            }),
            "telemetry" => Self::new::<telemetry::Config>(|text| {
                telemetry::Policy::new(&parse_config(text)?, &secret).map(drop)
            }),
            other => bail!("tests/documents.rs has no parser for the pluginConfig of {other}"),
        })
    }

    fn new<T: DeserializeOwned + JsonSchema + 'static>(
        read: fn(&[u8]) -> Result<(), InvalidConfig>,
    ) -> Self {
        Self {
            read,
            compare: schema_check::compare::<T>,
            schema: schema::of::<T>,
            schema_rejects: schema_check::refuses::<T>,
        }
    }

    /// Parses and compiles a document as the filter does.
    ///
    /// # Errors
    /// If the filter rejects it.
    ///
    /// # Panics
    /// If the filter accepts it and the schema rejects it.
    pub(crate) fn accept(&self, document: &Value) -> Result<(), InvalidConfig> {
        let result = (self.read)(document.to_string().as_bytes());
        (self.compare)(document, result.is_ok());
        result
    }
}

/// Returns a base64 secret that is long enough for every algorithm.
fn secret(_name: &str) -> Option<String> {
    Some("c2VjcmV0".repeat(12))
}
