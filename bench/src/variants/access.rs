//! Rows of access-control and Envoy's RBAC filter with the same rules.

use serde_json::{Map, Value, json};

use super::{HeaderList, Variant, wasm};

/// Numbers of rules. The last rule matches the request, so a walk tests all of them.
const LENGTHS: [usize; 4] = [1, 100, 1_000, 10_000];
/// Rules in a policy; access-control accepts at most 512.
const CHUNK: usize = 500;
/// The path of the requests.
const PATH: &str = "/orders/1";

/// Returns rows that allow every request.
pub(super) fn all() -> Vec<Variant> {
    let row = |name: String, filter: Value| Variant {
        name: format!("access: {name}"),
        filters: vec![filter],
        ..Variant::default()
    };
    let mut rows = Vec::new();
    for length in LENGTHS {
        rows.push(row(format!("native RBAC {length} rules"), native(length)));
        rows.push(row(format!("access-control {length} rules"), ours(length)));
    }
    rows.push(row("native RBAC principal".to_owned(), native_principal()));
    rows.push(row("access-control principal".to_owned(), principal()));
    rows.push(Variant {
        headers: HeaderList::from([("x-user-role".to_owned(), "admin".to_owned())]),
        ..row("access-control header".to_owned(), header())
    });
    rows
}

/// Returns the path of each rule; the last one is that of the requests.
fn paths(length: usize) -> impl Iterator<Item = String> {
    (1..length).map(|number| format!("/api/{number}/items")).chain([PATH.to_owned()])
}

/// Returns the filter with rules about a method and a path.
fn ours(length: usize) -> Value {
    let rule = |path| json!({"to": [{"operation": {"methods": ["GET"], "paths": [path]}}]});
    let rules: Vec<Value> = paths(length).map(rule).collect();
    let policies: Vec<Value> = rules.chunks(CHUNK).map(|rules| json!({"rules": rules})).collect();
    wasm("access_control", &json!({"policies": policies}))
}

/// Returns the filter with a rule about a principal, which no request has.
fn principal() -> Value {
    let rules = json!([{"from": [{"source": {"principals": [PRINCIPAL]}}]}]);
    wasm("access_control", &json!({"policies": [{"action": "DENY", "rules": rules}]}))
}

/// Returns the filter with a rule about a header.
fn header() -> Value {
    let rules = json!([{"when": [{"key": "request.headers[x-user-role]", "values": ["admin"]}]}]);
    wasm("access_control", &json!({"policies": [{"rules": rules}]}))
}

const PRINCIPAL: &str = "cluster.local/ns/shop/sa/cart";

fn native(length: usize) -> Value {
    let rule = |(number, path): (usize, String)| {
        let method = json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}});
        let path = json!({"url_path": {"path": {"exact": path}}});
        let permissions = json!([{"and_rules": {"rules": [method, path]}}]);
        let policy = json!({"permissions": permissions, "principals": [{"any": true}]});
        (format!("rule-{number:05}"), policy)
    };
    rbac("ALLOW", paths(length).enumerate().map(rule).collect())
}

fn native_principal() -> Value {
    let name = json!({"exact": format!("spiffe://{PRINCIPAL}")});
    let principals = json!([{"authenticated": {"principal_name": name}}]);
    let policy = json!({"permissions": [{"any": true}], "principals": principals});
    rbac("DENY", [("rule-0".to_owned(), policy)].into_iter().collect())
}

fn rbac(action: &str, policies: Map<String, Value>) -> Value {
    json!({"name": "rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": action, "policies": policies},
    }})
}
