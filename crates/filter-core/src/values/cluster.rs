//! Names of upstream clusters.

use std::fmt;

use crate::IntegerWithin;

/// A TCP port, 1 to 65535.
pub type Port = IntegerWithin<1, 65_535>;

/// The name of an upstream cluster of Envoy.
///
/// Configured either by `service`, `port` and optionally `subset`, from which Istio's cluster name
/// is built, or by `cluster`, which is used unchanged.
///
/// ```
/// use filter_core::{ClusterRef, Port};
///
/// let cluster = ClusterRef::from_parts(Some("otel.observability.svc"), Port::new(4317), None, None)?;
/// assert_eq!(cluster.unwrap().as_str(), "outbound|4317||otel.observability.svc");
/// # Ok::<(), filter_core::InvalidClusterRef>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClusterRef(String);

/// Error for fields that do not identify a cluster. [`InvalidClusterRef::field`] returns the field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidClusterRef {
    /// Both forms are used.
    #[error("must not be given together with service, port or subset")]
    Both,
    /// A port or subset is given without a service.
    #[error("is required with port or subset")]
    NoService,
    /// A service is given without a port.
    #[error("is required with service")]
    NoPort,
    /// The service is not a host name.
    #[error("must be a host name such as otel-collector.observability.svc.cluster.local")]
    Service,
    /// The subset is not a valid name.
    #[error("must be a subset's name: letters, digits, dots and hyphens, at most 63")]
    Subset,
    /// The name of the cluster is empty, too long or contains other characters.
    #[error("must be a cluster's name: at most 512 printable ASCII characters without blanks")]
    Cluster,
}

impl ClusterRef {
    /// Creates a reference from the four fields of a configuration; `None` if all are absent.
    ///
    /// A leading `<namespace>/` of the service, as in Istio's extension providers, is removed.
    ///
    /// # Errors
    ///
    /// Fails if a field is missing, invalid or must not be given.
    pub fn from_parts(
        service: Option<&str>,
        port: Option<Port>,
        subset: Option<&str>,
        cluster: Option<&str>,
    ) -> Result<Option<Self>, InvalidClusterRef> {
        let derived = service.is_some() || port.is_some() || subset.is_some();
        match cluster {
            Some(_) if derived => Err(InvalidClusterRef::Both),
            Some(name) => Self::verbatim(name).map(Some),
            None if !derived => Ok(None),
            None => {
                let service = service.ok_or(InvalidClusterRef::NoService)?;
                let port = port.ok_or(InvalidClusterRef::NoPort)?;
                Self::of_service(service, port, subset.unwrap_or_default()).map(Some)
            }
        }
    }

    /// Creates a reference by Istio's cluster name for a port of a service; an empty subset is no
    /// subset.
    ///
    /// # Errors
    ///
    /// Fails if the service is not a host name or the subset is invalid.
    pub fn of_service(service: &str, port: Port, subset: &str) -> Result<Self, InvalidClusterRef> {
        let host = service.split_once('/').map_or(service, |(_, host)| host);
        if !is_host(host) {
            return Err(InvalidClusterRef::Service);
        }
        if subset.len() > 63 || !subset.bytes().all(is_label_byte) {
            return Err(InvalidClusterRef::Subset);
        }
        Ok(Self(format!("outbound|{}|{subset}|{}", port.get(), host.to_ascii_lowercase())))
    }

    fn verbatim(name: &str) -> Result<Self, InvalidClusterRef> {
        let legal = (1..=512).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        if legal { Ok(Self(name.to_owned())) } else { Err(InvalidClusterRef::Cluster) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InvalidClusterRef {
    /// Returns the name of the invalid field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Both | Self::Cluster => "cluster",
            Self::NoService | Self::Service => "service",
            Self::NoPort => "port",
            Self::Subset => "subset",
        }
    }
}

impl fmt::Display for ClusterRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

const fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    type Parts<'a> = (Option<&'a str>, Option<u64>, Option<&'a str>, Option<&'a str>);

    fn check((service, port, subset, cluster): Parts<'_>) -> Result<Option<String>, String> {
        let port = port.and_then(Port::new);
        ClusterRef::from_parts(service, port, subset, cluster)
            .map(|found| found.map(|cluster| cluster.to_string()))
            .map_err(|error| format!("{}: {error}", error.field()))
    }

    #[test]
    fn builds_istios_name_of_a_service_and_keeps_a_cluster() {
        for (parts, name) in [
            ((Some("a.b.svc"), Some(80), None, None), "outbound|80||a.b.svc"),
            ((Some("ns/A.b"), Some(4317), Some("v1"), None), "outbound|4317|v1|a.b"),
            ((None, None, None, Some("outbound|1||x")), "outbound|1||x"),
        ] {
            assert_eq!(check(parts), Ok(Some(name.to_owned())));
        }
        assert_eq!(check((None, None, None, None)), Ok(None));
    }

    #[test]
    fn refuses_invalid_fields() {
        let both = "cluster: must not be given together with service, port or subset";
        let service =
            "service: must be a host name such as otel-collector.observability.svc.cluster.local";
        let subset =
            "subset: must be a subset's name: letters, digits, dots and hyphens, at most 63";
        let cluster = "cluster: must be a cluster's name: at most 512 printable ASCII characters without blanks";
        for (parts, message) in [
            ((Some("a"), Some(80), None, Some("c")), both),
            ((None, None, Some("v1"), Some("c")), both),
            ((Some("a"), None, None, None), "port: is required with service"),
            ((None, Some(80), None, None), "service: is required with port or subset"),
            ((Some(""), Some(80), None, None), service),
            ((Some("a..b"), Some(80), None, None), service),
            ((Some("a|b"), Some(80), None, None), service),
            ((Some("a:80"), Some(80), None, None), service),
            ((Some("*.b"), Some(80), None, None), service),
            ((Some("a"), Some(80), Some("v|1"), None), subset),
            ((None, None, None, Some("")), cluster),
            ((None, None, None, Some("a b")), cluster),
        ] {
            assert_eq!(check(parts), Err(message.to_owned()));
        }
    }
}
