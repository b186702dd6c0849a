//! Who telemetry is about: what the proxy knows of its workload.

/// What a proxy's node says; Istio fills all of it, a plain Envoy its id and cluster.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Node {
    /// The node's id.
    pub id: Option<String>,
    /// The node's cluster, which in Envoy is a group of proxies.
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

/// The longest value, in bytes.
const MAX_LEN: usize = 256;

impl Node {
    /// Says whether the proxy is one of Istio's gateways, which stands before servers although
    /// Istio calls its listeners outbound.
    ///
    /// Istio's ids begin with the kind of the proxy: `router~` or `sidecar~`.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        self.id.as_ref().is_some_and(|id| id.starts_with("router~"))
    }

    /// Returns the attributes of the resource, those with Istio's own names where they are wanted.
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
        let known = common.into_iter().chain(istio).filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            let end = value.floor_char_boundary(MAX_LEN);
            Some((name.to_owned(), value.get(..end)?.to_owned()))
        });
        known.collect()
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
    fn a_plain_envoy_knows_its_id_and_cluster() {
        let node = Node {
            id: Some("proxy-1".to_owned()),
            cluster: Some("edge".to_owned()),
            name: Some(String::new()),
            ..Node::default()
        };
        assert_eq!(names(&node, true), ["service.name=edge", "service.instance.id=proxy-1"]);
    }

    #[test]
    fn istio_knows_the_workload() {
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
    fn the_id_tells_a_gateway_from_a_sidecar() {
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
    fn values_are_cut() {
        let node = Node { cluster: Some("é".repeat(200)), ..Node::default() };
        assert_eq!(names(&node, false)[0].len(), "service.name=".len() + 256);
    }
}
