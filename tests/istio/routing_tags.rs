//! routing-tags as a WasmPlugin, with subsets of a DestinationRule selected by the tag.

mod sidecars;

use anyhow::{Context, Result, ensure};
use filter_core::rendezvous;
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    upstream::{Received, Upstream},
};

use crate::{Scenario, jwt_auth, mesh::Mesh};

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "routing-tags";
/// The default tag header.
const TAG: &str = "x-weir-tag";
/// The host of the application with two versions.
const HOST: &str = "shop.example.com";

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("routing-tags sends premium users to another version", premium_users),
    ("routing-tags sends a country to another version", country),
    ("routing-tags sends requests with a header to the canary", canary_header),
    ("routing-tags sends a path to another version", path),
    ("routing-tags sends a range of addresses to another version", address_range),
    ("routing-tags sends a user verified by jwt-auth to another version", verified_user),
    ("routing-tags splits users and keeps each on a version", split),
    ("routing-tags ignores and strips inbound tags", inbound_tags),
    ("routing-tags in a client sidecar routes outbound calls", sidecars::client),
    ("routing-tags in a server sidecar tags without rerouting", sidecars::server),
    ("routing-tags in a server sidecar trusts tags as configured", sidecars::behind_the_gateway),
    ("routing-tags rejected at a proxy's start fails requests until fixed", sidecars::refused),
    ("routing-tags interprets the match of a VirtualService as Istio does", matches),
];

/// Two versions of an application behind the gateway.
struct Shop<'m> {
    mesh: &'m Mesh,
    stable: Upstream,
    canary: Upstream,
}

impl<'m> Shop<'m> {
    /// Starts both versions and applies the filter with the entries `http` at the gateway.
    fn open(mesh: &'m Mesh, http: &Value) -> Result<Self> {
        let (stable, canary) = (Upstream::start()?, Upstream::start()?);
        let documents = include_str!("routing_tags/shop.yaml")
            .replace("$STABLE_PORT", &stable.address().port().to_string())
            .replace("$CANARY_PORT", &canary.address().port().to_string());
        mesh.apply(&documents)?;
        let probe =
            json!({"name": "probe", "match": [{"uri": {"exact": "/probe"}}], "tag": "canary"});
        let entries = http.as_array().into_iter().flatten().cloned();
        let http: Vec<Value> = [probe].into_iter().chain(entries).collect();
        mesh.apply_plugin(FILTER, &json!({"http": http}))?;
        let ready = |response: &Response| tag(response).is_ok_and(|tag| tag == ["canary"]);
        let shop = Self { mesh, stable, canary };
        mesh.wait_for("tagging", &request("/probe"), |response| {
            ready(response) && shop.canary.count() > 0
        })?;
        Ok(shop)
    }

    /// Fails unless each request is served by the given version.
    fn check(&self, cases: Vec<(Request, &str)>) -> Result<()> {
        for (request, version) in cases {
            let before = (self.stable.count(), self.canary.count());
            let response = self.mesh.send(request.clone())?;
            ensure!(response.status == 200, "{request:?}: {response:?}");
            let after = (self.stable.count(), self.canary.count());
            let served = if after.1 > before.1 { "canary" } else { "stable" };
            ensure!(after != before && served == version, "{request:?} was served by {served}");
        }
        Ok(())
    }
}

fn request(path: &str) -> Request {
    Request::get(path).authority(HOST)
}

/// Returns the tags that the application received.
fn tag(response: &Response) -> Result<Vec<String>> {
    let received = Received::from_response(response)?;
    Ok(received.header(TAG).into_iter().map(str::to_owned).collect())
}

fn premium_users(mesh: &Mesh) -> Result<()> {
    let matches = json!([{"headers": {"x-user-type": {"exact": "premium"}}}]);
    Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?.check(vec![
        (request("/").header("x-user-type", "premium"), "canary"),
        (request("/").header("x-user-type", "basic"), "stable"),
        (request("/"), "stable"),
    ])
}

fn country(mesh: &Mesh) -> Result<()> {
    let matches = json!([{"headers": {"x-country-code": {"in": ["US", "CA"]}}}]);
    Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?.check(vec![
        (request("/").header("x-country-code", "US"), "canary"),
        (request("/").header("x-country-code", "CA"), "canary"),
        (request("/").header("x-country-code", "DE"), "stable"),
    ])
}

fn canary_header(mesh: &Mesh) -> Result<()> {
    let matches = json!([{"headers": {"canary": {"exact": "enabled"}}}]);
    Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?.check(vec![
        (request("/").header("canary", "enabled"), "canary"),
        (request("/").header("canary", "no"), "stable"),
    ])
}

fn path(mesh: &Mesh) -> Result<()> {
    let matches = json!([{"uri": {"prefix": "/beta/"}}, {"pathTemplate": "/orders/{id}/next"}]);
    Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?.check(vec![
        (request("/beta/cart?x=1"), "canary"),
        (request("/orders/7/next"), "canary"),
        (request("/orders/7"), "stable"),
    ])
}

fn address_range(mesh: &Mesh) -> Result<()> {
    let matches = json!([{"source": {"ip": "203.0.113.0/24"}}]);
    Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?.check(vec![
        (request("/").header("x-forwarded-for", "203.0.113.7"), "canary"),
        (request("/").header("x-forwarded-for", "198.51.100.7"), "stable"),
        (request("/").header("x-forwarded-for", "203.0.113.7, 198.51.100.7"), "stable"),
        (request("/"), "stable"),
    ])
}

/// jwt-auth runs first and publishes the claims.
fn verified_user(mesh: &Mesh) -> Result<()> {
    jwt_auth::protect(mesh, &json!({"jwtRules": jwt_auth::jwt_rules(mesh)}))?;
    let matches = json!([{"claims": {"sub": {"exact": "alice"}}}]);
    let shop = Shop::open(mesh, &json!([{"match": matches, "tag": "canary"}]))?;
    let of = |user| Ok::<_, anyhow::Error>(request("/").bearer(&jwt_auth::token_of(mesh, user)?));
    shop.check(vec![(of("alice")?, "canary"), (of("bob")?, "stable"), (request("/"), "stable")])
}

fn split(mesh: &Mesh) -> Result<()> {
    let variants = [("stable", 90), ("canary", 10)];
    let split: Vec<_> =
        variants.iter().map(|(tag, weight)| json!({"tag": tag, "weight": weight})).collect();
    let hash = json!({"httpHeaderName": "x-user"});
    let entry = json!([{"name": "frontend", "split": split, "consistentHash": hash}]);
    let shop = Shop::open(mesh, &entry)?;
    let mut cases = Vec::new();
    for user in 0..300 {
        let user = format!("user-{user}");
        let chosen =
            rendezvous("frontend", user.as_bytes(), variants).context("no variant was selected")?;
        let version = variants.get(chosen).context("no such variant")?.0;
        // Twice, to reach both workers of the gateway.
        let case = (request("/").header("x-user", &user), version);
        cases.extend([case.clone(), case]);
    }
    let canary = cases.iter().filter(|(_, version)| *version == "canary").count();
    ensure!((20..120).contains(&canary), "{canary} of 600 at 10 %");
    shop.check(cases)
}

fn inbound_tags(mesh: &Mesh) -> Result<()> {
    let forge = |copies: usize, name: &str| {
        (0..copies).fold(request("/"), |request, _| request.header(name, "canary"))
    };
    let cases = [1, 2, 50].into_iter().flat_map(|copies| {
        [(forge(copies, TAG), "stable"), (forge(copies, "X-WEIR-Tag"), "stable")]
    });
    let shop = Shop::open(mesh, &json!([]))?;
    shop.check(cases.collect())?;
    let response = mesh.send(forge(3, TAG))?;
    ensure!(tag(&response)?.is_empty(), "the tag arrived: {response:?}");
    Ok(())
}

/// The same match block has the same result in the filter and in a route of Istio.
fn matches(mesh: &Mesh) -> Result<()> {
    let blocks = [
        json!({"headers": {"x-a": {"exact": "1"}}}),
        json!({"headers": {"x-a": {"prefix": "1"}}}),
        json!({"headers": {"x-a": {"regex": "1[0-9]+"}}}),
        json!({"headers": {"x-a": {}}}),
        json!({"uri": {"exact": "/a"}}),
        json!({"uri": {"prefix": "/A"}, "ignoreUriCase": true}),
        json!({"uri": {"regex": "/a/[a-z]*"}}),
        json!({"queryParams": {"q": {"exact": "1"}}}),
        json!({"method": {"exact": "POST"}}),
        json!({"withoutHeaders": {"x-a": {"exact": "1"}}}),
    ];
    let entry = |(index, block): (usize, &Value)| {
        let header = format!("x-tag-{index}");
        json!({"match": [block], "tagHeader": header, "tag": "yes"})
    };
    let entries: Vec<Value> = blocks.iter().enumerate().map(entry).collect();
    let odd = odd_requests();
    let requests: Vec<Request> =
        requests().into_iter().chain(odd.iter().map(|(_, request)| request.clone())).collect();
    let mut decided = Vec::new();
    {
        let _shop = Shop::open(mesh, &json!(entries))?;
        for request in &requests {
            let received = Received::from_response(&mesh.send(request.clone())?)?;
            let tagged = |index| received.header(&format!("x-tag-{index}")) == ["yes"];
            decided.push((0..blocks.len()).map(tagged).collect::<Vec<_>>());
        }
        mesh.clear()?;
    }
    for (index, block) in blocks.iter().enumerate() {
        let istio = istio_decides(mesh, block, &requests)?;
        for ((request, istio), filter) in requests.iter().zip(istio).zip(&decided) {
            let filter = filter.get(index) == Some(&true);
            let odd = odd.iter().find(|(_, odd)| format!("{odd:?}") == format!("{request:?}"));
            let differs = odd.is_some_and(|(why, _)| DIFFERENCES.contains(&(index, why)));
            ensure!(
                (istio == filter) != differs,
                "{block}: Istio {istio}, the filter {filter}: {request:?}"
            );
        }
    }
    Ok(())
}

/// Returns requests with repeated or encoded parts.
fn odd_requests() -> Vec<(&'static str, Request)> {
    vec![
        ("a header twice", request("/").header("x-a", "2").header("x-a", "1")),
        ("a parameter twice", request("/a?q=2&q=1")),
        ("a parameter twice, the first fits", request("/a?q=1&q=2")),
        ("an encoded parameter", request("/a?q=%31")),
    ]
}

/// Intended differences, by index of the block.
///
/// Envoy uses the raw first value of a query parameter. The filter decodes and checks every value.
const DIFFERENCES: [(usize, &&str); 2] = [(7, &"a parameter twice"), (7, &"an encoded parameter")];

fn requests() -> Vec<Request> {
    let paths = ["/", "/a", "/A/b", "/a/bc", "/a?q=1", "/a?q=2", "/ab"];
    let values = [vec![], vec!["1"], vec!["12"], vec!["2"], vec![""]];
    let with = |path, values: &Vec<&str>| {
        values.iter().fold(request(path), |request, value| request.header("x-a", value))
    };
    let all = paths.iter().flat_map(|path| values.iter().map(move |values| with(path, values)));
    let post = Request::new(hyper::Method::POST, "/a").authority(HOST);
    all.chain([post]).collect()
}

/// Returns for each request whether a route of Istio with a direct response matches `block`.
fn istio_decides(mesh: &Mesh, block: &Value, requests: &[Request]) -> Result<Vec<bool>> {
    let ready = json!({"uri": {"exact": "/ready"}});
    let response = |status: u16| json!({"status": status, "body": {"string": block.to_string()}});
    let document = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "control", "namespace": crate::mesh::NAMESPACE},
        "spec": {"hosts": [HOST], "gateways": ["gateway"], "http": [
            {"match": [ready], "directResponse": response(299)},
            {"match": [block], "directResponse": response(201)},
            {"directResponse": response(202)},
        ]},
    });
    mesh.apply(&document.to_string())?;
    let text = block.to_string();
    mesh.wait_for("deciding by the block", &request("/ready"), |response| {
        response.status == 299 && response.text() == text
    })?;
    requests.iter().map(|request| Ok(mesh.send(request.clone())?.status == 201)).collect()
}
