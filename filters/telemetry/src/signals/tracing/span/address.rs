//! Parses addresses and authorities.

/// Splits an authority into host and port. Brackets around an IPv6 address are removed.
pub(super) fn host_and_port(authority: &[u8]) -> (&[u8], Option<u64>) {
    let port = |text: &[u8]| {
        let number: u16 = std::str::from_utf8(text).ok()?.parse().ok()?;
        Some(u64::from(number))
    };
    if let Some(rest) = authority.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return (authority, None);
        };
        let (host, after) = rest.split_at(end);
        return (host, after.strip_prefix(b"]:").and_then(port));
    }
    match authority.iter().rposition(|byte| *byte == b':') {
        None => (authority, None),
        Some(colon) => {
            let (host, after) = authority.split_at(colon);
            (host, after.strip_prefix(b":").and_then(port))
        }
    }
}

/// Returns the address of `address:port`.
pub(super) fn without_port(address: &[u8]) -> &[u8] {
    host_and_port(address).0
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn hosts_and_ports_are_split() {
        for (authority, host, port) in [
            ("shop.example.com", "shop.example.com", None),
            ("shop.example.com:8443", "shop.example.com", Some(8443)),
            ("10.0.0.1:80", "10.0.0.1", Some(80)),
            ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001", "[2001", None),
            ("a:b", "a", None),
            ("a:99999", "a", None),
            ("", "", None),
            (":", "", None),
        ] {
            assert_eq!(host_and_port(authority.as_bytes()), (host.as_bytes(), port), "{authority}");
        }
    }
}
