//! Trust in the client's address in a sidecar.

use crate::Needs;

/// Returns a warning if `needs` reads the client's address in an Istio sidecar; `node_id` is
/// Envoy's `xds.node.id`.
///
/// A sidecar uses the last entry of `x-forwarded-for` as the address and accepts that header from
/// any workload.
///
/// ```
/// use filter_core::{Needs, source_address_warning};
///
/// let needs = Needs { source_address: true, ..Needs::default() };
/// let sidecar = b"sidecar~10.0.0.7~shop-7d9.shop~shop.svc.cluster.local";
/// assert!(source_address_warning(&needs, sidecar).is_some());
/// assert!(source_address_warning(&needs, b"router~10.0.0.8~gw.istio~x").is_none());
/// ```
#[must_use]
pub fn source_address_warning(needs: &Needs, node_id: &[u8]) -> Option<&'static str> {
    let reads = needs.source_address || needs.attributes.contains("source.address");
    (reads && node_id.starts_with(b"sidecar~")).then_some(
        "source.ip and useSourceIp: in a sidecar the address is the last entry of \
         x-forwarded-for, which any workload can write: identify callers by source.principal",
    )
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn warns_only_if_a_sidecar_reads_the_address() {
        let address = Needs { source_address: true, ..Needs::default() };
        let attributes = ["source.address".to_owned()].into();
        let attribute = Needs { attributes, ..Needs::default() };
        let principal = Needs { source_principal: true, ..Needs::default() };
        for (needs, node_id, is_warned) in [
            (&address, &b"sidecar~10.0.0.7~a.b~b.svc.cluster.local"[..], true),
            (&attribute, b"sidecar~10.0.0.7~a.b~b.svc.cluster.local", true),
            (&principal, b"sidecar~10.0.0.7~a.b~b.svc.cluster.local", false),
            (&Needs::default(), b"sidecar~10.0.0.7~a.b~b.svc.cluster.local", false),
            (&address, b"router~10.0.0.7~a.b~b.svc.cluster.local", false),
            (&address, b"waypoint~10.0.0.7~a.b~b.svc.cluster.local", false),
            (&address, b"sidecar", false),
            (&address, b"", false),
            (&address, b"\xff", false),
        ] {
            let warning = source_address_warning(needs, node_id);
            assert_eq!(warning.is_some(), is_warned, "{needs:?} {node_id:?}");
        }
    }
}
