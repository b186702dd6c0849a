//! The tag in W3C Baggage: <https://www.w3.org/TR/baggage/>.

use filter_core::{Headers, percent_decode};

/// Limits of W3C Baggage for all `baggage` headers together.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8_192;

/// The `baggage` headers of a request, and the member that carries the tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Baggage<'r> {
    headers: Vec<&'r [u8]>,
    key: &'r [u8],
}

/// The error if baggage with the tag would exceed the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooLarge;

impl<'r> Baggage<'r> {
    pub(crate) fn new(headers: &'r Headers, key: &'r str) -> Self {
        Self { headers: headers.all("baggage").collect(), key: key.as_bytes() }
    }

    /// Returns the values of the member, without properties.
    pub(crate) fn values(&self) -> Vec<&'r [u8]> {
        let members = self.headers.iter().flat_map(|header| members(header));
        members.filter(|member| self.has_key(member)).map(value).collect()
    }

    /// Returns the headers without the member. Other members stay byte for byte.
    pub(crate) fn without(&self) -> Vec<Vec<u8>> {
        let kept = self.headers.iter().map(|header| {
            let others: Vec<&[u8]> =
                members(header).filter(|member| !self.has_key(member)).collect();
            others.join(&b","[..])
        });
        kept.filter(|header| !header.trim_ascii().is_empty()).collect()
    }

    /// Returns the headers with `tag` as the only value of the member.
    ///
    /// # Errors
    ///
    /// Fails if the headers would exceed the limits.
    pub(crate) fn with(&self, tag: &str) -> Result<Vec<Vec<u8>>, TooLarge> {
        let mut headers = self.without();
        let member = [self.key, b"=", tag.as_bytes()].concat();
        match headers.last_mut() {
            Some(last) => {
                last.push(b',');
                last.extend_from_slice(&member);
            }
            None => headers.push(member),
        }
        let count: usize = headers.iter().map(|header| members(header).count()).sum();
        let bytes: usize = headers.iter().map(Vec::len).sum();
        if count > MAX_MEMBERS || bytes > MAX_BYTES { Err(TooLarge) } else { Ok(headers) }
    }

    /// Returns `true` if every member has valid syntax.
    pub(crate) fn is_well_formed(&self) -> bool {
        self.headers.iter().all(|header| members(header).all(is_member))
    }

    /// Returns `true` if the member has our key, also percent-encoded, as some parsers decode keys.
    fn has_key(&self, member: &[u8]) -> bool {
        percent_decode(key(member)).trim_ascii() == self.key
    }
}

fn members(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b',')
}

fn key(member: &[u8]) -> &[u8] {
    let end = member.iter().position(|byte| matches!(byte, b'=' | b';'));
    member.get(..end.unwrap_or(member.len())).unwrap_or_default().trim_ascii()
}

fn value(member: &[u8]) -> &[u8] {
    let pair = member.split(|byte| *byte == b';').next().unwrap_or_default();
    let start = pair.iter().position(|byte| *byte == b'=').map(|equals| equals.saturating_add(1));
    start.and_then(|start| pair.get(start..)).unwrap_or_default().trim_ascii()
}

fn is_member(member: &[u8]) -> bool {
    let in_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let in_value =
        |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    let mut parts = member.split(|byte| *byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (key, value) = (key(pair), value(pair));
    let properties = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    pair.contains(&b'=')
        && !key.is_empty()
        && key.iter().all(in_key)
        && value.iter().all(in_value)
        && parts.all(properties)
}
