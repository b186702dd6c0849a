//! Different readings of the authority of a request by routers and servers.

use std::borrow::Cow;

use crate::{
    matching::readings::{Step, other_readings},
    percent_decode,
};

const STEPS: [Step; 5] =
    [in_lower_case, without_port, without_trailing_dot, without_userinfo, percent_decode];

/// Returns the other ways in which a router or server may read `authority`; `None` if there are too
/// many to compare.
///
/// Host names are compared without case (RFC 9110 section 4.2.3); some servers drop the port, a
/// trailing dot or user information.
pub(crate) fn authority_readings(authority: &[u8]) -> Option<Vec<Vec<u8>>> {
    let odd = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b':' | b'@' | b'%');
    if authority.iter().any(odd) || authority.ends_with(b".") {
        other_readings(&STEPS, authority)
    } else {
        Some(Vec::new())
    }
}

/// Returns the host of an authority as servers compare it: in lower case, without user information,
/// port and trailing dot.
#[must_use]
pub fn host(authority: &[u8]) -> Cow<'_, [u8]> {
    let steps: [Step; 4] = [without_userinfo, without_port, without_trailing_dot, in_lower_case];
    steps.into_iter().fold(Cow::Borrowed(authority), |text, step| match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => Cow::Owned(step(&text).into_owned()),
    })
}

fn in_lower_case(authority: &[u8]) -> Cow<'_, [u8]> {
    if authority.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(authority.to_ascii_lowercase())
    } else {
        Cow::Borrowed(authority)
    }
}

fn without_port(authority: &[u8]) -> Cow<'_, [u8]> {
    // Routers cut at the last colon of the host, even if it is not followed by a number.
    let last = authority.iter().rposition(|byte| matches!(byte, b':' | b']' | b'@'));
    match last.and_then(|last| authority.split_at_checked(last)) {
        Some((host, port)) if port.starts_with(b":") => Cow::Owned(host.to_vec()),
        _ => Cow::Borrowed(authority),
    }
}

fn without_trailing_dot(authority: &[u8]) -> Cow<'_, [u8]> {
    match authority.strip_suffix(b".") {
        Some(host) => Cow::Owned(host.to_vec()),
        None => Cow::Borrowed(authority),
    }
}

fn without_userinfo(authority: &[u8]) -> Cow<'_, [u8]> {
    match authority.rsplitn(2, |byte| *byte == b'@').next() {
        Some(host) if host.len() < authority.len() => Cow::Owned(host.to_vec()),
        _ => Cow::Borrowed(authority),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn equal_hosts_have_one_text() {
        for authority in [
            "a.example",
            "A.Example",
            "a.example:81",
            "a.example.:81",
            "u:p@a.EXAMPLE.",
            "a.example:",
        ] {
            assert_eq!(host(authority.as_bytes()), &b"a.example"[..], "{authority}");
        }
        assert_eq!(host(b"[::1]:80"), &b"[::1]"[..]);
        assert_eq!(host(b""), &b""[..]);
    }

    #[test]
    fn reads_hosts_without_case_port_dot_and_user() {
        for (authority, others) in [
            ("a.example", &[][..]),
            ("A.example", &["a.example"]),
            ("a.example:81", &["a.example"]),
            ("a.example:", &["a.example"]),
            ("a.example.", &["a.example"]),
            ("a.example.:81", &["a.example", "a.example."]),
            ("u:p@a.example", &["a.example"]),
            ("%61.example", &["a.example"]),
            ("[::1]:80", &["[::1]"]),
            ("[::1]", &[]),
            ("::1", &["", ":"]),
            ("a.example:x", &["a.example"]),
            ("a.example:81:x", &["a.example", "a.example:81"]),
            ("a.example:+81", &["a.example"]),
            ("", &[]),
        ] {
            let readings = authority_readings(authority.as_bytes()).unwrap();
            let mut found: Vec<_> =
                readings.iter().map(|read| str::from_utf8(read).unwrap()).collect();
            found.sort_unstable();
            assert_eq!(found, others, "{authority}");
        }
    }
}
