//! Strict JSON (RFC 8259): no member twice at any depth, at most 32 levels, no copies of plain text.

use std::fmt;

use filter_core::NumberTexts;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// Objects and lists may be nested this deep.
const MAX_DEPTH: u8 = 32;

/// A JSON value; its plain texts are places in the document that it was read from.
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
    /// It stands in the document as it is: where it starts, and its length in bytes.
    Plain(usize, usize),
    /// It was written with escapes.
    Escaped(Box<str>),
}

/// A JSON value together with its document.
#[derive(Clone, Copy, Debug)]
pub struct JsonRef<'a> {
    document: &'a str,
    value: &'a Json,
}

impl Json {
    /// Returns about how many bytes of memory the value takes.
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
        // A vector may have twice the room that it uses.
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

    /// Returns the string, if it is one.
    pub fn as_str(self) -> Option<&'a str> {
        match self.value {
            Json::Text(text) => Some(text.resolve(self.document)),
            _ => None,
        }
    }

    /// Returns the original digits, with sign, fraction and exponent, if the value is a number.
    pub fn digits(self) -> Option<&'a str> {
        match self.value {
            Json::Number(start, length) => Some(part(self.document, *start, *length)),
            _ => None,
        }
    }

    /// Iterates over the elements, if it is a list.
    pub fn elements(self) -> Option<impl Iterator<Item = Self>> {
        let document = self.document;
        match self.value {
            Json::List(list) => Some(list.iter().map(move |value| Self { document, value })),
            _ => None,
        }
    }

    /// Iterates over the members; yields nothing unless it is an object.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let document = self.document;
        let members = match self.value {
            Json::Object(members) => members.as_slice(),
            _ => &[],
        };
        members.iter().map(move |(name, value)| (name.resolve(document), Self { document, value }))
    }

    /// Finds the member `name`.
    pub fn member(self, name: &str) -> Option<Self> {
        self.members().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Follows a path of member names.
    pub fn follow<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        names.into_iter().try_fold(self, Self::member)
    }

    /// Returns a string, number or boolean as text, a number with its original digits; otherwise
    /// `None`.
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
            for (place, element) in elements.enumerate() {
                json.push_str(if place == 0 { "" } else { "," });
                element.write_json(json);
            }
            json.push(']');
        } else if let Json::Object(_) = self.value {
            json.push('{');
            for (place, (name, value)) in self.members().enumerate() {
                json.push_str(if place == 0 { "" } else { "," });
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

/// Reads a document that must be one object.
pub(super) fn parse_object(document: &str) -> Result<Json, serde_json::Error> {
    let mut numbers = NumberTexts::new(document);
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
    numbers: &'n mut NumberTexts<'d>,
}

impl<'d> Strict<'_, 'd> {
    fn deeper<E: Error>(&mut self) -> Result<Strict<'_, 'd>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Strict { depth, origin: self.origin, numbers: &mut *self.numbers })
    }

    fn number<E: Error>(self) -> Result<Json, E> {
        let place = self.numbers.next().ok_or_else(|| E::custom("not a number"))?;
        Ok(Json::Number(place.start, place.len()))
    }
}

/// Returns the offset of a text in the document that begins at `origin`.
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

/// Finds a name that occurs twice, in time that a hostile token cannot make quadratic.
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
