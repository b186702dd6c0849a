//! Documents as the filters read them, and the schemas of these documents.

use anyhow::{Result, bail};
use filter_core::{InvalidConfig, parse_config, schema};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What reads the `pluginConfig` of one filter.
pub(crate) struct Reader {
    read: fn(&[u8]) -> Result<(), InvalidConfig>,
    compare: fn(&Value, bool),
    /// Writes the schema.
    pub(crate) schema: fn() -> Value,
    /// Says whether the schema refuses a document.
    pub(crate) refuses: fn(&Value) -> bool,
}

impl Reader {
    /// Finds the reader of a filter.
    ///
    /// # Errors
    /// When there is none.
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
            other => bail!("tests/documents.rs cannot read the pluginConfig of {other}"),
        })
    }

    fn new<T: DeserializeOwned + JsonSchema + 'static>(
        read: fn(&[u8]) -> Result<(), InvalidConfig>,
    ) -> Self {
        Self {
            read,
            compare: schema_check::compare::<T>,
            schema: schema::of::<T>,
            refuses: schema_check::refuses::<T>,
        }
    }

    /// Parses and compiles a document as the filter itself does.
    ///
    /// # Errors
    /// When the filter refuses it.
    ///
    /// # Panics
    /// When the filter accepts it and the schema does not.
    pub(crate) fn accept(&self, document: &Value) -> Result<(), InvalidConfig> {
        let answer = (self.read)(document.to_string().as_bytes());
        (self.compare)(document, answer.is_ok());
        answer
    }
}

/// A secret in base64 that is long enough for every algorithm.
fn secret(_name: &str) -> Option<String> {
    Some("c2VjcmV0".repeat(12))
}
