//! The tag in W3C Baggage: <https://www.w3.org/TR/baggage/>.

use filter_core::{Headers, percent_decode};

/// The most members and bytes that a list may have, all of its headers together.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8_192;

/// The `baggage` headers of a request, and the member that carries the tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Baggage<'r> {
    headers: Vec<&'r [u8]>,
    key: &'r [u8],
}

/// Baggage that has no room for the tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl<'r> Baggage<'r> {
    pub(crate) fn new(headers: &'r Headers, key: &'r str) -> Self {
        Self { headers: headers.all("baggage").collect(), key: key.as_bytes() }
    }

    /// Returns every value of the member, without its properties.
    pub(crate) fn values(&self) -> Vec<&'r [u8]> {
        let members = self.headers.iter().flat_map(|header| members(header));
        members.filter(|member| self.is_ours(member)).map(value).collect()
    }

    /// Returns the headers without the member; the others keep every byte.
    pub(crate) fn without(&self) -> Vec<Vec<u8>> {
        let kept = self.headers.iter().map(|header| {
            let others: Vec<&[u8]> =
                members(header).filter(|member| !self.is_ours(member)).collect();
            others.join(&b","[..])
        });
        kept.filter(|header| !header.trim_ascii().is_empty()).collect()
    }

    /// Returns the headers with `tag` as the only value of the member.
    ///
    /// # Errors
    ///
    /// Fails where the list would be too long or is no baggage at all.
    pub(crate) fn with(&self, tag: &str) -> Result<Vec<Vec<u8>>, Full> {
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
        if count > MAX_MEMBERS || bytes > MAX_BYTES { Err(Full) } else { Ok(headers) }
    }

    /// Says whether every member has the form of one.
    pub(crate) fn is_well_formed(&self) -> bool {
        self.headers.iter().all(|header| members(header).all(is_member))
    }

    /// Says whether any reader could take the member for ours: some decode keys.
    fn is_ours(&self, member: &[u8]) -> bool {
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
    let value = pair.iter().position(|byte| *byte == b'=').map(|mark| mark.saturating_add(1));
    value.and_then(|start| pair.get(start..)).unwrap_or_default().trim_ascii()
}

fn is_member(member: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let legal =
        |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    let mut parts = member.split(|byte| *byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (key, value) = (key(pair), value(pair));
    let properties = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    pair.contains(&b'=')
        && !key.is_empty()
        && key.iter().all(token)
        && value.iter().all(legal)
        && parts.all(properties)
}
