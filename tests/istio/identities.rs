//! Filters that use the identity in the certificate of a caller, in the sidecar of a server.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{client::Request, keys::base64url};

use crate::{
    Scenario, jwt_auth,
    mesh::{Mesh, Role},
    rate_limit::probe_entry,
    shop::{
        Caller::{self, Client, Gateway},
        PlainText, Shop, request,
    },
};

const TAG: &str = "x-weir-tag";

/// The scenarios of this module.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("routing-tags tags and trusts callers by their identities", tags),
    ("rate-limit counts each identity separately", limits),
    ("jwt-auth binds tokens to the certificates of callers", bound_tokens),
];

/// Returns the identity as filters read it.
fn uri(role: Role) -> String {
    format!("spiffe://{}", role.principal())
}

fn tags(mesh: &Mesh) -> Result<()> {
    let shop = Shop::open(mesh, PlainText::Refused)?;
    let source = |role| json!([{"source": {"principal": {"exact": uri(role)}}}]);
    let config = json!({
        "trustInbound": source(Role::Gateway),
        "http": [{"name": "client", "match": source(Role::Client), "tag": "from-client"}],
        "headers": {"request": {"set": {"x-there": "1"}}},
    });
    shop.apply_plugin("routing-tags", &config)?;
    shop.wait_for_headers(Client, &request("/"), "x-there", &["1"])?;
    let forged = request("/").header(TAG, "canary");
    for (caller, request, expected) in [
        (Client, request("/"), "from-client"),
        (Client, forged.clone(), "from-client"),
        (Gateway, forged, "canary"),
    ] {
        let received = shop.receive(caller, request)?;
        ensure!(received.header(TAG) == [expected], "{caller:?}: {received:?}");
    }
    let untagged = shop.receive(Gateway, request("/"))?;
    ensure!(untagged.header(TAG).is_empty(), "{untagged:?}");
    Ok(())
}

fn limits(mesh: &Mesh) -> Result<()> {
    const REQUESTS: usize = 5;
    let shop = Shop::open(mesh, PlainText::Refused)?;
    let limit = json!({
        "name": "identity", "requests": REQUESTS, "per": "1h", "key": [{"principal": true}],
    });
    let config = json!({"http": [probe_entry(471), {"name": "all", "limits": [limit]}]});
    shop.apply_plugin("rate-limit", &config)?;
    shop.wait_for("limiting", Client, &request("/probe"), 471)?;
    for caller in [Client, Gateway] {
        let statuses: Vec<_> =
            (0..REQUESTS + 3).map(|_| shop.status(caller, &request("/"))).collect::<Result<_>>()?;
        let expected = [[200; REQUESTS].as_slice(), &[429; 3]].concat();
        ensure!(statuses == expected, "{caller:?}: {statuses:?}");
    }
    Ok(())
}

fn bound_tokens(mesh: &Mesh) -> Result<()> {
    let shop = Shop::open(mesh, PlainText::Refused)?;
    let mut rules = jwt_auth::jwt_rules(mesh);
    let rule = rules.pointer_mut("/0").and_then(Value::as_object_mut).context("no rule")?;
    rule.insert("certificateBinding".to_owned(), json!("IF_PRESENT"));
    let bound = |caller| -> Result<Request> {
        let confirmation = json!({"x5t#S256": thumbprint(&shop, caller)?});
        let token = jwt_auth::token(mesh, &json!({"cnf": confirmation}))?;
        Ok(request("/").bearer(&token))
    };
    let (to_client, to_gateway) = (bound(Client)?, bound(Gateway)?);
    shop.apply_plugin("jwt-auth", &json!({"jwtRules": rules}))?;
    shop.wait_for("checking tokens", Client, &request("/").bearer("not-a-token"), 401)?;
    let unbound = request("/").bearer(&jwt_auth::token_of(mesh, "alice")?);
    shop.check(
        "bound tokens",
        &[
            (Client, to_client.clone(), 200),
            (Gateway, to_client.clone(), 401),
            (Gateway, to_gateway.clone(), 200),
            (Client, to_gateway, 401),
            (Client, unbound, 200),
        ],
    )?;
    let refused = shop.send(Gateway, to_client)?;
    ensure!(refused.text().contains("BINDING_FAILED"), "{refused:?}");
    Ok(())
}

/// Returns the SHA-256 of the caller's certificate as in a token. Envoy names it to the application.
fn thumbprint(shop: &Shop<'_>, caller: Caller) -> Result<String> {
    let received = shop.receive(caller, request("/"))?;
    let header = received.header("x-forwarded-client-cert").concat();
    let hash = header.split(';').find_map(|part| part.strip_prefix("Hash="));
    let hash = hash.with_context(|| format!("no digest in {header}"))?;
    let byte = |index: usize| {
        let digits = hash.get(index..index.saturating_add(2)).context("an odd digit")?;
        Ok(u8::from_str_radix(digits, 16)?)
    };
    let bytes = (0..hash.len()).step_by(2).map(byte).collect::<Result<Vec<u8>>>()?;
    Ok(base64url(bytes))
}
