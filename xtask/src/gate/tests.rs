use std::collections::BTreeMap;

use super::{HOSTCALLS, WASI, check};
use crate::workspace::Recipe;

fn recipe(max_size_kib: u32) -> Recipe {
    Recipe {
        callbacks: vec!["request_headers".to_owned()],
        max_size_kib,
        variants: BTreeMap::new(),
    }
}

/// Returns a valid module with an added line and a missing export.
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

fn refusal(wasm: &[u8]) -> String {
    check(wasm, &recipe(64)).unwrap_err().to_string()
}

#[test]
fn accepts_every_function_that_the_host_has() {
    for (from, names) in [("env", HOSTCALLS), ("wasi_snapshot_preview1", WASI)] {
        for name in names {
            let wasm = module(&format!("(import \"{from}\" \"{name}\" (func))"), "");
            check(&wasm, &recipe(64)).unwrap();
        }
    }
}

#[test]
fn refuses_an_import_that_the_host_lacks_and_names_it() {
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
        let wanted = format!("imports {from}.{name}, which no filter may import");
        assert_eq!(refusal(&wasm), wanted);
    }
}

#[test]
fn refuses_a_missing_export_and_names_it() {
    for name in ["memory", "_initialize", "proxy_on_delete", "proxy_on_request_headers"] {
        assert_eq!(refusal(&module("", name)), format!("does not export {name}"));
    }
}

#[test]
fn refuses_a_function_that_poses_as_the_memory() {
    let wasm = module("(func (export \"memory\"))", "memory");
    assert_eq!(refusal(&wasm), "does not export memory");
}

#[test]
fn refuses_one_byte_too_many() {
    let padding = "x".repeat(1024);
    let wasm = module(&format!("(func (export \"{padding}\"))"), "");
    let error = check(&wasm, &recipe(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("weighs {} bytes, more than its max-size-kib = 1 allows", wasm.len())
    );
    assert!(super::excess(1024, 1).is_none());
    assert!(super::excess(1025, 1).is_some());
}

#[test]
fn tells_all_faults_at_once() {
    let wasm = module("(import \"env\" \"abort\" (func))", "memory");
    assert_eq!(
        refusal(&wasm),
        "imports env.abort, which no filter may import; does not export memory"
    );
}

#[test]
fn refuses_what_is_no_module() {
    assert!(refusal(b"#!/bin/sh").starts_with("not a module: "));
}
