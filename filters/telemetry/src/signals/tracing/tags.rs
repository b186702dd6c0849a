//! Span attributes that a document adds, changes or removes.

use std::borrow::Cow;

use filter_core::{HeaderName, Headers, Redactor};

use crate::{
    config::Redaction,
    export::otlp::Value,
    expression::{self, Attributes, EvaluationError, Expression},
};

/// A change to a span attribute.
#[derive(Clone, Debug)]
pub struct Tag {
    /// The name of the attribute.
    pub key: String,
    /// The action for the attribute.
    pub action: TagAction,
}

/// An action for an attribute.
#[derive(Clone, Debug)]
pub enum TagAction {
    /// Add or replace the attribute, optionally redacted.
    Put(TagSource, Option<Redaction>),
    /// Redact the built-in value.
    Redact(Redaction),
    /// Remove the attribute.
    Remove,
}

/// The source of a tag's value.
#[derive(Clone, Debug)]
pub enum TagSource {
    /// A constant text.
    Literal(String),
    /// A request header.
    Header {
        /// The name of the header.
        name: HeaderName,
        /// The value if the header is missing.
        default: Option<String>,
    },
    /// An expression, evaluated at the end of the stream.
    Expression(Expression),
}

impl Tag {
    /// Returns the request header that the tag reads, if any.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        let TagAction::Put(TagSource::Header { name, .. }, _) = &self.action else { return None };
        Some(name.as_str())
    }
}

impl TagSource {
    /// Returns the value; `None` if it is missing, which leaves the attribute out.
    pub(super) fn value<'a>(
        &'a self,
        headers: &'a Headers,
        attributes: &dyn Attributes,
    ) -> Result<Option<Value<'a>>, EvaluationError> {
        match self {
            Self::Literal(text) => Ok(Some(text.as_str().into())),
            Self::Header { name, default } => {
                let text = headers.first(name.as_str()).map(String::from_utf8_lossy);
                Ok(text.or_else(|| default.as_deref().map(Cow::from)).map(Value::Text))
            }
            Self::Expression(expression) => match expression.evaluate(attributes) {
                Ok(value) => Ok(exported(&value)),
                Err(EvaluationError::Missing) => Ok(None),
                Err(failure) => Err(failure),
            },
        }
    }
}

/// Converts the value of an expression to an OTLP value; `None` for lists and maps.
fn exported(value: &expression::Value) -> Option<Value<'static>> {
    Some(match value {
        expression::Value::Bool(value) => Value::Bool(*value),
        expression::Value::Int(number) => Value::Int(*number),
        expression::Value::Double(number) => Value::Double(*number),
        expression::Value::Text(_)
        | expression::Value::Duration(_)
        | expression::Value::Timestamp(_)
        | expression::Value::List(_)
        | expression::Value::Map(_) => {
            String::from_utf8_lossy(&value.to_text().ok()?).into_owned().into()
        }
    })
}

/// Redacts a value.
pub(super) fn redacted(
    value: &Value<'_>,
    redaction: Redaction,
    redactor: &Redactor,
) -> Value<'static> {
    let text: Cow<'_, str> = match value {
        Value::Text(text) => text.as_ref().into(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
    };
    redactor.redact(redaction, text.as_bytes()).into()
}
