use std::collections::BTreeMap;

use super::{HOSTCALLS, WASI, check};
use crate::workspace::ModuleSpec;

fn spec(max_size_kib: u32) -> ModuleSpec {
    ModuleSpec {
        callbacks: vec!["request_headers".to_owned()],
        max_size_kib,
        variants: BTreeMap::new(),
    }
}

/// Returns a valid module with an additional first line and without one export.
fn module(first: &str, without: &str) -> Vec<u8> {
    let names = [
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_delete",
        "proxy_on_memory_allocate",
        "proxy_on_request_headers",
        "proxy_on_vm_start",
    ];
    let functions = names.iter().filter(|name| **name != without);
    let functions: String = functions.map(|name| format!("(func (export \"{name}\"))\n")).collect();
    let memory = if without == "memory" { "(memory 1)" } else { "(memory (export \"memory\") 1)" };
    wat::parse_str(format!("(module {first}\n{memory}\n{functions})")).unwrap()
}

fn error(wasm: &[u8]) -> String {
    check(wasm, &spec(64)).unwrap_err().to_string()
}

#[test]
fn accepts_every_function_of_the_host() {
    for (from, names) in [("env", HOSTCALLS), ("wasi_snapshot_preview1", WASI)] {
        for name in names {
            let wasm = module(&format!("(import \"{from}\" \"{name}\" (func))"), "");
            check(&wasm, &spec(64)).unwrap();
        }
    }
}

#[test]
fn refuses_forbidden_imports() {
    let cases = [
        ("env", "proxy_get_configuration", "(func)"),
        ("env", "abort", "(func)"),
        ("env", "proxy_log", "(memory 1)"),
        ("wasi_snapshot_preview1", "path_open", "(func)"),
        ("wasi_snapshot_preview1", "proxy_log", "(func)"),
        ("__wbindgen_placeholder__", "__wbindgen_throw", "(func)"),
    ];
    for (from, name, kind) in cases {
        let wasm = module(&format!("(import \"{from}\" \"{name}\" {kind})"), "");
        let start = format!("imports {from}.{name}, which a filter must not import: ");
        assert!(error(&wasm).starts_with(&start), "{}", error(&wasm));
    }
}

#[test]
fn refuses_missing_exports() {
    for name in ["memory", "_initialize", "proxy_on_delete", "proxy_on_request_headers"] {
        assert_eq!(error(&module("", name)), format!("does not export {name}"));
    }
}

#[test]
fn refuses_a_function_named_memory() {
    let wasm = module("(func (export \"memory\"))", "memory");
    assert_eq!(error(&wasm), "does not export memory");
}

#[test]
fn refuses_modules_above_the_size_limit() {
    let padding = "x".repeat(1024);
    let wasm = module(&format!("(func (export \"{padding}\"))"), "");
    let error = check(&wasm, &spec(1)).unwrap_err().to_string();
    let start = format!("has {} bytes, but max-size-kib is 1: ", wasm.len());
    assert!(error.starts_with(&start), "{error}");
    assert!(super::size_error(1024, 1).is_none());
    assert!(super::size_error(1025, 1).is_some());
}

#[test]
fn reports_all_problems_at_once() {
    let wasm = module("(import \"env\" \"abort\" (func))", "memory");
    let error = error(&wasm);
    assert!(error.starts_with("imports env.abort, "), "{error}");
    assert!(error.ends_with("; does not export memory"), "{error}");
}

#[test]
fn refuses_other_files() {
    assert!(error(b"#!/bin/sh").starts_with("invalid module: "));
}
