//! The attributes of a described stream.

use crate::{
    OTHER, Policy, Record, Trace, baggage,
    explain::StreamDescription,
    expression::{Attribute, AttributeCache, Attributes, Slot, Value, WeirAttribute},
};

/// A described stream, as a source of attributes.
pub(super) struct Stream<'a> {
    policy: &'a Policy,
    described: &'a StreamDescription,
    record: &'a Record,
    trace: Option<&'a Trace>,
    is_error: bool,
    cache: AttributeCache,
}

/// Fields of `request` with their headers.
const HEADERS: [(&str, &str); 7] = [
    ("method", ":method"),
    ("path", ":path"),
    ("host", ":authority"),
    ("scheme", ":scheme"),
    ("useragent", "user-agent"),
    ("referer", "referer"),
    ("id", "x-request-id"),
];

impl<'a> Stream<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        described: &'a StreamDescription,
        record: &'a Record,
        trace: Option<&'a Trace>,
        is_error: bool,
    ) -> Self {
        let cache = policy.attribute_table().new_cache();
        Self { policy, described, record, trace, is_error, cache }
    }

    /// Returns the name of the operation, `other` if none matches.
    pub(super) fn operation(&self) -> &'a str {
        let names = self.policy.operations().names();
        let name = self.record.operation.and_then(|index| names.get(index));
        name.map_or(OTHER, String::as_str)
    }

    /// Returns all values of a header, joined by commas.
    fn header(&self, name: &str) -> Option<Vec<u8>> {
        let values: Vec<&[u8]> = self.described.request.headers.all(name).collect();
        (!values.is_empty()).then(|| values.join(&b','))
    }

    fn read(&self, attribute: &Attribute) -> Option<Value> {
        if let Some(known) = self.described.attributes.get(&attribute.to_string()) {
            return Some(known.clone());
        }
        match attribute {
            Attribute::RequestHeader(name) => self.header(name).map(Value::Text),
            Attribute::Baggage(key) => {
                baggage::value(&self.header("baggage")?, key).map(|text| Value::text(&text))
            }
            Attribute::Weir(attribute) => self.weir(*attribute),
            Attribute::Property { path, .. } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                self.property(&path)
            }
            Attribute::ResponseHeader(_)
            | Attribute::ResponseTrailer(_)
            | Attribute::Principal
            | Attribute::Audiences
            | Attribute::Claim(_) => None,
        }
    }

    fn property(&self, path: &[&str]) -> Option<Value> {
        let count = |number: u64| Some(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
        match path {
            ["response", "code"] => count(self.record.status?.into()),
            ["response", "grpc_status"] => count(self.record.grpc_status?.into()),
            ["response", "size"] => count(self.record.response_bytes),
            ["request", "size"] => count(self.record.request_bytes),
            ["request", "duration"] => {
                let nanos = i64::try_from(self.record.duration.as_nanos());
                Some(Value::Duration(nanos.unwrap_or(i64::MAX)))
            }
            ["request", "url_path"] => {
                let path = self.header(":path")?;
                path.split(|byte| *byte == b'?').next().map(|path| Value::Text(path.to_vec()))
            }
            ["request", field] => {
                let (_, name) = HEADERS.iter().find(|(known, _)| known == field)?;
                self.header(name).map(Value::Text)
            }
            _ => None,
        }
    }

    fn weir(&self, attribute: WeirAttribute) -> Option<Value> {
        Some(match attribute {
            WeirAttribute::Operation => Value::text(self.operation()),
            WeirAttribute::Error => Value::Bool(self.is_error),
            WeirAttribute::TraceId => Value::text(&self.trace?.trace_id.to_string()),
            WeirAttribute::SpanId => Value::text(&self.trace?.span_id.to_string()),
            WeirAttribute::Sampled => Value::Bool(self.trace?.is_sampled),
        })
    }
}

impl Attributes for Stream<'_> {
    fn value(&self, slot: Slot) -> Option<&Value> {
        let attribute = self.policy.attribute_table().attribute(slot)?;
        self.cache.get(slot, || self.read(attribute))
    }
}
