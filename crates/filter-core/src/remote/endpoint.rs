//! URLs of fetched documents.

use std::rc::Rc;

use crate::{ClusterRef, ConfigErrors, InvalidClusterRef, Port};

/// A parsed absolute `http` or `https` URL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    is_secure: bool,
    authority: Box<str>,
    host: Box<str>,
    port: Port,
    path: Box<str>,
}

/// The maximum length of a URL.
const MAX_BYTES: usize = 2048;

impl Endpoint {
    /// Parses a URL; `None` if it is invalid or too long, or has user information or a fragment.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (is_secure, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let is_legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'#');
        if url.len() > MAX_BYTES || !url.bytes().all(is_legal) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = split_port(authority)?;
        let default = if is_secure { 443 } else { 80 };
        let port = port.map_or(Some(default), |digits| digits.parse().ok())?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let is_complete = !host.is_empty() && !authority.contains('@');
        is_complete.then_some(())?;
        Some(Self {
            is_secure,
            authority: authority.into(),
            host: host.into(),
            port: Port::new(port)?,
            path: format!("{slash}{path}").into(),
        })
    }

    /// Returns `true` if the URL is `https`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns the `:authority` of a request.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the `:path` of a request, with the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns `true` if host and port are the same.
    #[must_use]
    pub fn is_same_host(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }

    /// Returns the name of Istio's cluster for this host and port.
    ///
    /// # Errors
    ///
    /// Fails if the name cannot contain the host, such as an IPv6 address.
    pub fn cluster(&self) -> Result<ClusterRef, InvalidClusterRef> {
        ClusterRef::of_service(&self.host, self.port, "")
    }
}

/// Returns the cluster for a URL: `named`, the configured one, or else Istio's for the host and
/// port. `None` after an error, which is added to `errors`.
///
/// `at` is the path of the object with the fields of `named`, `url_path` that of the URL.
pub fn cluster_for(
    endpoint: &Endpoint,
    named: Result<Option<ClusterRef>, InvalidClusterRef>,
    at: &str,
    url_path: &str,
    errors: &mut ConfigErrors,
) -> Option<Rc<str>> {
    let cluster = match named {
        Err(invalid) => {
            errors.add(format_args!("{at}.{}", invalid.field()), invalid);
            return None;
        }
        Ok(Some(cluster)) => Ok(cluster),
        Ok(None) => endpoint.cluster(),
    };
    let text = "must have a host that a cluster name can contain; otherwise set";
    cluster
        .map(|cluster| cluster.as_str().into())
        .map_err(|_| errors.add(url_path, format_args!("{text} {at}.cluster")))
        .ok()
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    // An IPv6 address is in brackets.
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
    fn parses_urls() {
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
    fn refuses_other_urls() {
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
    fn ipv6_addresses_have_no_cluster_name() {
        let endpoint = Endpoint::parse("http://[::1]:8080/x").unwrap();
        assert_eq!((endpoint.authority(), endpoint.path()), ("[::1]:8080", "/x"));
        assert!(endpoint.cluster().is_err());
    }
}
