//! Values that filters of Envoy establish before the filter: claims, identities and metadata.

use anyhow::{Context, Result};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::IdentityProvider,
    upstream::Upstream,
};

use super::{Fixture, filter, policy};

/// Returns a policy that allows the requests for a path to which a condition applies.
fn on(path: &str, when: &Value) -> Value {
    let to = json!([{"operation": {"paths": [path]}}]);
    policy(path.trim_start_matches('/'), "ALLOW", json!([{"to": to, "when": [when]}]))
}

/// Returns a filter of Envoy.
fn native(kind: &str, mut config: Value) -> Filter {
    config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.filters.http.{kind}"));
    Filter::native(json!({"name": kind, "typed_config": config}))
}

/// Returns `jwt_authn` as istiod configures it for a RequestAuthentication.
fn request_authentication(issuer: &IdentityProvider) -> Filter {
    let provider = json!({
        "issuer": issuer.issuer(),
        "local_jwks": {"inline_string": issuer.keys().jwks().to_string()},
        "payload_in_metadata": "payload",
        "normalize_payload_in_metadata": {"space_delimited_claims": ["scope", "permission"]},
    });
    let requirement = json!({"requires_any": {"requirements": [
        {"provider_name": "origins-0"}, {"allow_missing": {}}]}});
    native(
        "jwt_authn.v3.JwtAuthentication",
        json!({
            "providers": {"origins-0": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": requirement}],
        }),
    )
}

#[test]
fn claims_that_request_authentication_verified_decide() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let claim = |name: &str, value: &str| json!({"key": format!("request.auth.claims{name}"), "values": [value]});
    let principal = format!("{}/*", issuer.issuer());
    let config = json!({"policies": [
        on("/principal", &json!({"key": "request.auth.principal", "values": [principal]})),
        on("/groups", &claim("[groups]", "dev")),
        on("/scope", &claim("[scope]", "write")),
        on("/nested", &claim("[org][unit]", "a.b")),
        on("/audience", &json!({"key": "request.auth.audiences", "values": ["orders"]})),
        on("/range", &json!({"key": "request.auth.claims[level]",
            "match": {"range": {"from": 5, "to": 6}}})),
        on("/level", &claim("[level]", "5")),
    ]});
    let filters = vec![request_authentication(&issuer), filter(&config)];
    let mut fixture = Fixture::start_chain(filters)?;
    let mut claims = issuer.claims();
    for (name, value) in [
        ("groups", json!(["ops", "dev"])),
        ("scope", json!("read write")),
        ("org", json!({"unit": "a.b"})),
        ("aud", json!(["other", "orders"])),
        ("level", json!(5)),
    ] {
        claims[name] = value;
    }
    let token = issuer.token(Algorithm::ES256, &claims)?;
    let (head, signature) = token.rsplit_once('.').context("a token has a signature")?;
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let paths = ["/principal", "/groups", "/scope", "/nested", "/audience", "/range", "/level"];
    for path in paths {
        let get = || Request::get(path);
        // As in Istio, a number is not a text.
        let status = if path == "/level" { 403 } else { 200 };
        let client = fixture.envoy.http1();
        assert_eq!(client.send(get().bearer(&token))?.status, status, "{path}");
        assert_eq!(client.send(get())?.status, 403, "{path}");
        assert_eq!(client.send(get().bearer(&forged))?.status, 401, "{path}");
    }
    fixture.wait_for(&[("allowed_total", 6), ("unsure_total", 1), ("errors_total", 0)])?;
    fixture.assert_no_trap()
}

#[test]
fn the_identity_of_jwt_auth_comes_first() -> Result<()> {
    let (ours, other) = (IdentityProvider::start()?, IdentityProvider::start()?);
    let sub = |value: &str| json!({"key": "request.auth.claims[sub]", "values": [value]});
    let config = json!({"policies": [on("/ours", &sub("ours")), on("/other", &sub("other"))]});
    let rules = json!([{"issuer": ours.issuer(), "jwks": ours.keys().jwks().to_string(),
        "fromHeaders": [{"name": "x-token"}]}]);
    let filters = vec![
        request_authentication(&other),
        Filter::new("jwt-auth", json!({"jwtRules": rules})),
        filter(&config),
    ];
    let mut fixture = Fixture::start_chain(filters)?;
    let token = |issuer: &IdentityProvider, sub: &str| {
        let mut claims = issuer.claims();
        claims["sub"] = json!(sub);
        issuer.token(Algorithm::ES256, &claims)
    };
    let (ours, other) = (token(&ours, "ours")?, token(&other, "other")?);
    for (path, has_both, status) in
        [("/ours", true, 200), ("/other", true, 403), ("/other", false, 200)]
    {
        let mut request = Request::get(path).bearer(&other);
        if has_both {
            request = request.header("x-token", &ours);
        }
        assert_eq!(fixture.envoy.http1().send(request)?.status, status, "{path} {has_both}");
    }
    fixture.assert_no_trap()
}

#[test]
fn dynamic_metadata_of_other_filters_decides() -> Result<()> {
    let written = json!({"team": "orders", "roles": ["reader", "writer"], "level": 5});
    let metadata = native(
        "set_metadata.v3.Config",
        json!({"metadata": [
            {"metadata_namespace": "envoy.filters.http.lua", "value": written},
            {"metadata_namespace": "envoy.filters.http.other", "value": {"team": "other"}},
        ]}),
    );
    let key = |name: &str, value: &str| {
        let key = format!("experimental.envoy.filters.http.lua[{name}]");
        json!({"key": key, "values": [value]})
    };
    let config = json!({"policies": [
        on("/team", &key("team", "orders")),
        on("/prefix", &key("team", "ord*")),
        on("/role", &key("roles", "[writer]")),
        on("/other", &key("team", "other")),
        on("/text-list", &key("roles", "writer")),
        on("/list-text", &key("team", "[orders]")),
        on("/number", &key("level", "5")),
        on("/none", &key("none", "*")),
    ]});
    let mut fixture = Fixture::start_chain(vec![metadata, filter(&config)])?;
    for (path, status) in [
        ("/team", 200),
        ("/prefix", 200),
        ("/role", 200),
        ("/other", 403),
        ("/text-list", 403),
        ("/list-text", 403),
        ("/number", 403),
        ("/none", 403),
    ] {
        assert_eq!(fixture.envoy.http1().get(path)?.status, status, "{path}");
    }
    fixture.wait_for(&[("unsure_total", 1), ("errors_total", 0)])?;
    fixture.assert_no_trap()
}

#[test]
fn a_waypoint_knows_the_identity_of_its_peer() -> Result<()> {
    let state = native(
        "set_filter_state.v3.Config",
        json!({"on_request_headers": [{
            "object_key": "io.istio.peer_principal",
            "factory_key": "envoy.string",
            "format_string": {"text_format_source": {"inline_string": "%REQ(x-peer)%"}},
            "skip_if_empty": true,
        }]}),
    );
    let source = |field: &str, value: &str| json!([{"from": [{"source": {field: [value]}}]}]);
    let config = json!({
        "policies": [
            policy("web", "ALLOW", source("principals", "cluster.local/ns/shop/sa/web")),
            policy("other", "ALLOW", source("namespaces", "other")),
        ],
        "trustDomainAliases": ["cluster.local", "old.example"],
    });
    for (node, is_waypoint) in
        [("waypoint~10.0.0.1~a.b~c", true), ("sidecar~10.0.0.1~a.b~c", false)]
    {
        let app = Upstream::start()?;
        let options = EnvoyOptions::new(app.address(), vec![state.clone(), filter(&config)]);
        let envoy = Envoy::start(EnvoyOptions { node_id: Some(node.to_owned()), ..options })?;
        for (peer, is_allowed) in [
            ("spiffe://cluster.local/ns/shop/sa/web", true),
            ("spiffe://old.example/ns/shop/sa/web", true),
            ("spiffe://new.example/ns/shop/sa/web", false),
            ("spiffe://cluster.local/ns/other/sa/any", true),
            ("spiffe://cluster.local/ns/shop/sa/any", false),
            ("", false),
        ] {
            let request = Request::get("/").header("x-peer", peer);
            let status = if is_allowed && is_waypoint { 200 } else { 403 };
            assert_eq!(envoy.http1().send(request)?.status, status, "{node} {peer}");
        }
    }
    Ok(())
}
