//! Warnings that depend on the kind of proxy.

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    upstream::Upstream,
};

const WARNING: &str = "identify callers by source.principal";

#[test]
fn warns_about_address_conditions_in_a_sidecar() -> Result<()> {
    let app = Upstream::start()?;
    let from = |field: &str, value: &str| json!({"source": {field: value}});
    let fault = json!({"abort": {"percentage": {"value": 1}, "httpStatus": 503}});
    let by_address = [
        Filter::new("routing-tags", json!({"trustInbound": [from("ip", "10.0.0.0/8")]})),
        Filter::new(
            "fault-injection",
            json!({"http": [{"match": [from("ip", "10.0.0.0/8")], "fault": fault}]}),
        ),
    ];
    let principal = json!({"source": {"principal": {"exact": "spiffe://mesh/ns/a/sa/b"}}});
    let by_principal = Filter::new("routing-tags", json!({"trustInbound": [principal]}));
    for (node_id, filter, is_warned) in [
        ("sidecar~10.0.0.7~shop.a~a.svc.cluster.local", &by_address[0], true),
        ("sidecar~10.0.0.7~shop.a~a.svc.cluster.local", &by_address[1], true),
        ("sidecar~10.0.0.7~shop.a~a.svc.cluster.local", &by_principal, false),
        ("router~10.0.0.8~gateway.a~a.svc.cluster.local", &by_address[0], false),
    ] {
        let options = EnvoyOptions::new(app.address(), vec![filter.clone()]);
        let envoy = Envoy::start(EnvoyOptions { node_id: Some(node_id.to_owned()), ..options })?;
        assert_eq!(envoy.http1().get("/")?.status, 200);
        assert_eq!(envoy.log().contains(WARNING), is_warned, "{node_id} {filter:?}");
    }
    Ok(())
}
