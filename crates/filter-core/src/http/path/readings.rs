//! Different readings of one path by servers.

use std::borrow::Cow;

use super::{escaped, normalize, percent_decode};
use crate::matching::readings::{Step, changed, other_readings};

/// Returns the other ways in which a server may read `path`; `None` if there are too many to
/// compare.
///
/// Each is the result of some of these steps, in any order and repeated until nothing changes:
/// remove parameters (`;v=1`), decode `%XX`, `%uXXXX` and overlong UTF-8, convert backslashes to
/// slashes, merge adjacent slashes, resolve dot segments, remove spaces and control bytes at the
/// end of segments, and
/// cut the path at a semicolon, question mark, number sign or NUL. Escapes are also decoded without
/// `%2F`. A path without a leading slash is also read with one, and a path with two leading slashes
/// as one after a host.
pub(crate) fn path_readings(path: &[u8]) -> Option<Vec<Vec<u8>>> {
    if may_differ(path) { other_readings(&STEPS, path) } else { Some(Vec::new()) }
}

const STEPS: [Step; 12] = [
    percent_decode,
    with_decoded_segments,
    with_unicode_escapes,
    without_parameters,
    with_forward_slashes,
    without_dot_segments,
    with_merged_slashes,
    up_to_delimiter,
    without_trailing_whitespace,
    with_decoded_overlong_utf8,
    in_origin_form,
    without_authority,
];

/// Returns `false` if no step changes the path.
fn may_differ(path: &[u8]) -> bool {
    let mut before = 0;
    let odd = path.iter().any(|byte| {
        let odd = match byte {
            b'%' | b';' | b'\\' | b'?' | b'#' | 0..=b' ' | 0x7f | 0xc0 | 0xc1 | 0xe0 | 0xf0 => true,
            b'/' | b'.' => before == b'/',
            _ => false,
        };
        before = *byte;
        odd
    });
    odd || !path.starts_with(b"/")
}

/// Decodes all escapes except `%2F`, like servers that split a path before they decode it and
/// servers that only resolve `%2e`.
fn with_decoded_segments(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        let escape = escaped(rest).filter(|byte| *byte != b'/');
        decoded.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    changed(path, decoded)
}

/// Decodes `%uXXXX`, like servers on Windows.
fn with_unicode_escapes(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.windows(2).any(|pair| matches!(pair, b"%u" | b"%U")) {
        return Cow::Borrowed(path);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        match unicode_escape(rest) {
            Some(character) => {
                decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(6..).unwrap_or_default();
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    changed(path, decoded)
}

fn unicode_escape(text: &[u8]) -> Option<char> {
    let [b'%', b'u' | b'U', digits @ ..] = text else { return None };
    let digits = digits.get(..4)?.iter();
    let mut digits = digits.map(|digit| char::from(*digit).to_digit(16));
    let number = digits.try_fold(0_u32, |number, digit| Some((number << 4) | digit?));
    number.and_then(char::from_u32)
}

fn without_parameters(path: &[u8]) -> Cow<'_, [u8]> {
    cut_segments(path, b';', |segment| {
        segment.split(|byte| *byte == b';').next().unwrap_or_default()
    })
}

fn without_trailing_whitespace(path: &[u8]) -> Cow<'_, [u8]> {
    let blank = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    if !path.iter().any(blank) {
        return Cow::Borrowed(path);
    }
    let cut = |segment: &[u8]| segment.iter().rposition(|byte| !blank(byte));
    let kept = map_segments(path, |segment| {
        let end = cut(segment).map_or(0, |last| last.saturating_add(1));
        segment.get(..end).unwrap_or_default()
    });
    changed(path, kept)
}

fn with_forward_slashes(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'\\') {
        return Cow::Borrowed(path);
    }
    Cow::Owned(path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect())
}

fn with_merged_slashes(path: &[u8]) -> Cow<'_, [u8]> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, byte| *next == b'/' && *byte == b'/');
    changed(path, merged)
}

fn without_dot_segments(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.starts_with(b"/") {
        return Cow::Borrowed(path);
    }
    changed(path, normalize::without_dots(path))
}

/// Cuts the path at a parameter, a query, a fragment or the end of a C string.
fn up_to_delimiter(path: &[u8]) -> Cow<'_, [u8]> {
    match path.iter().position(|byte| matches!(byte, b';' | b'?' | b'#' | 0)) {
        Some(end) => Cow::Owned(path.get(..end).unwrap_or_default().to_vec()),
        None => Cow::Borrowed(path),
    }
}

/// Decodes ASCII in overlong UTF-8 (RFC 3629 section 10).
fn with_decoded_overlong_utf8(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.iter().any(|byte| matches!(byte, 0xc0 | 0xc1 | 0xe0 | 0xf0)) {
        return Cow::Borrowed(path);
    }
    let mut short = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        let (decoded, remaining) = overlong(rest).unwrap_or((*byte, after));
        short.push(decoded);
        rest = remaining;
    }
    changed(path, short)
}

fn overlong(text: &[u8]) -> Option<(u8, &[u8])> {
    let ascii = |high: u8, low: u8| ((high & 1) << 6) | (low & 0x3f);
    match text {
        [high @ (0xc0 | 0xc1), low @ 0x80..=0xbf, rest @ ..]
        | [0xe0, high @ (0x80 | 0x81), low @ 0x80..=0xbf, rest @ ..]
        | [0xf0, 0x80, high @ (0x80 | 0x81), low @ 0x80..=0xbf, rest @ ..] => {
            Some((ascii(*high, *low), rest))
        }
        _ => None,
    }
}

/// Converts a target in absolute form, or without a leading slash, to origin form.
fn in_origin_form(path: &[u8]) -> Cow<'_, [u8]> {
    if path.starts_with(b"/") || path == b"*" {
        return Cow::Borrowed(path);
    }
    let scheme = path.windows(3).position(|part| part == b"://");
    let authority = scheme.and_then(|at| path.get(at.saturating_add(3)..));
    let from_slash = authority.map(|rest| rest.iter().skip_while(|byte| **byte != b'/'));
    match from_slash {
        Some(target) if target.clone().next().is_some() => Cow::Owned(target.copied().collect()),
        Some(_) => Cow::Owned(b"/".to_vec()),
        None => Cow::Owned([b"/", path].concat()),
    }
}

/// Removes the authority of a target that begins with two slashes, like `new URL(target, base)`,
/// which reads it as a network-path reference (RFC 3986 section 4.2).
fn without_authority(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.starts_with(b"//") {
        return Cow::Borrowed(path);
    }
    let reference = path.iter().skip_while(|byte| **byte == b'/');
    let target: Vec<u8> = reference.skip_while(|byte| **byte != b'/').copied().collect();
    Cow::Owned(if target.is_empty() { b"/".to_vec() } else { target })
}

fn cut_segments<'p>(path: &'p [u8], mark: u8, keep: fn(&[u8]) -> &[u8]) -> Cow<'p, [u8]> {
    if !path.contains(&mark) {
        return Cow::Borrowed(path);
    }
    changed(path, map_segments(path, keep))
}

fn map_segments<'p>(path: &'p [u8], keep: impl Fn(&'p [u8]) -> &'p [u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(path.len());
    for (index, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            kept.push(b'/');
        }
        kept.extend_from_slice(keep(segment));
    }
    kept
}

#[cfg(test)]
mod tests;
