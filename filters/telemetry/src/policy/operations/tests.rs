#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};

use super::*;

fn compile(document: &Value) -> Result<Operations, String> {
    let configs: Vec<OperationConfig> = serde_json::from_value(document.clone()).unwrap();
    let mut errors = ConfigErrors::default();
    let operations = Operations::compile(&configs, PathNormalization::None, &mut errors);
    errors.finish(operations).map_err(|error| error.to_string())
}

fn find(operations: &Operations, method: &str, host: &str, path: &str) -> String {
    let target =
        RequestTarget { path: path.as_bytes(), method: method.as_bytes(), host: host.as_bytes() };
    let name = operations.find(&target).and_then(|index| operations.names().get(index));
    name.cloned().unwrap_or_else(|| "other".to_owned())
}

#[test]
fn finds_the_most_specific_operation() {
    let operations = compile(&json!([
        {"pathTemplate": "/orders/{id}", "name": "order"},
        {"pathTemplate": "/orders/{id}", "methods": ["GET", "HEAD"], "name": "getOrder"},
        {"pathTemplate": "/orders/{id}", "methods": ["GET"], "hosts": ["*.example.com"], "name": "shopOrder"},
        {"pathTemplate": "/orders/{id}", "hosts": ["a.example.com"], "name": "aOrder"},
        {"pathTemplate": "/orders/new", "methods": ["POST"], "name": "newOrder"},
        {"pathTemplate": "/static/{file=**}", "name": "static"},
        {"pathTemplate": "/v2/static/{file=**}", "name": "static"},
        {"pathTemplate": "/plain"},
    ]))
    .unwrap();
    for (method, host, path, name) in [
        ("PUT", "x", "/orders/7", "order"),
        ("GET", "x", "/orders/7?a=b", "getOrder"),
        ("GET", "b.example.com:8443", "/orders/7", "shopOrder"),
        ("GET", "A.example.com", "/orders/7", "aOrder"),
        ("GET", "example.com", "/orders/7", "getOrder"),
        ("POST", "x", "/orders/new", "newOrder"),
        ("GET", "x", "/orders/new", "getOrder"),
        ("GET", "x", "/static/a/b", "static"),
        ("GET", "x", "/v2/static/", "static"),
        ("GET", "x", "/plain", "/plain"),
        ("GET", "x", "/orders", "other"),
        ("GET", "x", "", "other"),
        ("OPTIONS", "x", "*", "other"),
    ] {
        assert_eq!(find(&operations, method, host, path), name, "{method} {host} {path}");
    }
    assert_eq!(operations.names().len(), 7, "shared names are listed once");
}

#[test]
fn reads_only_what_operations_match_on() {
    let none = compile(&json!([{"pathTemplate": "/a"}])).unwrap();
    assert!(!none.reads_method() && !none.reads_host());
    let both = json!([{"pathTemplate": "/a", "methods": ["GET"], "hosts": ["a"]}]);
    let both = compile(&both).unwrap();
    assert!(both.reads_method() && both.reads_host());
}

#[test]
fn rejects_equal_entries_and_long_templates() {
    for (document, message) in [
        (
            json!([{"pathTemplate": "/a/{x}"}, {"pathTemplate": "/a/{y}", "name": "b"}]),
            "operations[1]: must differ from operations[0] in its template, methods or hosts",
        ),
        (
            json!([
                {"pathTemplate": "/{x=**}", "methods": ["GET", "PUT"]},
                {"pathTemplate": "/{**}", "methods": ["PUT", "GET"]},
            ]),
            "operations[1]: must differ from operations[0] in its template, methods or hosts",
        ),
        (
            json!([{"pathTemplate": format!("/{}", "a".repeat(64))}]),
            "operations[0].name: is required if the template is longer than 64 bytes",
        ),
    ] {
        assert_eq!(compile(&document).unwrap_err(), message);
    }
}

#[test]
fn accepts_paths_with_any_bytes() {
    let operations = compile(&json!([{"pathTemplate": "/a/{x}"}])).unwrap();
    let target = RequestTarget { path: b"/a/\xff\x80", ..RequestTarget::default() };
    assert_eq!(operations.find(&target), Some(0));
    let target = RequestTarget { path: b"\xff", ..RequestTarget::default() };
    assert_eq!(operations.find(&target), None);
}
