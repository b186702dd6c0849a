//! Attributes of spans that a document adds, changes or leaves out.

use std::borrow::Cow;

use filter_core::{HeaderName, Headers};

use crate::{
    config::Redaction,
    export::otlp::Value,
    expression::{self, Attributes, EvaluationError, Expression},
    signals::redactor::Redactor,
};

/// A name that a document says something about.
#[derive(Clone, Debug)]
pub struct Tag {
    /// The attribute.
    pub key: String,
    /// What becomes of it.
    pub action: TagAction,
}

/// What becomes of an attribute.
#[derive(Clone, Debug)]
pub enum TagAction {
    /// It is there, in place of one of that name, perhaps made harmless.
    Put(TagSource, Option<Redaction>),
    /// It is made harmless.
    Redact(Redaction),
    /// It is left out.
    Remove,
}

/// Where the value of a tag comes from.
#[derive(Clone, Debug)]
pub enum TagSource {
    /// It is always the same.
    Literal(String),
    /// It is a header of the request.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands for it where it is absent.
        default: Option<String>,
    },
    /// An expression gives it, when the stream has ended.
    Expression(Expression),
}

impl Tag {
    /// Returns the header that is read for it.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match &self.action {
            TagAction::Put(TagSource::Header { name, .. }, _) => Some(name.as_str()),
            _ => None,
        }
    }
}

impl TagSource {
    /// Returns the value; `None` where there is none, which leaves the tag out.
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

/// Makes a value of an expression one of OTLP; `None` for lists and maps.
fn exported(value: &expression::Value) -> Option<Value<'static>> {
    Some(match value {
        expression::Value::Bool(value) => Value::Bool(*value),
        expression::Value::Int(number) => Value::Int(*number),
        expression::Value::Double(number) => Value::Double(*number),
        other => String::from_utf8_lossy(&other.to_text().ok()?).into_owned().into(),
    })
}

/// Makes a value harmless.
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
