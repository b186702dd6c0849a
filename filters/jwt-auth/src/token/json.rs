//! Strict JSON (RFC 8259): no member twice at any depth, at most 32 levels, no copies of plain text.

use std::fmt;

use serde::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// Objects and lists may be nested this deep.
const MAX_DEPTH: u8 = 32;

/// A JSON value; its plain texts are places in the document that it was read from.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
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
    pub(super) fn weight(&self) -> usize {
        let inner: usize = match self {
            Self::Text(text) => text.weight(),
            Self::List(list) => list.iter().map(Self::weight).sum(),
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    size_of::<Text>().saturating_add(name.weight()).saturating_add(value.weight())
                })
                .sum(),
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        };
        // A vector may have twice the room that it uses.
        inner.saturating_add(size_of::<Self>().saturating_mul(2))
    }
}

impl Text {
    const fn weight(&self) -> usize {
        match self {
            Self::Plain(..) => 0,
            Self::Escaped(text) => text.len(),
        }
    }

    fn resolve<'a>(&'a self, document: &'a str) -> &'a str {
        match self {
            Self::Plain(start, length) => {
                document.get(*start..start.saturating_add(*length)).unwrap_or_default()
            }
            Self::Escaped(text) => text,
        }
    }
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

    /// Returns a string as it is, a number or boolean as its JSON text; nothing for the rest.
    pub fn to_scalar_text(self) -> Option<std::borrow::Cow<'a, str>> {
        match self.value {
            Json::Text(text) => Some(text.resolve(self.document).into()),
            Json::Bool(true) => Some("true".into()),
            Json::Bool(false) => Some("false".into()),
            Json::Number(number) => Some(number.to_string().into()),
            Json::Null | Json::List(_) | Json::Object(_) => None,
        }
    }
}

impl Serialize for JsonRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = self.document;
        match self.value {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(number) => number.serialize(serializer),
            Json::Text(text) => serializer.serialize_str(text.resolve(document)),
            Json::List(list) => {
                serializer.collect_seq(list.iter().map(|value| Self { document, value }))
            }
            Json::Object(_) => serializer.collect_map(self.members()),
        }
    }
}

/// Reads a document that must be one object.
pub(super) fn parse_object(document: &str) -> Result<Json, serde_json::Error> {
    let seed = Strict { origin: document.as_ptr() as usize, depth: MAX_DEPTH };
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    match value {
        Json::Object(_) => Ok(value),
        _ => Err(Error::custom("not an object")),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    origin: usize,
    depth: u8,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth, ..self })
    }

    fn plain(self, text: &str) -> Text {
        let start = (text.as_ptr() as usize).saturating_sub(self.origin);
        Text::Plain(start, text.len())
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
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

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json, E> {
        Ok(Json::Text(self.plain(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(Text::Escaped(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(inner)? {
            elements.push(element);
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Name(inner))? {
            members.push((name.text, map.next_value_seed(inner)?));
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

struct Name(Strict);

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
        Ok(NamedText { name: name.into(), text: self.0.plain(name) })
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(NamedText { name: name.to_owned().into(), text: Text::Escaped(name.into()) })
    }
}
