//! The text of an expression.

use std::fmt;

use filter_core::Shown;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::expression::MAX_LEN;

/// An expression in the Common Expression Language (CEL) over Envoy's attributes, 1 to 1,024 bytes.
/// Literal text needs quotes: `"'production'"`.
///
/// ```
/// let text: telemetry::config::ExpressionText = serde_json::from_str(r#""response.code >= 500""#)?;
/// assert_eq!(text.as_str(), "response.code >= 500");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "expression in CEL",
    extend(
        "minLength" = 1,
        "maxLength" = MAX_LEN,
        "examples" = ["response.code >= 500", "request.headers['x-tenant']", "'production'"]
    )
)]
pub struct ExpressionText(String);

impl ExpressionText {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ExpressionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_str().filter(|text| (1..=MAX_LEN).contains(&text.len())) {
            Some(text) => Ok(Self(text.to_owned())),
            None => Err(D::Error::custom(format_args!(
                "must be a CEL expression of 1 to {MAX_LEN} bytes, {}",
                Shown(&value)
            ))),
        }
    }
}

impl fmt::Display for ExpressionText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
