//! Headers and a body, as text.

use filter_core::{Headers, Request, sticky_hash};

/// A message in the form of HTTP/1.1 without its first line: headers, an empty line, a body.
///
/// Names become lower case, as in Envoy. NUL, carriage return and lines without a colon, which no proxy
/// passes on, are dropped.
#[derive(Debug)]
pub struct Message<'a> {
    /// Headers, including pseudo-headers such as `:path`.
    pub headers: Headers,
    /// Everything after the first empty line.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Parses any bytes.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut headers = Headers::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, after) = cut(rest, b'\n');
            rest = after;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = field(line) {
                headers.push(name, value);
            }
        }
        Self { headers, body: rest }
    }

    /// Returns the request with these headers.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { headers: self.headers.clone(), ..Request::default() }
    }

    /// Returns bits that depend only on the body, as a filter's random bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        sticky_hash("", self.body, "")
    }
}

/// Splits at the first `mark`, which belongs to neither part; without it, the second part is empty.
#[must_use]
pub fn cut(bytes: &[u8], mark: u8) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == mark);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Parses `name: value`; the colon of a pseudo-header is part of its name.
fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let start = usize::from(line.starts_with(b":"));
    let colon = line.iter().skip(start).position(|byte| *byte == b':')? + start;
    let (name, value) = line.split_at(colon);
    let passes = |byte: &u8| !matches!(byte, 0 | b'\r');
    let value = value[1..].trim_ascii().iter().copied().filter(passes).collect();
    Some((name.to_ascii_lowercase(), value))
}
