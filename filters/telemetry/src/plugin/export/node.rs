//! The node of the proxy.

use filter_host::property;

use crate::Node;

/// Reads the proxy's node.
pub(super) fn read() -> Node {
    let text = |path: &[&str]| {
        let path: Vec<&str> = ["xds", "node"].into_iter().chain(path.iter().copied()).collect();
        String::from_utf8(property::read(&path).ok()??).ok()
    };
    let label = |name| text(&["metadata", "LABELS", name]);
    Node {
        id: text(&["id"]),
        cluster: text(&["cluster"]),
        name: text(&["metadata", "NAME"]),
        namespace: text(&["metadata", "NAMESPACE"]),
        mesh: text(&["metadata", "MESH_ID"]),
        cluster_id: text(&["metadata", "CLUSTER_ID"]),
        service: label("service.istio.io/canonical-name"),
        revision: label("service.istio.io/canonical-revision"),
    }
}
