//! Path normalization as in Envoy.

use std::borrow::Cow;

use super::{PathNormalization, escaped};

/// Normalizes a path. A path without a leading slash (`*`) is unchanged.
pub(super) fn normalized(path: &[u8], normalization: PathNormalization) -> Cow<'_, [u8]> {
    if normalization == PathNormalization::None || !path.starts_with(b"/") {
        return Cow::Borrowed(path);
    }
    let decode = normalization == PathNormalization::DecodeAndMergeSlashes;
    let unescaped = if decode { with_decoded_slashes(path) } else { path.to_vec() };
    let mut normalized = without_dots(&canonical(&unescaped));
    if normalization != PathNormalization::Base {
        normalized.dedup_by(|next, byte| *next == b'/' && *byte == b'/');
    }
    Cow::Owned(normalized)
}

/// Decodes `%2F` and `%5C`.
fn with_decoded_slashes(path: &[u8]) -> Vec<u8> {
    rewrite(path, |escape, out| match escape {
        Ok(byte @ (b'/' | b'\\')) => out.push(byte),
        Ok(_) => out.push(b'%'),
        Err(byte) => out.push(byte),
    })
}

/// Decodes unnecessary escapes and adds missing ones.
fn canonical(path: &[u8]) -> Vec<u8> {
    rewrite(path, |escape, out| match escape {
        Ok(byte) if is_unreserved(byte) => out.push(byte),
        Ok(_) => out.push(b'%'),
        Err(b'\\') => out.push(b'/'),
        Err(byte) if needs_escape(byte) => out.extend(format!("%{byte:02X}").bytes()),
        Err(byte) => out.push(byte),
    })
}

/// Rewrites a path byte by byte. `write` gets `Ok` with the value of an escape, or `Err` with a
/// plain byte.
///
/// If `write` writes `%` for an escape, its two digits follow as plain bytes.
fn rewrite(path: &[u8], mut write: impl FnMut(Result<u8, u8>, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        let escape = escaped(rest);
        write(escape.ok_or(*byte), &mut out);
        let decoded = escape.is_some() && out.last() != Some(&b'%');
        rest = if decoded { rest.get(3..).unwrap_or_default() } else { after };
    }
    out
}

/// Removes dot segments as RFC 3986 section 5.2.4 does.
pub(super) fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        ends_in_dots = matches!(segment, b"." | b"..");
        if segment == b".." {
            kept.pop();
        } else if segment != b"." {
            kept.push(segment);
        }
    }
    if ends_in_dots {
        kept.push(b"");
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    out
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn needs_escape(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'"' | b'<' | b'>' | b'`' | b'{' | b'}')
}
