//! Header fields of a message.

use std::{fmt, ops::Range, rc::Rc};

/// Request or response headers in the order of the host, including pseudo-headers.
///
/// Names are in lower case, as in Envoy. Values are arbitrary bytes.
///
/// ```
/// use filter_core::Headers;
///
/// let headers = Headers::from_iter([(":path", "/"), ("accept", "text/plain"), ("accept", "*/*")]);
/// assert_eq!(headers.first("accept"), Some(&b"text/plain"[..]));
/// assert_eq!(headers.all("accept").count(), 2);
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    /// All names and values, in one block of memory that copies share until one of them grows.
    text: Rc<Vec<u8>>,
    fields: Vec<Field>,
}

/// The byte ranges of a name and its value in the text.
#[derive(Clone)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Headers {
    /// Creates headers from a block of memory and the byte ranges of each name and value.
    ///
    /// A range outside the block is read as an empty name or value.
    pub fn from_parts(
        text: Vec<u8>,
        fields: impl IntoIterator<Item = (Range<usize>, Range<usize>)>,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, value)| Field { name, value });
        Self { text: Rc::new(text), fields: fields.collect() }
    }

    /// Returns the first value of a header.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        let found = self.iter().find(|(found, _)| *found == name.as_bytes());
        found.map(|(_, value)| value)
    }

    /// Returns the first value of a header as a number; `None` unless it consists of digits.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        let digits = std::str::from_utf8(self.first(name)?).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    }

    /// Returns all values of a header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let name = name.as_bytes();
        self.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Returns all values of a header, joined with commas as in Envoy; `None` if it is absent.
    #[must_use]
    pub fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let mut values = self.all(name);
        let mut joined = values.next()?.to_vec();
        for value in values {
            joined.push(b',');
            joined.extend_from_slice(value);
        }
        Some(joined)
    }

    /// Iterates over names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.text(&field.name), self.text(&field.value)))
    }

    /// Appends a header.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (self.append(name.as_ref()), self.append(value.as_ref()));
        self.fields.push(Field { name, value });
    }

    /// Removes all values of a header; returns `true` if there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let Self { text, fields } = self;
        let before = fields.len();
        fields.retain(|field| text.get(field.name.clone()) != Some(name.as_bytes()));
        fields.len() < before
    }

    /// Returns the headers whose names are `wanted`; copies no name or value.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&[u8]) -> bool) -> Self {
        let fields = self.fields.iter().filter(|field| wanted(self.text(&field.name)));
        Self { text: Rc::clone(&self.text), fields: fields.cloned().collect() }
    }

    /// Returns `true` if the message has no headers.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn text(&self, place: &Range<usize>) -> &[u8] {
        self.text.get(place.clone()).unwrap_or_default()
    }

    fn append(&mut self, added: &[u8]) -> Range<usize> {
        let text = Rc::make_mut(&mut self.text);
        let start = text.len();
        text.extend_from_slice(added);
        start..text.len()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Eq for Headers {}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.push(name, value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn keeps_bytes_and_order_of_values() {
        let mut headers = Headers::from_iter([("a", b"\xff".to_vec()), ("b", b"1".to_vec())]);
        headers.push("a", "2");
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [&b"\xff"[..], b"2"]);
        assert_eq!(headers.first("b"), Some(&b"1"[..]));
        assert_eq!(headers.first("c"), None);
        assert_eq!(headers.joined("a").as_deref(), Some(&b"\xff,2"[..]));
        assert_eq!(headers.joined("b").as_deref(), Some(&b"1"[..]));
        assert_eq!(headers.joined("c"), None);
        assert_eq!(headers.iter().count(), 3);
    }

    #[test]
    fn parses_only_digits_as_numbers() {
        for (value, number) in [
            ("0", Some(0)),
            ("0042", Some(42)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1.0", None),
        ] {
            assert_eq!(Headers::from_iter([("a", value)]).number("a"), number, "{value:?}");
        }
        assert_eq!(Headers::default().number("a"), None);
    }

    #[test]
    fn removes_all_values_of_a_header() {
        let mut headers = Headers::from_iter([("a", "1"), ("b", "2"), ("a", "3")]);
        assert!(headers.remove("a"));
        assert!(!headers.remove("a"));
        assert_eq!(headers, Headers::from_iter([("b", "2")]));
    }

    #[test]
    fn reads_names_and_values_at_their_places() {
        let text = b"a\x001\0b\x0022\0".to_vec();
        let headers = Headers::from_parts(text, [(0..1, 2..3), (4..5, 6..8), (9..99, 0..0)]);
        assert_eq!(headers, Headers::from_iter([("a", "1"), ("b", "22"), ("", "")]));
        assert_eq!(headers.only(|name| name == b"b"), Headers::from_iter([("b", "22")]));
    }

    #[test]
    fn a_copy_does_not_see_later_changes() {
        let mut headers = Headers::from_iter([("a", "1"), ("b", "2")]);
        let copy = headers.only(|name| name == b"a");
        headers.push("a", "3");
        headers.remove("b");
        assert_eq!(copy, Headers::from_iter([("a", "1")]));
        assert_eq!(headers, Headers::from_iter([("a", "1"), ("a", "3")]));
    }

    #[test]
    fn is_empty_without_headers() {
        assert!(Headers::default().is_empty());
        assert!(!Headers::from_iter([("a", "")]).is_empty());
    }
}
