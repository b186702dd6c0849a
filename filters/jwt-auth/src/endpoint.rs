//! Where a document is fetched from.

use filter_core::{ClusterRef, InvalidClusterRef, Port};

/// An absolute `http` or `https` URL, taken apart for a call through a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    secure: bool,
    authority: Box<str>,
    host: Box<str>,
    port: Port,
    path: Box<str>,
}

/// A longer URL is refused.
const MAX_BYTES: usize = 2048;

impl Endpoint {
    /// Takes a URL apart; `None` if it is none, is too long, or has user information or a fragment.
    pub fn parse(url: &str) -> Option<Self> {
        let (secure, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'#');
        if url.len() > MAX_BYTES || !url.bytes().all(legal) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = split_port(authority)?;
        let default = if secure { 443 } else { 80 };
        let port = port.map_or(Some(default), |digits| digits.parse().ok())?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let whole = !host.is_empty() && !authority.contains('@');
        whole.then_some(())?;
        Some(Self {
            secure,
            authority: authority.into(),
            host: host.into(),
            port: Port::new(port)?,
            path: format!("{slash}{path}").into(),
        })
    }

    /// Says whether the URL is `https`.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns what a request carries as `:authority`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns what a request carries as `:path`, query included.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Says whether both are served by the same host and port.
    pub fn is_same_host(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }

    /// Returns the name that Istio gives the cluster of this host and port.
    ///
    /// # Errors
    ///
    /// Fails for a host that no such name can be made of, such as an IPv6 address.
    pub fn cluster(&self) -> Result<ClusterRef, InvalidClusterRef> {
        ClusterRef::of_service(&self.host, self.port, "")
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    // An IPv6 address stands in brackets.
    let after_host = authority.rfind(']').unwrap_or_default();
    let (_, tail) = authority.split_at_checked(after_host)?;
    match tail.find(':').and_then(|colon| after_host.checked_add(colon)) {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at_checked(colon)?;
            Some((host, port.strip_prefix(':')))
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_url_says_cluster_authority_and_path() {
        for (url, cluster, authority, path) in [
            ("https://A.b/keys?x=1", "outbound|443||a.b", "A.b", "/keys?x=1"),
            ("http://a.b", "outbound|80||a.b", "a.b", "/"),
            ("http://a.b:8080?x", "outbound|8080||a.b", "a.b:8080", "/?x"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.cluster().unwrap().as_str(), cluster);
            assert_eq!((endpoint.authority(), endpoint.path()), (authority, path));
        }
    }

    #[test]
    fn what_is_no_url_of_a_document_is_refused() {
        let long = format!("https://a/{}", "b".repeat(2048));
        for url in [
            "",
            "https://",
            "ftp://a",
            "a",
            "https:///a",
            "https://u@a/",
            "https://a#b",
            "https://a:0/",
            "https://a:65536/",
            "https://a:/",
            "https://a b",
            "https://:80/",
            &long,
        ] {
            assert_eq!(Endpoint::parse(url), None, "{url}");
        }
    }

    #[test]
    fn an_address_of_version_6_has_no_derived_cluster() {
        let endpoint = Endpoint::parse("http://[::1]:8080/x").unwrap();
        assert_eq!((endpoint.authority(), endpoint.path()), ("[::1]:8080", "/x"));
        assert!(endpoint.cluster().is_err());
    }
}
