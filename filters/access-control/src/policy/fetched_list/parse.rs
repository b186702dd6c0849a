//! The documents of fetched lists.
//!
//! A document with one invalid entry is refused as a whole, because rules must not use a part of a
//! list. Errors contain the number of the line or entry, and never its text.

use std::{borrow::Cow, fmt, rc::Rc};

use filter_core::{IpRange, remote::InvalidDocument};
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

use super::ListKind;
use crate::policy::list::{ListContent, ListSet, TextSet};

/// The maximum number of entries.
const MAX_ENTRIES: usize = 100_000;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The error code of the first entry; each further entry has the next one.
const FIRST_ENTRY: u64 = 100_000;

const EMPTY: InvalidDocument = InvalidDocument::new(
    4,
    "the answer is empty: a list without entries is a comment (#) or a JSON list",
);
const TOO_MANY: InvalidDocument =
    InvalidDocument::new(5, "the answer has more than 100000 entries");
const NOT_JSON: InvalidDocument =
    InvalidDocument::new(6, "the answer begins with [ and is not a JSON list of strings");
const NOT_A_LIST: InvalidDocument =
    InvalidDocument::new(7, "the answer is HTML, XML or a JSON object instead of a list");

/// Parses a text with one entry a line, or a JSON list of strings.
pub(super) fn parse(kind: ListKind, body: &[u8]) -> Result<ListContent, InvalidDocument> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut entries = Entries::new(kind);
    match body.trim_ascii_start().first() {
        None => return Err(EMPTY),
        Some(b'<' | b'{') => return Err(NOT_A_LIST),
        Some(b'[') => parse_json(body, &mut entries)?,
        Some(_) => parse_text(body, &mut entries)?,
    }
    Ok(entries.finish())
}

fn parse_text(body: &[u8], entries: &mut Entries) -> Result<(), InvalidDocument> {
    for (line, number) in body.split(|byte| *byte == b'\n').zip(1_u64..) {
        let entry = entries.without_comment(line).trim_ascii();
        if !entry.is_empty() {
            entries.add(entry, "line", number)?;
        }
    }
    Ok(())
}

fn parse_json(body: &[u8], entries: &mut Entries) -> Result<(), InvalidDocument> {
    let mut invalid = None;
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = JsonList { entries, invalid: &mut invalid }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match (invalid, parsed) {
        (Some(invalid), _) => Err(invalid),
        (None, Err(_)) => Err(NOT_JSON),
        (None, Ok(())) => Ok(()),
    }
}

/// The entries of a document so far.
struct Entries {
    kind: ListKind,
    ranges: Vec<IpRange>,
    texts: TextSet,
    count: usize,
}

impl Entries {
    fn new(kind: ListKind) -> Self {
        Self { kind, ranges: Vec::new(), texts: TextSet::new(), count: 0 }
    }

    /// Returns a line without its comment. In a text, `#` may be a part of an entry.
    fn without_comment<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        let is_comment = line.trim_ascii_start().starts_with(b"#");
        match self.kind {
            ListKind::Texts if !is_comment => line,
            _ => line.split(|byte| *byte == b'#').next().unwrap_or_default(),
        }
    }

    fn add(&mut self, entry: &[u8], unit: &str, number: u64) -> Result<(), InvalidDocument> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_ENTRIES {
            return Err(TOO_MANY);
        }
        let (is_valid, rule) = match self.kind {
            ListKind::Addresses => (self.add_range(entry), "an address or a range"),
            ListKind::Texts => (self.add_text(entry), "a text without control characters"),
        };
        if is_valid {
            return Ok(());
        }
        let text = format!("the answer is not a list: {unit} {number} is not {rule}");
        Err(InvalidDocument { code: FIRST_ENTRY.saturating_add(number), text: Cow::Owned(text) })
    }

    fn add_range(&mut self, entry: &[u8]) -> bool {
        let range: Option<IpRange> =
            std::str::from_utf8(entry).ok().and_then(|text| text.parse().ok());
        self.ranges.extend(range);
        range.is_some()
    }

    fn add_text(&mut self, entry: &[u8]) -> bool {
        let is_valid = !entry.is_empty() && !entry.iter().any(u8::is_ascii_control);
        if is_valid {
            self.texts.insert(entry.into());
        }
        is_valid
    }

    fn finish(self) -> ListContent {
        let set = match self.kind {
            ListKind::Addresses => ListSet::Addresses(Rc::new(self.ranges.into_iter().collect())),
            ListKind::Texts => ListSet::Texts(Rc::new(self.texts)),
        };
        ListContent { set, entries: self.count }
    }
}

/// Deserializes strings one by one, so that a list with too many entries needs no memory.
struct JsonList<'e> {
    entries: &'e mut Entries,
    invalid: &'e mut Option<InvalidDocument>,
}

impl<'de> DeserializeSeed<'de> for JsonList<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for JsonList<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number: u64 = 0;
        while let Some(entry) = list.next_element::<String>()? {
            number = number.saturating_add(1);
            if let Err(invalid) = self.entries.add(entry.as_bytes(), "entry", number) {
                *self.invalid = Some(invalid);
                return Err(A::Error::custom("invalid entry"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
