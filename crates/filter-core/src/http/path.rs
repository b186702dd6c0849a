//! Paths, query parameters and cookies of requests.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Headers;

mod normalize;
mod readings;

/// Normalization of a path before it is matched, as `pathNormalization` of Istio's MeshConfig.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PathNormalization {
    /// No normalization: the proxy already normalizes paths.
    #[default]
    None,
    /// As Envoy's `normalize_path`: converts `\` to `/`, removes dot segments (RFC 3986), decodes
    /// escaped letters, digits and `-._~`, and escapes bytes that are invalid in a path.
    Base,
    /// `BASE`, then merges adjacent slashes.
    MergeSlashes,
    /// Decodes escaped slashes and backslashes, then applies `MERGE_SLASHES`.
    DecodeAndMergeSlashes,
}

/// The `:path` of a request, without its fragment.
///
/// ```
/// use filter_core::{PathNormalization, RequestPath};
///
/// let path = RequestPath::new(b"/a/../b?c=d%20e#f", PathNormalization::Base);
/// assert_eq!(path.path(), b"/b");
/// assert_eq!(path.query(), Some(&b"c=d%20e"[..]));
/// let (name, value) = path.parameters().next().unwrap();
/// assert_eq!((&*name, &*value), (&b"c"[..], &b"d e"[..]));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestPath<'a> {
    path: Cow<'a, [u8]>,
    query: Option<&'a [u8]>,
}

impl<'a> RequestPath<'a> {
    /// Splits a request target. Only the path is normalized, never the query.
    #[must_use]
    pub fn new(target: &'a [u8], normalization: PathNormalization) -> Self {
        let (target, _fragment) = cut(target, b'#');
        let (path, query) = cut(target, b'?');
        Self { path: normalize::normalized(path, normalization), query }
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns the query as received, without the question mark; `None` without a question mark.
    #[must_use]
    pub const fn query(&self) -> Option<&'a [u8]> {
        self.query
    }

    /// Returns the query parameters in order, names and values percent-decoded once.
    ///
    /// A plus sign is not decoded, as in Envoy.
    pub fn parameters(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        let pairs = self.query.unwrap_or_default().split(|byte| *byte == b'&');
        pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = cut(pair, b'=');
            (percent_decode(name), percent_decode(value.unwrap_or_default()))
        })
    }

    /// Returns the result for the path if all readings that a server may give it have the same
    /// result.
    pub fn agreed<T: PartialEq>(&self, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let first = read(&self.path)?;
        let others = self.other_readings()?;
        others.iter().all(|other| read(other).as_ref() == Some(&first)).then_some(first)
    }

    /// Returns the other ways in which a server may read the path; `None` if there are too many to
    /// compare.
    #[must_use]
    pub fn other_readings(&self) -> Option<Vec<Vec<u8>>> {
        readings::path_readings(&self.path)
    }
}

/// Returns all cookies of a request in order, without quotes around the values.
///
/// Reads all `cookie` headers, because RFC 9113 section 8.2.3 allows a client to split them.
pub fn cookies(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw_cookies(headers).map(|(name, value)| (name, unquoted(value)))
}

/// Like [`cookies`], with the quotes.
pub(crate) fn raw_cookies(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = headers.all("cookie").flat_map(|header| header.split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let (name, value) = cut(pair.trim_ascii(), b'=');
        Some((name.trim_ascii_end(), value?.trim_ascii_start()))
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// Decodes every `%XX` once; other text is unchanged.
#[must_use]
pub fn percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let escape = escaped(rest);
        decoded.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    Cow::Owned(decoded)
}

/// Decodes an escape at the beginning of `text`.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// Splits at the first `mark`; neither part contains it.
fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| *byte == mark);
    (parts.next().unwrap_or_default(), parts.next())
}

#[cfg(test)]
mod tests;
