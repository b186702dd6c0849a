//! The fields of a record.

use std::{borrow::Cow, collections::BTreeMap};

use filter_core::{Redactor, time_text};

use super::{LoggedStream, truncate};
use crate::{
    config::{AccessLogConfig, FieldConfig, Redaction, TagOperation},
    expression::{Attribute, AttributeTable, Encoding, Expression, Phase, ResultKind, Slot, Value},
    policy::compiler::Compiler,
    stream::response_flags::response_flags,
};

mod standard;

use standard::{RecordField, STANDARD, Source as StandardSource};

/// The fields of an entry in output order.
#[derive(Debug)]
pub struct Fields(Vec<Field>);

#[derive(Debug)]
struct Field {
    name: String,
    source: Source,
    redaction: Option<Redaction>,
}

#[derive(Debug)]
enum Source {
    RecordField(RecordField),
    Expression(Expression),
    /// The original path if the router rewrote it, and the current path.
    Path(Slot, Slot),
    Flags(Slot),
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A text. Invalid UTF-8 is replaced by U+FFFD.
    Text(String),
    /// An integer, or a duration in whole milliseconds.
    Int(i64),
    /// A double, or a duration in milliseconds.
    Double(f64),
    /// A boolean.
    Bool(bool),
}

/// Inputs to the compilation of fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldsContext<'a> {
    /// The path of the entry for error messages.
    pub(super) path: &'a str,
    /// Whether the output is a JSON line and not an OTLP record, which has some of the fields
    /// outside its attributes.
    pub(super) is_line: bool,
    /// Whether the document has operations.
    pub(super) has_operations: bool,
}

/// Maximum number of fields in `fields`.
const MAX: usize = 64;

impl Fields {
    /// Compiles the fields of an entry: standard fields in their order, then others by name.
    pub(super) fn compile(
        config: &AccessLogConfig,
        context: &FieldsContext<'_>,
        compiler: &mut Compiler,
    ) -> Option<Self> {
        let path = format!("{}.fields", context.path);
        if config.fields.len() > MAX {
            compiler.errors.add(&path, format_args!("must have at most {MAX} entries"));
            return None;
        }
        let mut changes: BTreeMap<&str, &FieldConfig> =
            config.fields.iter().map(|(name, change)| (name.as_str(), change)).collect();
        let mut fields = Vec::new();
        for (name, standard) in STANDARD {
            let change = changes.remove(name);
            let is_here =
                standard.is_in(context.is_line, context.has_operations) || change.is_some();
            let field = field(name, Some(standard), change, &path, compiler);
            fields.extend(field.filter(|_| is_here));
        }
        for (name, change) in changes {
            fields.extend(field(name, None, Some(change), &path, compiler));
        }
        Some(Self(fields))
    }

    pub(super) fn hashes(&self) -> bool {
        self.0.iter().any(|field| field.redaction == Some(Redaction::Hash))
    }

    pub(super) fn of(
        &self,
        stream: &LoggedStream<'_>,
        redactor: &Redactor,
    ) -> Vec<(&str, FieldValue)> {
        let present = self.0.iter().filter_map(|field| {
            let value = field.value(stream)?;
            let value = match field.redaction {
                Some(redaction) => {
                    FieldValue::Text(redactor.redact(redaction, &value.to_text().ok()?))
                }
                None => FieldValue::of(&value)?,
            };
            Some((field.name.as_str(), value))
        });
        let mut fields = present.collect();
        truncate::to_max_len(&mut fields);
        fields
    }
}

impl Field {
    fn value(&self, stream: &LoggedStream<'_>) -> Option<Value> {
        match &self.source {
            Source::RecordField(fact) => fact.of(stream),
            Source::Expression(expression) => {
                expression.evaluate(stream.ended.attributes).ok().map(Cow::into_owned)
            }
            Source::Path(original, path) => {
                let value = |slot| stream.ended.attributes.value(slot);
                value(*original).or_else(|| value(*path)).map(without_query)
            }
            Source::Flags(slot) => {
                let Value::Int(bits) = stream.ended.attributes.value(*slot)? else { return None };
                Some(Value::text(&response_flags(bits.cast_unsigned())))
            }
        }
    }
}

impl FieldValue {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(whole) => Self::Int(*whole),
            Value::Double(number) => Self::Double(*number),
            Value::Text(text) if text.is_empty() => return None,
            Value::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            Value::Duration(nanos) => millis(*nanos),
            Value::Timestamp(nanos) => Self::Text(time_text::rfc3339_millis(*nanos)),
            Value::List(_) | Value::Map(_) => return None,
        })
    }
}

fn without_query(path: &Value) -> Value {
    let Value::Text(path) = path else { return path.clone() };
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    Value::Text(path.get(..end.unwrap_or(path.len())).unwrap_or_default().to_vec())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations above 104 days need no nanosecond precision"
)]
fn millis(nanos: i64) -> FieldValue {
    if nanos.rem_euclid(1_000_000) == 0 {
        FieldValue::Int(nanos.div_euclid(1_000_000))
    } else {
        FieldValue::Double(nanos as f64 / 1_000_000.0)
    }
}

/// Compiles a field; `None` if it is removed or invalid. Errors are added to `compiler`.
fn field(
    name: &str,
    standard: Option<StandardSource>,
    change: Option<&FieldConfig>,
    path: &str,
    compiler: &mut Compiler,
) -> Option<Field> {
    let path = format!("{path}.{name}");
    let change = change.cloned().unwrap_or_default();
    if change.operation == Some(TagOperation::Remove) {
        if change.value.is_some() || change.redact.is_some() {
            compiler.errors.add(path, "must have neither value nor redact with operation: REMOVE");
        }
        return None;
    }
    let redaction = change.redact;
    let make = |source| Some(Field { name: name.to_owned(), source, redaction });
    let path = format!("{path}.value");
    let text = match (&change.value, standard) {
        (Some(text), _) => text.as_str(),
        (None, Some(StandardSource::Expression(text))) => text,
        (None, Some(StandardSource::RecordField(fact))) => return make(Source::RecordField(fact)),
        (None, Some(StandardSource::Path)) => return make(self::path(&mut compiler.reads)),
        (None, Some(StandardSource::Flags)) => return make(flags(&mut compiler.reads)),
        (None, None) => {
            compiler.errors.add(path, "must be given: it is not a standard field");
            return None;
        }
    };
    let compiled = Expression::compile(text, Phase::End, ResultKind::Scalar, &mut compiler.reads);
    let expression = compiled.map_err(|error| compiler.errors.add(&path, error)).ok()?;
    if expression.is_sensitive() && redaction != Some(Redaction::Hash) {
        compiler
            .errors
            .add(&path, "must not show a credential or an identity, unless redact is HASH");
        return None;
    }
    make(Source::Expression(expression))
}

fn path(reads: &mut AttributeTable) -> Source {
    let original = reads.slot(Attribute::RequestHeader("x-envoy-original-path".to_owned()));
    let path = ["request", "path"].map(str::to_owned).to_vec();
    let path = Attribute::Property { path, encoding: Encoding::Text, phase: Phase::Request };
    Source::Path(original, reads.slot(path))
}

fn flags(reads: &mut AttributeTable) -> Source {
    let path = ["response", "flags"].map(str::to_owned).to_vec();
    let flags = Attribute::Property { path, encoding: Encoding::Int, phase: Phase::End };
    Source::Flags(reads.slot(flags))
}

impl RecordField {
    fn of(self, stream: &LoggedStream<'_>) -> Option<Value> {
        let whole = |number: u64| i64::try_from(number).ok().map(Value::Int);
        match self {
            Self::Status => stream.ended.record.status.map(|status| Value::Int(status.into())),
            Self::RequestBytes => whole(stream.ended.record.request_bytes),
            Self::ResponseBytes => whole(stream.ended.record.response_bytes),
            Self::Millis => whole(stream.ended.record.millis()),
            Self::Error => Some(Value::Bool(stream.is_error)),
        }
    }
}
