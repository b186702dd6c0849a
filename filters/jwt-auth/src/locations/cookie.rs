//! Cookies (RFC 6265 section 4.2), from every `cookie` header.

use filter_core::Headers;

/// Iterates over the values of a cookie, without quotes around them.
pub(super) fn values<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    cookies(headers)
        .filter(move |cookie| name_of(cookie) == name.as_bytes())
        .map(|cookie| cookie.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default())
        .map(unquoted)
}

/// Returns a `cookie` header without the cookies of these names; `None` if no cookie is left.
pub(crate) fn without_cookies(headers: &Headers, names: &[&str]) -> Option<Vec<u8>> {
    let is_removed = |cookie: &&[u8]| names.iter().any(|name| name.as_bytes() == name_of(cookie));
    let kept: Vec<&[u8]> = cookies(headers).filter(|cookie| !is_removed(cookie)).collect();
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

/// Returns `true` if a text is a valid cookie name: a token (RFC 9110 section 5.6.2).
pub(crate) fn is_cookie_name(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

fn cookies(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    super::values_of(headers, "cookie")
        .flat_map(|value| value.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
}

fn name_of<'a>(cookie: &&'a [u8]) -> &'a [u8] {
    cookie.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end()
}

fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii_start();
    let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.unwrap_or(value)
}
