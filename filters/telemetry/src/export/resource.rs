//! Resource attributes that are detected at the proxy.

/// The proxy's node. Istio sets all fields, a plain Envoy only `id` and `cluster`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Node {
    /// The node id.
    pub id: Option<String>,
    /// The node's cluster, a group of proxies.
    pub cluster: Option<String>,
    /// `metadata.NAME`: the pod.
    pub name: Option<String>,
    /// `metadata.NAMESPACE`.
    pub namespace: Option<String>,
    /// `metadata.MESH_ID`.
    pub mesh: Option<String>,
    /// `metadata.CLUSTER_ID`: the Kubernetes cluster.
    pub cluster_id: Option<String>,
    /// `metadata.LABELS['service.istio.io/canonical-name']`.
    pub service: Option<String>,
    /// `metadata.LABELS['service.istio.io/canonical-revision']`.
    pub revision: Option<String>,
}

/// Maximum length of a value, in bytes.
const MAX_LEN: usize = 256;

impl Node {
    /// Returns `true` if the proxy is an Istio gateway, whose listeners are outbound although it
    /// serves clients.
    ///
    /// Istio's node ids start with the proxy type: `router~` or `sidecar~`.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        self.id.as_ref().is_some_and(|id| id.starts_with("router~"))
    }

    /// Returns the resource attributes, with `istio_tags` also those named by Istio.
    ///
    /// The others follow the semantic conventions:
    /// <https://opentelemetry.io/docs/specs/semconv/resource/>.
    #[must_use]
    pub fn attributes(&self, istio_tags: bool) -> Vec<(String, String)> {
        let common = [
            ("service.name", self.service.as_ref().or(self.cluster.as_ref())),
            ("service.version", self.revision.as_ref()),
            ("service.namespace", self.namespace.as_ref()),
            ("service.instance.id", self.id.as_ref()),
            ("k8s.pod.name", self.name.as_ref()),
            ("k8s.namespace.name", self.namespace.as_ref()),
        ];
        let istio = [
            ("istio.canonical_service", self.service.as_ref()),
            ("istio.canonical_revision", self.revision.as_ref()),
            ("istio.mesh_id", self.mesh.as_ref()),
            ("istio.namespace", self.namespace.as_ref()),
            ("istio.cluster_id", self.cluster_id.as_ref()),
        ];
        let istio = istio.into_iter().filter(|_| istio_tags);
        let attributes = common.into_iter().chain(istio).filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            let end = value.floor_char_boundary(MAX_LEN);
            Some((name.to_owned(), value.get(..end)?.to_owned()))
        });
        attributes.collect()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn names(node: &Node, istio_tags: bool) -> Vec<String> {
        let attributes = node.attributes(istio_tags).into_iter();
        attributes.map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn reads_id_and_cluster_of_a_plain_envoy() {
        let node = Node {
            id: Some("proxy-1".to_owned()),
            cluster: Some("edge".to_owned()),
            name: Some(String::new()),
            ..Node::default()
        };
        assert_eq!(names(&node, true), ["service.name=edge", "service.instance.id=proxy-1"]);
    }

    #[test]
    fn reads_the_workload_of_an_istio_proxy() {
        let node = Node {
            cluster: Some("shop.default".to_owned()),
            namespace: Some("default".to_owned()),
            service: Some("shop".to_owned()),
            revision: Some("v2".to_owned()),
            mesh: Some("m".to_owned()),
            ..Node::default()
        };
        let common = [
            "service.name=shop",
            "service.version=v2",
            "service.namespace=default",
            "k8s.namespace.name=default",
        ];
        assert_eq!(names(&node, false), common);
        let istio = [
            "istio.canonical_service=shop",
            "istio.canonical_revision=v2",
            "istio.mesh_id=m",
            "istio.namespace=default",
        ];
        assert_eq!(names(&node, true), [&common[..], &istio].concat());
    }

    #[test]
    fn detects_gateways_by_their_id() {
        for (id, is_gateway) in [
            (Some("router~10.0.0.1~edge-0.istio-ingress~istio-ingress.svc.cluster.local"), true),
            (Some("sidecar~10.0.0.2~shop-0.default~default.svc.cluster.local"), false),
            (Some("router"), false),
            (None, false),
        ] {
            let node = Node { id: id.map(str::to_owned), ..Node::default() };
            assert_eq!(node.is_gateway(), is_gateway, "{id:?}");
        }
    }

    #[test]
    fn truncates_values() {
        let node = Node { cluster: Some("é".repeat(200)), ..Node::default() };
        assert_eq!(names(&node, false)[0].len(), "service.name=".len() + 256);
    }
}
