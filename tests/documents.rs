//! The configuration documents of the filters, parsed as the filters do, and their schemas.

use anyhow::{Result, bail};
use filter_core::{ConfigErrors, InvalidConfig, parse_config, schema};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Parses and compiles a document.
type Read = dyn Fn(&[u8]) -> Result<(), InvalidConfig>;

/// A parser for the `pluginConfig` of one filter.
pub(crate) struct Reader {
    read: Box<Read>,
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
            "access-control" => Self::new(access_control),
            "fault-injection" => Self::new(fault_injection),
            "jwt-auth" => Self::new(jwt_auth),
            "rate-limit" => Self::new(rate_limit),
            "routing-tags" => Self::new(routing_tags),
            "suite" => Self::new(suite),
            "telemetry" => Self::new(telemetry),
            other => bail!("tests/documents.rs has no parser for the pluginConfig of {other}"),
        })
    }

    fn new<T: DeserializeOwned + JsonSchema + 'static>(
        compile: fn(&T) -> Result<(), InvalidConfig>,
    ) -> Self {
        Self {
            read: Box::new(move |text| compile(&parse_config(text)?)),
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

fn access_control(config: &access_control::Config) -> Result<(), InvalidConfig> {
    access_control::Policies::new(config).map(drop)
}

fn fault_injection(config: &fault_injection::Config) -> Result<(), InvalidConfig> {
    fault_injection::Policy::new(config).map(drop)
}

fn jwt_auth(config: &jwt_auth::Config) -> Result<(), InvalidConfig> {
    let crypto = jwt_auth::Crypto::pure();
    let context = jwt_auth::CompileContext { crypto: &crypto, variable: &secret };
    jwt_auth::Policy::new(config, &context).map(drop)
}

fn rate_limit(config: &rate_limit::Config) -> Result<(), InvalidConfig> {
    rate_limit::Policy::new(config).map(drop)
}

fn routing_tags(config: &routing_tags::Config) -> Result<(), InvalidConfig> {
    routing_tags::Policy::new(config).map(drop)
}

fn telemetry(config: &telemetry::Config) -> Result<(), InvalidConfig> {
    telemetry::Policy::new(config, &secret).map(drop)
}

fn suite(config: &suite::Config) -> Result<(), InvalidConfig> {
    let mut errors = ConfigErrors::default();
    for (section, compiled) in [
        ("jwt-auth", config.jwt_auth.as_ref().map(jwt_auth)),
        ("rate-limit", config.rate_limit.as_ref().map(rate_limit)),
        ("access-control", config.access_control.as_ref().map(access_control)),
        ("routing-tags", config.routing_tags.as_ref().map(routing_tags)),
        ("telemetry", config.telemetry.as_ref().map(telemetry)),
        ("fault-injection", config.fault_injection.as_ref().map(fault_injection)),
    ] {
        if let Some(Err(invalid)) = compiled {
            errors.extend(invalid.in_section(section));
        }
    }
    errors.finish(())
}

/// Returns a base64 secret that is long enough for every algorithm.
fn secret(_name: &str) -> Option<String> {
    Some("c2VjcmV0".repeat(12))
}
