//! Where a claim is inside a payload.

use filter_core::Got;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use crate::token::JsonRef;

/// The names that lead to a claim, 1 to 8 of them.
///
/// `a.b` is claim `b` inside `a`; `[a.b][c]` takes names literally; `realm[x.y]` mixes both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimPath(Vec<Box<str>>);

const MAX_NAMES: usize = 8;

impl ClaimPath {
    /// Reads a path, or nothing if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (name, after) = first_name(rest, names.is_empty())?;
            names.push(name.into());
            rest = after;
        }
        (1..=MAX_NAMES).contains(&names.len()).then_some(Self(names))
    }

    /// Finds the claim in a payload.
    pub fn find<'a>(&self, payload: JsonRef<'a>) -> Option<JsonRef<'a>> {
        payload.follow(self.0.iter().map(|name| &**name))
    }
}

fn first_name(text: &str, is_first: bool) -> Option<(&str, &str)> {
    if let Some(literal) = text.strip_prefix('[') {
        return literal.split_once(']').filter(|(name, _)| !name.is_empty());
    }
    let text = if is_first { text } else { text.strip_prefix('.')? };
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    (!name.is_empty() && !name.contains(']')).then_some((name, rest))
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value.as_str().and_then(Self::parse).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be a claim path such as sub, realm.roles or [a.b][c], {}",
                Got(&value)
            ))
        })
    }
}
