//! Names and other validated values.

use std::{borrow::Cow, fmt};

use filter_core::{Shown, metric_name_part, schema::one_or_many};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// A list that may be written as its only entry.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

/// The name of a metric without prefix: 1 to 64 of `a-z 0-9 _`, starting with a letter.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "1 to 64 of a-z 0-9 _, the first a letter",
    extend("pattern" = "^[a-z][a-z0-9_]{0,63}$", "examples" = ["order_value_cents"])
)]
pub struct MetricName(String);

/// The name of a label: 1 to 128 of `A-Z a-z 0-9 _ . -`, starting with a letter or `_`.
///
/// In metrics, `.` and `-` become `_`, as in Envoy's Prometheus output.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "1 to 128 of A-Z a-z 0-9 _ . -, the first a letter or _",
    extend("pattern" = "^[A-Za-z_][A-Za-z0-9_.-]{0,127}$", "examples" = ["request_host", "tenant"])
)]
pub struct LabelName(String);

/// A prefix of metrics or the name of an objective: 1 to 32 of `a-z 0-9 _`, starting with a letter.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "1 to 32 of a-z 0-9 _, the first a letter",
    extend("pattern" = "^[a-z][a-z0-9_]{0,31}$", "examples" = ["checkout"])
)]
pub struct ShortName(String);

/// The name of an operation: 1 to 64 of `A-Z a-z 0-9 . _ / { } : -`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ / { } : -",
    extend("pattern" = "^[A-Za-z0-9._/{}:-]{1,64}$", "examples" = ["getOrder"])
)]
pub struct OperationName(String);

/// A request method in capital letters.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "method in capital letters, such as GET",
    extend("pattern" = "^[A-Z-]{1,32}$", "examples" = ["GET"])
)]
pub struct MethodName(String);

/// A host, or `*.` and a domain for all its subdomains. Case is ignored.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "host, such as shop.example.com or *.example.com",
    extend("pattern" = r"^(\*\.)?[A-Za-z0-9._\[\]:-]{1,253}$", "examples" = ["shop.example.com", "*.example.com"])
)]
pub struct HostPattern(String);

/// A target percentage of good streams, 50 to 99.9999.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "percentage from 50 to 99.9999",
    extend("minimum" = 50, "maximum" = 99.9999, "examples" = [99.9])
)]
pub struct Objective(f64);

impl Objective {
    /// Returns the percentage.
    #[must_use]
    pub const fn percent(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let percent = value.as_f64().filter(|percent| (50.0..=99.9999).contains(percent));
        let rule = "must be a percentage from 50 to 99.9999";
        percent.map(Self).ok_or_else(|| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}

impl MetricName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ShortName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShortName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl LabelName {
    /// Returns the name as it appears in metrics.
    #[must_use]
    pub fn in_metrics(&self) -> String {
        metric_name_part(&self.0)
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl OperationName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MethodName {
    /// Returns the method.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HostPattern {
    /// Returns the pattern in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Deserializes a text that `is_valid` accepts; reports `rule` for any other.
fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    rule: &str,
    is_valid: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let found = value.as_str().filter(|text| is_valid(text)).map(str::to_owned);
    found.ok_or_else(|| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}

/// Returns `true` if a text is `[a-z][a-z0-9_]*` with at most `max_len` bytes.
fn is_snake_case(text: &str, max_len: usize) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=max_len).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_valid)
}

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "must be 1 to 64 of a-z 0-9 _, the first a letter";
        text(deserializer, rule, |text| is_snake_case(text, 64)).map(Self)
    }
}

impl<'de> Deserialize<'de> for ShortName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "must be 1 to 32 of a-z 0-9 _, the first a letter";
        text(deserializer, rule, |text| is_snake_case(text, 32)).map(Self)
    }
}

impl<'de> Deserialize<'de> for LabelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_valid = |text: &str| {
            (1..=128).contains(&text.len())
                && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && text.bytes().all(is_allowed)
        };
        let rule = "must be 1 to 128 of A-Z a-z 0-9 _ . -, the first a letter or _";
        text(deserializer, rule, is_valid).map(Self)
    }
}

impl<'de> Deserialize<'de> for OperationName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._/{}:-".contains(&byte);
        let is_valid = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(is_allowed);
        text(deserializer, "must be 1 to 64 of A-Z a-z 0-9 . _ / { } : -", is_valid).map(Self)
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        let is_valid = |text: &str| (1..=32).contains(&text.len()) && text.bytes().all(is_allowed);
        text(deserializer, "must be a method in capital letters, such as GET", is_valid).map(Self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
        let is_valid = |text: &str| {
            let host = text.strip_prefix("*.").unwrap_or(text);
            (1..=253).contains(&host.len()) && host.bytes().all(is_allowed)
        };
        let rule = "must be a host such as shop.example.com or *.example.com";
        text(deserializer, rule, is_valid).map(|host| Self(host.to_ascii_lowercase()))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list, or its only entry")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(entries)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|entry| vec![entry])
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(std::marker::PhantomData)).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        one_or_many::<T>(generator)
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
