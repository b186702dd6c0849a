//! Headers and a body, as text.

use filter_core::{Headers, Request, sticky_hash};

/// A message in the form of HTTP/1.1 without its first line: headers, an empty line, a body.
///
/// Names are made lower case, as Envoy keeps them. Bytes that no proxy passes on in a value, NUL and
/// carriage return, are left out; a line without a colon too.
#[derive(Debug)]
pub struct Message<'a> {
    /// The headers, with pseudo-headers such as `:path` among them.
    pub headers: Headers,
    /// Everything behind the first empty line.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads any bytes.
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

    /// Returns bits that depend on the body alone, for whatever a filter draws at random.
    #[must_use]
    pub fn bits(&self) -> u64 {
        sticky_hash("", self.body, "")
    }
}

/// Splits at the first `mark`, which belongs to neither part; all is in the first without one.
#[must_use]
pub fn cut(bytes: &[u8], mark: u8) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == mark);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Reads `name: value`; the colon of a pseudo-header begins its name.
fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let start = usize::from(line.starts_with(b":"));
    let colon = line.iter().skip(start).position(|byte| *byte == b':')? + start;
    let (name, value) = line.split_at(colon);
    let passes = |byte: &u8| !matches!(byte, 0 | b'\r');
    let value = value[1..].trim_ascii().iter().copied().filter(passes).collect();
    Some((name.to_ascii_lowercase(), value))
}
