//! Query parameters: the `name=value` pairs of WHATWG URL, but without `+` for a space.

use std::borrow::Cow;

use filter_core::percent_decode;

/// Iterates over the values of a parameter, percent-decoded once.
pub(super) fn values<'a>(path: &'a [u8], name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
    let (_, query, _) = split(path);
    pairs(query.unwrap_or_default())
        .map(split_pair)
        .filter(move |(found, _)| *percent_decode(found) == *name.as_bytes())
        .map(|(_, value)| percent_decode(value))
}

/// Returns `true` if an application that also splits at `;`, or decodes twice, would find the
/// parameter where [`values`] does not.
pub(super) fn is_hidden(path: &[u8], name: &str) -> bool {
    let (_, query, _) = split(path);
    pairs(query.unwrap_or_default()).any(|pair| {
        let mut pieces =
            pair.split(|byte| *byte == b';').map(|piece| percent_decode(split_pair(piece).0));
        let once = pieces.next().unwrap_or_default();
        let is_twice = *once != *name.as_bytes() && *percent_decode(&once) == *name.as_bytes();
        is_twice || pieces.any(|decoded| *percent_decode(&decoded) == *name.as_bytes())
    })
}

/// Returns the target without the parameters of these names; the other bytes are unchanged.
pub(crate) fn without_parameters(path: &[u8], names: &[&str]) -> Vec<u8> {
    let (before, query, fragment) = split(path);
    let is_removed = |pair: &&[u8]| {
        let (name, _) = split_pair(pair);
        let name = percent_decode(name);
        names.iter().any(|removed| removed.as_bytes() == &*name)
    };
    let kept: Vec<&[u8]> =
        query.into_iter().flat_map(pairs).filter(|pair| !is_removed(pair)).collect();
    let mut target = before.to_vec();
    if !kept.is_empty() {
        target.push(b'?');
        target.extend(kept.join(&b'&'));
    }
    target.extend_from_slice(fragment);
    target
}

/// Splits a target into path, query without `?`, and fragment with `#`.
fn split(path: &[u8]) -> (&[u8], Option<&[u8]>, &[u8]) {
    let end = path.iter().position(|byte| *byte == b'#').unwrap_or(path.len());
    let (target, fragment) = path.split_at_checked(end).unwrap_or((path, &[]));
    let mut halves = target.splitn(2, |byte| *byte == b'?');
    (halves.next().unwrap_or_default(), halves.next(), fragment)
}

fn pairs(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    query.split(|byte| *byte == b'&')
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
}
