//! Strict JSON (RFC 8259): unique members, at most 32 levels; plain strings are not copied.

use std::fmt;

use filter_core::NumberSpans;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// The maximum nesting of objects and lists.
const MAX_DEPTH: u8 = 32;

/// A JSON value; plain strings and numbers are offsets in its document.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number: the offset of its digits in the document, and their length in bytes.
    Number(usize, usize),
    /// A string.
    Text(Text),
    /// An array.
    List(Vec<Self>),
    /// An object, its members in the order of the document.
    Object(Vec<(Text, Self)>),
}

/// A string of a JSON document.
#[derive(Clone, Debug)]
pub enum Text {
    /// A string without escapes: its offset in the document and its length in bytes.
    Plain(usize, usize),
    /// A string with escapes, unescaped.
    Escaped(Box<str>),
}

/// A JSON value together with its document.
#[derive(Clone, Copy, Debug)]
pub struct JsonRef<'a> {
    document: &'a str,
    value: &'a Json,
}

impl Json {
    /// Returns the approximate memory of the value.
    pub(super) fn approx_bytes(&self) -> usize {
        let inner: usize = match self {
            Self::Text(text) => text.approx_bytes(),
            Self::List(list) => list.iter().map(Self::approx_bytes).sum(),
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    size_of::<Text>()
                        .saturating_add(name.approx_bytes())
                        .saturating_add(value.approx_bytes())
                })
                .sum(),
            Self::Null | Self::Bool(_) | Self::Number(..) => 0,
        };
        // The capacity of a vector may be twice its length.
        inner.saturating_add(size_of::<Self>().saturating_mul(2))
    }
}

impl Text {
    const fn approx_bytes(&self) -> usize {
        match self {
            Self::Plain(..) => 0,
            Self::Escaped(text) => text.len(),
        }
    }

    fn resolve<'a>(&'a self, document: &'a str) -> &'a str {
        match self {
            Self::Plain(start, length) => part(document, *start, *length),
            Self::Escaped(text) => text,
        }
    }
}

fn part(document: &str, start: usize, length: usize) -> &str {
    document.get(start..start.saturating_add(length)).unwrap_or_default()
}

impl<'a> JsonRef<'a> {
    pub(super) const fn new(document: &'a str, value: &'a Json) -> Self {
        Self { document, value }
    }

    /// Returns the value without its document.
    pub const fn value(self) -> &'a Json {
        self.value
    }

    /// Returns the string; `None` for other types.
    pub fn as_str(self) -> Option<&'a str> {
        match self.value {
            Json::Text(text) => Some(text.resolve(self.document)),
            Json::Null | Json::Bool(_) | Json::Number(..) | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// Returns the original text of a number; `None` for other types.
    pub fn digits(self) -> Option<&'a str> {
        match self.value {
            Json::Number(start, length) => Some(part(self.document, *start, *length)),
            Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// Iterates over the elements of a list; `None` for other types.
    pub fn elements(self) -> Option<impl Iterator<Item = Self>> {
        let document = self.document;
        match self.value {
            Json::List(list) => Some(list.iter().map(move |value| Self { document, value })),
            Json::Null | Json::Bool(_) | Json::Number(..) | Json::Text(_) | Json::Object(_) => None,
        }
    }

    /// Iterates over the members of an object; empty for other types.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let document = self.document;
        let members = match self.value {
            Json::Object(members) => members.as_slice(),
            Json::Null | Json::Bool(_) | Json::Number(..) | Json::Text(_) | Json::List(_) => &[],
        };
        members.iter().map(move |(name, value)| (name.resolve(document), Self { document, value }))
    }

    /// Returns the member `name`.
    pub fn member(self, name: &str) -> Option<Self> {
        self.members().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Returns the value at a path of member names.
    pub fn follow<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        names.into_iter().try_fold(self, Self::member)
    }

    /// Returns a string, number or boolean as text, a number with its original digits; `None` for
    /// other types.
    pub fn scalar_text(self) -> Option<&'a str> {
        match self.value {
            Json::Text(text) => Some(text.resolve(self.document)),
            Json::Bool(true) => Some("true"),
            Json::Bool(false) => Some("false"),
            Json::Number(..) => self.digits(),
            Json::Null | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// Returns the value as compact JSON, numbers with their original digits.
    pub fn to_json(self) -> String {
        let mut json = String::new();
        self.write_json(&mut json);
        json
    }

    fn write_json(self, json: &mut String) {
        if let Some(elements) = self.elements() {
            json.push('[');
            for (index, element) in elements.enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                element.write_json(json);
            }
            json.push(']');
        } else if let Json::Object(_) = self.value {
            json.push('{');
            for (index, (name, value)) in self.members().enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                json.push_str(&quoted(name));
                json.push(':');
                value.write_json(json);
            }
            json.push('}');
        } else if let Some(text) = self.as_str() {
            json.push_str(&quoted(text));
        } else {
            json.push_str(self.scalar_text().unwrap_or("null"));
        }
    }
}

fn quoted(text: &str) -> String {
    // Writing a string cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// Parses a document that must be one object.
pub(super) fn parse_object(document: &str) -> Result<Json, serde_json::Error> {
    let mut numbers = NumberSpans::new(document);
    let origin = document.as_ptr() as usize;
    let seed = Strict { origin, depth: MAX_DEPTH, numbers: &mut numbers };
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    match value {
        Json::Object(_) => Ok(value),
        _ => Err(Error::custom("not an object")),
    }
}

struct Strict<'n, 'd> {
    origin: usize,
    depth: u8,
    numbers: &'n mut NumberSpans<'d>,
}

impl<'d> Strict<'_, 'd> {
    fn deeper<E: Error>(&mut self) -> Result<Strict<'_, 'd>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Strict { depth, origin: self.origin, numbers: &mut *self.numbers })
    }

    fn number<E: Error>(self) -> Result<Json, E> {
        let range = self.numbers.next().ok_or_else(|| E::custom("not a number"))?;
        Ok(Json::Number(range.start, range.len()))
    }
}

/// Returns a text in the document that begins at `origin`.
fn plain(origin: usize, text: &str) -> Text {
    Text::Plain((text.as_ptr() as usize).saturating_sub(origin), text.len())
}

impl<'de> DeserializeSeed<'de> for Strict<'_, '_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, '_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Json, E> {
        self.number()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        self.number()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        self.number()
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json, E> {
        Ok(Json::Text(plain(self.origin, text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(Text::Escaped(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(self.deeper()?)? {
            elements.push(element);
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Name { origin: self.origin })? {
            members.push((name.text, map.next_value_seed(self.deeper()?)?));
            names.push(name.name);
        }
        if has_duplicate(&mut names) {
            return Err(Error::custom("a member occurs twice"));
        }
        Ok(Json::Object(members))
    }
}

/// Returns `true` if a name occurs twice; takes O(n log n), even for hostile tokens.
fn has_duplicate(names: &mut [std::borrow::Cow<'_, str>]) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

struct Name {
    origin: usize,
}

struct NamedText<'de> {
    name: std::borrow::Cow<'de, str>,
    text: Text,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = NamedText<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = NamedText<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(NamedText { name: name.into(), text: plain(self.origin, name) })
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(NamedText { name: name.to_owned().into(), text: Text::Escaped(name.into()) })
    }
}
