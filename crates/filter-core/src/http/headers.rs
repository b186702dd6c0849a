//! Header fields of a message.

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
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

impl Headers {
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
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Appends a header.
    pub fn push(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Removes all values of a header; returns `true` if there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(found, _)| found != name.as_bytes());
        self.0.len() < before
    }

    /// Returns `true` if the message has no headers.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Vec<u8>>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
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
    fn is_empty_without_headers() {
        assert!(Headers::default().is_empty());
        assert!(!Headers::from_iter([("a", "")]).is_empty());
    }
}
